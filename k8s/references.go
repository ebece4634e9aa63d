package k8s

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// The kinds of objects that a pod refers to by name.
const (
	KindConfigMap      = "ConfigMap"
	KindSecret         = "Secret"
	KindServiceAccount = "ServiceAccount"
)

// PodReference is an object that the portal's pods refer to. They do not start
// without it, but for one that images are pulled with.
type PodReference struct {
	Kind string   // KindConfigMap, KindSecret or KindServiceAccount
	Name string   // in the namespace of the pods
	Pull bool     // images are pulled with it: they are also pulled without where nobody has to log in
	By   string   // what refers to it first, such as "volume ci-config"
	Keys []string // that it has to have, in order
}

// Referent is what became of a PodReference.
type Referent struct {
	PodReference
	Missing bool     // there is no such object
	Lacks   []string // of Keys
	Unknown string
}

// references are what a pod's template refers to and may not go without: for
// variables, volumes and pulling images, and the account that it runs as. That of
// the name "default" is every namespace's.
func references(spec *corev1.PodSpec) []PodReference {
	var r referring
	if name := spec.ServiceAccountName; name != "" && name != "default" {
		r.add(KindServiceAccount, name, "serviceAccountName")
	}
	configs := map[string]string{} // names of ConfigMaps by those of the volumes that hold all of their keys
	for _, v := range spec.Volumes {
		r.volume(v)
		if v.ConfigMap != nil && len(v.ConfigMap.Items) == 0 && !yes(v.ConfigMap.Optional) {
			configs[v.Name] = v.ConfigMap.Name
		}
	}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			r.container(&list[i])
			for _, m := range list[i].VolumeMounts {
				if config, path := configs[m.Name], strings.Trim(m.SubPath, "/"); config != "" && path != "" && m.SubPathExpr == "" {
					// The kubelet makes an empty directory of what is not there.
					r.add(KindConfigMap, config, "volume "+m.Name, path)
				}
			}
		}
	}
	for _, s := range spec.ImagePullSecrets {
		if s.Name != "" && !slices.ContainsFunc(r.list, func(known PodReference) bool { return known.Kind == KindSecret && known.Name == s.Name }) {
			r.list = append(r.list, PodReference{Kind: KindSecret, Name: s.Name, Pull: true, By: "imagePullSecrets"})
		}
	}
	return r.list
}

// referring collects references, each object once.
type referring struct{ list []PodReference }

func (r *referring) add(kind, name, by string, keys ...string) {
	if name == "" {
		return
	}
	at := slices.IndexFunc(r.list, func(known PodReference) bool { return known.Kind == kind && known.Name == name })
	if at < 0 {
		at = len(r.list)
		r.list = append(r.list, PodReference{Kind: kind, Name: name, By: by})
	}
	for _, key := range keys {
		if !slices.Contains(r.list[at].Keys, key) {
			r.list[at].Keys = append(r.list[at].Keys, key)
		}
	}
}

func (r *referring) volume(v corev1.Volume) {
	by := "volume " + v.Name
	if s := v.ConfigMap; s != nil && !yes(s.Optional) {
		r.add(KindConfigMap, s.Name, by, paths(s.Items)...)
	}
	if s := v.Secret; s != nil && !yes(s.Optional) {
		r.add(KindSecret, s.SecretName, by, paths(s.Items)...)
	}
	if v.Projected == nil {
		return
	}
	for _, s := range v.Projected.Sources {
		if s.ConfigMap != nil && !yes(s.ConfigMap.Optional) {
			r.add(KindConfigMap, s.ConfigMap.Name, by, paths(s.ConfigMap.Items)...)
		}
		if s.Secret != nil && !yes(s.Secret.Optional) {
			r.add(KindSecret, s.Secret.Name, by, paths(s.Secret.Items)...)
		}
	}
}

func (r *referring) container(c *corev1.Container) {
	for _, from := range c.EnvFrom {
		if s := from.ConfigMapRef; s != nil && !yes(s.Optional) {
			r.add(KindConfigMap, s.Name, "envFrom of container "+c.Name)
		}
		if s := from.SecretRef; s != nil && !yes(s.Optional) {
			r.add(KindSecret, s.Name, "envFrom of container "+c.Name)
		}
	}
	for _, e := range c.Env {
		of := plainEnv(e)
		if of.Optional {
			continue
		}
		r.add(KindConfigMap, of.ConfigMapName, "variable "+e.Name, of.ConfigKey)
		r.add(KindSecret, of.SecretName, "variable "+e.Name, of.SecretKey)
	}
}

// paths are the keys that a volume takes; none is all of them.
func paths(items []corev1.KeyToPath) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}

func yes(optional *bool) bool { return optional != nil && *optional }

// referents looks for what the portal's pods refer to, but for the Secret named
// read, which was read before.
func (c *Client) referents(ctx context.Context, namespace, read string, list []PodReference) []Referent {
	var out []Referent
	for _, r := range list {
		if r.Kind != KindSecret || r.Name != read {
			out = append(out, Referent{PodReference: r})
		}
	}
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() { c.referent(ctx, namespace, &out[i]) })
	}
	wait.Wait()
	slices.SortStableFunc(out, func(a, b Referent) int { return cmp.Compare(weight(a), weight(b)) })
	return out
}

// weight puts what is needed to make a pod before what its containers take, and
// what images are pulled with last.
func weight(r Referent) int {
	switch {
	case r.Kind == KindServiceAccount:
		return 0
	case r.Pull:
		return 2
	}
	return 1
}

func (c *Client) referent(ctx context.Context, namespace string, r *Referent) {
	var (
		has map[string]bool
		err error
	)
	switch r.Kind {
	case KindConfigMap:
		var o struct {
			Data   map[string]any `json:"data"`
			Binary map[string]any `json:"binaryData"`
		}
		err = c.get(ctx, kind{"", "v1", "configmaps"}, namespace, r.Name, &o)
		has = names(o.Data, o.Binary)
	case KindServiceAccount:
		err = c.get(ctx, kind{"", "v1", "serviceaccounts"}, namespace, r.Name, &struct{}{})
	default:
		var s *Secret
		if s, err = c.Secret(ctx, namespace, r.Name); err == nil {
			has = map[string]bool{}
			for _, key := range s.Keys {
				has[key] = true
			}
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		r.Missing = true
		return
	case err != nil:
		r.Unknown = err.Error()
		return
	}
	for _, key := range r.Keys {
		if !has[key] {
			r.Lacks = append(r.Lacks, key)
		}
	}
}

func names(of ...map[string]any) map[string]bool {
	all := map[string]bool{}
	for _, m := range of {
		for name := range m {
			all[name] = true
		}
	}
	return all
}
