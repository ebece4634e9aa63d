package k8s

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Deployment is the portal's Deployment as it is now. Name is "" when there is
// none.
type Deployment struct {
	Name       string
	Release    string // Helm release that it belongs to, by its labels
	Image      string
	Env        []EnvVar
	Database   string // DATABASE_CLIENT: "better-sqlite3", "pg" or ""
	SecretName string // that BACKEND_SECRET is taken from
	// WholeSecrets are those of which the pods may read more keys than Env tells:
	// with envFrom, or in another container.
	WholeSecrets []string
	References   []PodReference    // to other objects, the Secret among them
	Command      []string          // of the container; none is the image's
	Args         []string          // of the container
	DataVolume   string            // of the database directory: "emptyDir", "persistentVolumeClaim" or ""
	DataClaim    string            // name of the claim
	Labels       map[string]string // of its pods
	Ports        []string          // numbers and names of the container's ports

	Generation int64     // counts the changes of its specification
	Restarted  time.Time // when its pods were last restarted as kubectl does, to the second; zero when they were not

	Replicas  int // wanted
	Ready     int
	Updated   int
	Available int

	Reloader Reloader
	Unknown  string
}

// EnvVar is a variable of the portal's container: a value, or where it is taken
// from.
type EnvVar struct {
	Name, Value              string
	SecretName, SecretKey    string
	ConfigMapName, ConfigKey string
	Optional                 bool // the container also starts without
}

// Reloader is what Stakater's Reloader would do when the Secret changes.
type Reloader struct {
	Auto    bool     // restarts on a change of anything that the pods refer to
	Secrets []string // restarts on a change of these
}

// Reloads tells whether Reloader restarts the pods when the named Secret
// changes. An annotation on the Secret can still forbid it.
func (r Reloader) Reloads(secretName string) bool {
	return r.Auto || slices.Contains(r.Secrets, secretName)
}

// EnvVar returns the variable of that name; of several the last, as the kubelet
// does.
func (d Deployment) EnvVar(name string) (EnvVar, bool) {
	for _, e := range slices.Backward(d.Env) {
		if e.Name == name {
			return e, true
		}
	}
	return EnvVar{}, false
}

// The labels that Helm's charts put on every object, and the chart's components.
const (
	chartLabel     = "helm.sh/chart"
	instanceLabel  = "app.kubernetes.io/instance"
	versionLabel   = "app.kubernetes.io/version"
	componentLabel = "app.kubernetes.io/component"

	portalComponent = "backstage"
	apiComponent    = "api-server"
)

// deployment finds the portal's Deployment by label, else by the chart's default
// name, and the marks of the release on it or, without a portal, on the API's.
func (c *Client) deployment(ctx context.Context, q Query) (Deployment, releaseMarks, error) {
	var (
		named    *appsv1.Deployment
		getErr   error
		wait     sync.WaitGroup
		selector = componentLabel + " in (" + portalComponent + "," + apiComponent + ")"
	)
	// A Role may allow to get this one and not to list.
	wait.Go(func() { named, getErr = c.readDeployment(ctx, q.Namespace, portalName) })
	all, listErr := c.listDeployments(ctx, q.Namespace, selector, 50)
	wait.Wait()

	var api releaseMarks
	if named != nil {
		all = append(all, *named)
	}
	slices.SortStableFunc(all, func(a, b appsv1.Deployment) int { // the asked release's first
		return cmp.Compare(belongs(b, q.Release), belongs(a, q.Release))
	})
	for i := range all {
		d := &all[i]
		if d.Labels[componentLabel] == portalComponent || d.Name == portalName {
			return plainDeployment(d), marksOf(d), nil
		}
		if api.instance == "" {
			api = marksOf(d)
		}
	}
	err := cmp.Or(listErr, getErr)
	return Deployment{Unknown: unknown(err)}, api, err
}

func belongs(d appsv1.Deployment, release string) int {
	if d.Labels[instanceLabel] == release {
		return 1
	}
	return 0
}

func marksOf(d *appsv1.Deployment) releaseMarks {
	return releaseMarks{
		instance: d.Labels[instanceLabel],
		chart:    d.Labels[chartLabel],
		version:  d.Labels[versionLabel],
		owner:    OwnerOf(metaOf(&d.ObjectMeta, false)),
	}
}

func (c *Client) readDeployment(ctx context.Context, namespace, name string) (*appsv1.Deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	d, err := c.apps.Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, c.explain(ask{"get", "apps", "deployments", namespace, name}, err)
	}
	return d, nil
}

func (c *Client) listDeployments(ctx context.Context, namespace, selector string, limit int64) ([]appsv1.Deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	list, err := c.apps.Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector, Limit: limit})
	if err != nil {
		return nil, c.explain(ask{"list", "apps", "deployments", namespace, ""}, err)
	}
	return list.Items, nil
}

func plainDeployment(d *appsv1.Deployment) Deployment {
	out := Deployment{
		Name: d.Name, Release: d.Labels[instanceLabel], Generation: d.Generation,
		Replicas: replicas(d), Ready: int(d.Status.ReadyReplicas),
		Updated: int(d.Status.UpdatedReplicas), Available: int(d.Status.AvailableReplicas),
		Reloader: reloader(d), Labels: d.Spec.Template.Labels,
	}
	if at, err := time.Parse(time.RFC3339, d.Spec.Template.Annotations[restartMark]); err == nil {
		out.Restarted = at
	}
	out.References = references(&d.Spec.Template.Spec)
	container := portalContainer(d.Spec.Template.Spec.Containers)
	if container == nil {
		return out
	}
	out.Image, out.Command, out.Args = container.Image, container.Command, container.Args
	for _, p := range container.Ports {
		out.Ports = append(out.Ports, strconv.Itoa(int(p.ContainerPort)))
		if p.Name != "" {
			out.Ports = append(out.Ports, p.Name)
		}
	}
	for _, e := range container.Env {
		out.Env = append(out.Env, plainEnv(e))
	}
	out.WholeSecrets = wholeSecrets(&d.Spec.Template.Spec, container)
	client, _ := out.EnvVar("DATABASE_CLIENT")
	backend, _ := out.EnvVar("BACKEND_SECRET")
	out.Database, out.SecretName = client.Value, backend.SecretName
	out.DataVolume, out.DataClaim = dataVolume(d.Spec.Template.Spec.Volumes)
	return out
}

// replicas is what is wanted; Kubernetes reads nothing as 1.
func replicas(d *appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}

// wholeSecrets are the Secrets that containers take variables from, but for single
// ones of the portal's.
func wholeSecrets(spec *corev1.PodSpec, portal *corev1.Container) (names []string) {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for _, from := range list[i].EnvFrom {
				if from.SecretRef != nil {
					names = append(names, from.SecretRef.Name)
				}
			}
			for _, e := range list[i].Env {
				if name := plainEnv(e).SecretName; name != "" && &list[i] != portal {
					names = append(names, name)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// portalContainer is the one that the chart names, else the first: a mesh puts
// its own beside it.
func portalContainer(containers []corev1.Container) *corev1.Container {
	for i := range containers {
		if containers[i].Name == portalComponent {
			return &containers[i]
		}
	}
	if len(containers) == 0 {
		return nil
	}
	return &containers[0]
}

func plainEnv(e corev1.EnvVar) EnvVar {
	out := EnvVar{Name: e.Name, Value: e.Value}
	if e.ValueFrom == nil {
		return out
	}
	if ref := e.ValueFrom.SecretKeyRef; ref != nil {
		out.SecretName, out.SecretKey = ref.Name, ref.Key
		out.Optional = ref.Optional != nil && *ref.Optional
	}
	if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
		out.ConfigMapName, out.ConfigKey = ref.Name, ref.Key
		out.Optional = ref.Optional != nil && *ref.Optional
	}
	return out
}

// dataVolume tells where SQLite keeps its files: the chart calls the volume
// <name>-db.
func dataVolume(volumes []corev1.Volume) (kind, claim string) {
	for _, v := range volumes {
		if !strings.HasSuffix(v.Name, "-db") {
			continue
		}
		if v.PersistentVolumeClaim != nil {
			return "persistentVolumeClaim", v.PersistentVolumeClaim.ClaimName
		}
		if v.EmptyDir != nil {
			return "emptyDir", ""
		}
	}
	return "", ""
}

// reloader reads the annotations of stakater/Reloader, which looks at the
// Deployment's own and the pod template's.
func reloader(d *appsv1.Deployment) Reloader {
	var r Reloader
	for _, annotations := range []map[string]string{d.Annotations, d.Spec.Template.Annotations} {
		for _, name := range []string{"reloader.stakater.com/auto", "secret.reloader.stakater.com/auto"} {
			r.Auto = r.Auto || annotations[name] == "true"
		}
		for _, name := range strings.Split(annotations["secret.reloader.stakater.com/reload"], ",") {
			if name = strings.TrimSpace(name); name != "" {
				r.Secrets = append(r.Secrets, name)
			}
		}
	}
	return r
}

// PodTemplate returns a digest of the Deployment's pod template: another one
// means that its pods roll.
func (c *Client) PodTemplate(ctx context.Context, namespace, name string) (string, error) {
	d, err := c.readDeployment(ctx, namespace, name)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(d.Spec.Template)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
