package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
	"github.com/openchoreo/backstage-setup/templates"
)

// placeholderValue stands in the Secret for a credential that nothing uses but
// without whose key the pods do not start.
const placeholderValue = "placeholder-not-in-use"

// postgresCA is the Secret's key for the certificate authority of PostgreSQL,
// and the variable that hands it to node-postgres.
const (
	postgresCA  = "postgres-ca"
	postgresEnv = "APP_CONFIG_backend_database_connection_ssl_ca"
)

// SecretPlan is what happens to the portal's Secret.
type SecretPlan struct {
	Namespace        string
	Name             string
	Delivery         string
	Action           string // created, patched, unchanged, external, manifest
	Keys             []KeyPlan
	Owner            k8s.Owner
	Guide            []string // what to do where this program may not write
	Delivered        bool     // this run brings the keys there through the store
	NotDelivered     string   // why it does not
	DropsLastApplied bool
	History          bool // it tells when its keys were set
}

// KeyPlan is what happens to one key of the Secret. Value never leaves memory
// but to its place.
type KeyPlan struct {
	Name    string
	Action  string // set, kept, generated, placeholder
	Source  string // where the value came from
	Meaning string
	Length  int
	Value   secret.Text
	changes bool
}

// secret works out every key that this chart and these answers need, and what
// is left alone.
func (p *Plan) secret() {
	if !p.in.Draft.Portal.Enabled {
		p.Secret = SecretPlan{Action: "unchanged"}
		return
	}
	d := &p.in.Draft
	p.Secret = SecretPlan{Namespace: d.Target.Namespace, Name: d.Secret.Name, Delivery: d.Secret.Delivery}
	for _, sk := range p.in.Profile.SecretKeys {
		if sk.Required.Holds(p.in.Text) {
			p.secretKey(sk)
		}
	}
	p.certificate()
	p.keepOthers()
	p.decide()
}

func (p *Plan) secretKey(sk templates.SecretKey) {
	name := p.in.secretKeyName(sk)
	p.nameKey(sk, name)
	old, where, exists := p.in.existing(name)
	value, source := p.keyValue(sk)
	k := KeyPlan{Name: name, Meaning: sk.Meaning, Value: value, Source: source, Action: "set", changes: true}
	switch {
	case value.IsZero() && exists:
		k.Action, k.Source, k.Value, k.changes = "kept", where, old, false
	case value.IsZero() && sk.Placeholder && !sk.Used.Holds(p.in.Text):
		k.Action, k.Source, k.Value = "placeholder", "not used", secret.New(placeholderValue)
	case value.IsZero() && sk.Optional:
		return
	case value.IsZero():
		// A key that must be in the cluster's Secret but was not seen there:
		// kept by the operator's word, so nothing is written for it.
		k.Action, k.Source, k.changes = "kept", "kept, not seen from here", false
	case exists && old.Equal(value) && !p.in.behind(name, value):
		k.Action, k.Source, k.changes = "kept", where, false
	case d(p.in, sk).Ref.Generate:
		k.Action = "generated"
	}
	k.Length = k.Value.Len()
	if k.Action == "kept" && secret.Placeholder(old.Reveal()) && sk.Used.Holds(p.in.Text) {
		p.Warn("secrets", "%s in %s holds a public placeholder: anyone can know it", name, where)
	}
	p.Secret.Keys = append(p.Secret.Keys, k)
}

func d(in Input, sk templates.SecretKey) secret.Value {
	v, _ := in.Draft.Get(answers.Key(sk.Key)).(secret.Value)
	return v
}

// keyValue returns the wanted value of a key; zero means keep, or nothing said.
func (p *Plan) keyValue(sk templates.SecretKey) (secret.Text, string) {
	key := answers.Key(sk.Key)
	if !p.in.Draft.Has(key) {
		return secret.Text{}, ""
	}
	source := p.in.Draft.From[key].String()
	switch v := p.in.Draft.Get(key).(type) {
	case secret.Value:
		if v.Ref.Env != "" || v.Ref.File != "" {
			source = v.Ref.String()
		}
		return v.Text, source
	case string:
		return secret.New(v), source
	case int:
		return secret.New(itoa(v)), source
	}
	return secret.Text{}, ""
}

// nameKey writes the Helm value that names a key, unless the values name
// another one already.
func (p *Plan) nameKey(sk templates.SecretKey, name string) {
	if sk.NamePath != "" {
		p.write(answers.Key(sk.Key), sk.NamePath, name)
	}
}

// certificate hands a private certificate authority to the portal: a key of the
// Secret and the variable that reads it, which renders on every chart.
func (p *Plan) certificate() {
	d := &p.in.Draft
	ca, given := p.in.PostgresCA(), p.in.givenCA()
	if len(ca) == 0 || d.Database.Type != "postgresql" || !p.in.chartSSL() || given == nil && !p.settlesTLS() && !p.in.TrustsAlready() {
		return
	}
	value := secret.New(strings.TrimSpace(string(ca)) + "\n")
	old, where, exists := p.in.existing(postgresCA)
	k := KeyPlan{Name: postgresCA, Action: "set", Source: cmp.Or(d.Database.PostgreSQL.CAFile, d.Database.PostgreSQL.TrustCA), Value: value, Length: value.Len(), changes: true,
		Meaning: "Certificates that the portal trusts for PostgreSQL."}
	if exists && (given == nil || old.Equal(value)) {
		k.Action, k.Source, k.Value, k.Length, k.changes = "kept", where, old, old.Len(), false
	}
	p.Secret.Keys = append(p.Secret.Keys, k)
	_, extra, _ := p.environmentLists()
	p.setVariable(extra, answers.EnvVar{Name: postgresEnv, ValueFrom: map[string]any{
		"secretKeyRef": map[string]any{"name": d.Secret.Name, "key": postgresCA}}})
}

// PostgresCA is what the portal will trust for PostgreSQL, in PEM: what was given
// now, or what its Secret has for it; nil is what Node.js trusts by itself.
func (in Input) PostgresCA() []byte {
	if in.WellKnownOnly() {
		return nil
	}
	if ca := in.givenCA(); ca != nil {
		return ca
	}
	if kept, _, _ := in.existing(postgresCA); in.KeepsCA() || in.TrustsAlready() {
		return []byte(kept.Reveal())
	}
	return nil
}

// givenCA are the certificates that this run has for the portal to trust: of a
// file, or what the server shows and somebody gave the fingerprint of. nil is none.
func (in Input) givenCA() []byte {
	if ca := in.Current.PostgresCA; len(ca) > 0 && in.Draft.Has("database.postgresql.caFile") {
		return ca
	}
	if certificate, ok := in.TrustedShown(); ok && !in.TrustsAlready() {
		return certificate.PEM
	}
	return nil
}

// keepOthers lists the keys that this run has no business with: those of our own
// manifest, which would lose them otherwise, and of the existing Secret.
func (p *Plan) keepOthers() {
	var names []string
	if p.Secret.Delivery == DeliverManifest {
		names = slices.Sorted(maps.Keys(p.in.Current.Manifest.Keys))
	}
	if existing := p.in.Current.Cluster.Secret.Secret; existing != nil {
		names = append(names, existing.Keys...)
	}
	for _, name := range names {
		if slices.ContainsFunc(p.Secret.Keys, func(k KeyPlan) bool { return k.Name == name }) {
			continue
		}
		if value, where, ok := p.in.existing(name); ok {
			p.Secret.Keys = append(p.Secret.Keys, KeyPlan{Name: name, Action: "kept", Source: where, Length: value.Len(), Value: value})
		}
	}
}

// decide chooses between create, patch, manifest and leaving it to its owner.
func (p *Plan) decide() {
	s := &p.Secret
	existing := p.in.Current.Cluster.Secret.Secret
	owner := p.in.Current.Cluster.Secret.Owner
	changes := slices.ContainsFunc(s.Keys, func(k KeyPlan) bool { return k.changes })
	switch {
	case s.Delivery == DeliverManifest:
		s.Action = "manifest"
	case owner.Kind != "":
		s.Owner = owner
		s.Action = "external"
		if !changes {
			s.Action = "unchanged"
		}
		p.throughOwner(changes)
	case s.Delivery == DeliverStore:
		s.Action = "external"
		p.throughOwner(changes || existing == nil)
	case existing == nil:
		s.Action = "created"
	case changes || (existing.LastApplied && p.in.Current.DropLastApplied):
		s.Action = "patched"
		s.DropsLastApplied = existing.LastApplied && p.in.Current.DropLastApplied
	default:
		s.Action = "unchanged"
	}
	if existing != nil && existing.LastApplied && !s.DropsLastApplied && owner.Kind == "" {
		p.Warn("secrets", "the annotation kubectl.kubernetes.io/last-applied-configuration of Secret %s holds earlier secrets in plain base64; --accept secret.last-applied removes it in the same change", existing.Name)
	}
}

// throughOwner brings changed keys to the Secret's owner, or tells the operator
// how to.
func (p *Plan) throughOwner(changes bool) {
	if !p.in.InStore() || !changes {
		p.Secret.Guide = p.guide()
		return
	}
	if p.Secret.NotDelivered = p.deliver(); p.Secret.NotDelivered != "" {
		p.delivery, p.external = nil, nil
		p.Secret.Guide = p.guide()
		return
	}
	p.Secret.Delivered = p.external == nil
}

// change returns the write to the cluster.
func (p *Plan) change() k8s.SecretChange {
	c := k8s.SecretChange{Namespace: p.Secret.Namespace, Name: p.Secret.Name, Set: map[string]secret.Text{}, RemoveLastApplied: p.Secret.DropsLastApplied}
	if existing := p.in.Current.Cluster.Secret.Secret; existing != nil {
		c.ResourceVersion = existing.ResourceVersion
	}
	for _, k := range p.Secret.Keys {
		if k.changes {
			c.Set[k.Name] = k.Value
		}
	}
	return c
}

// guide says what to change where the Secret's owner would undo our write.
func (p *Plan) guide() []string {
	var changed []string
	for _, k := range p.Secret.Keys {
		if k.changes {
			changed = append(changed, k.Name)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	list := strings.Join(changed, ", ")
	owner := p.Secret.Owner
	if owner.Kind == "" {
		owner.Kind = k8s.OwnerExternalSecrets
		owner.Name = p.Secret.Name
	}
	if write, ok := ownerGuides[owner.Kind]; ok {
		return write(p, owner, list)
	}
	return []string{fmt.Sprintf("%s is managed by %s %s: set %s there.", p.Secret.Name, owner.Kind, owner.Name, list)}
}
