package k8s

import (
	"cmp"
	"context"
	"errors"
	"sync"
)

// The chart's names, where nothing else is known.
const (
	DefaultSecretName = "backstage-secrets"
	portalName        = "backstage"
	apiName           = "openchoreo-api"
	apiConfigName     = "openchoreo-api-config"
	gatewayName       = "gateway-default"
	thunderNamespace  = "thunder"
)

// planeGroup is the API group of OpenChoreo's planes.
const planeGroup = "openchoreo.dev"

// Query says what Discover looks for.
type Query struct {
	Namespace  string // of the control plane; "" is the client's own
	Release    string // Helm release
	SecretName string // "" is what the Deployment uses, else DefaultSecretName
}

// Found is what Discover learned. In each part Unknown says why nothing is
// known, such as a missing right or resource definition; with an empty Unknown
// an empty part is not there.
type Found struct {
	Server              Server
	Namespace           Namespace
	Release             Release
	Deployment          Deployment
	Pods                Pods // of the portal
	Claim               Claim
	Secret              SecretState
	External            ExternalSecret
	Portal              Route // HTTPRoute of the portal
	API                 Route // HTTPRoute of the OpenChoreo API
	APIConfig           APIConfig
	Gateway             Gateway
	StorageClasses      StorageClasses
	WorkflowPlanes      Planes
	ObservabilityPlanes Planes
	Thunder             Thunder
}

// Server is the API server.
type Server struct {
	Version string // such as "v1.34.2"
	Err     error  // why it was not reached
}

// Namespace is the control plane's namespace.
type Namespace struct {
	Name    string
	Exists  bool
	Unknown string
}

// SecretState is the portal's Secret.
type SecretState struct {
	Name    string  // that was looked for
	Secret  *Secret // nil when there is none or Unknown says why
	Owner   Owner   // by its marks or an ExternalSecret; also set when the Secret is still absent
	Unknown string

	Previous *Secret // that keeps old values while a run is not verified: its name with PreviousSuffix
}

// defaultStore is the ClusterSecretStore of the product's guides.
const defaultStore = "default"

// PreviousSuffix is what the name of the Secret with the old values ends with.
const PreviousSuffix = "-previous"

// Discover looks at everything there is, in at most 24 requests and 4 round
// trips. It never fails: what it could not learn says why.
func (c *Client) Discover(ctx context.Context, q Query) Found {
	var (
		found  Found
		wait   sync.WaitGroup
		marks  releaseMarks
		portal = make(chan portalSecret, 1)
		stores = make(chan externalSecrets, 1)
	)
	// Kubernetes reads an empty namespace as all of them.
	q.Namespace = cmp.Or(q.Namespace, c.target.Namespace)
	wait.Go(func() { found.Server.Version, found.Server.Err = c.Reach(ctx) })
	wait.Go(func() { found.Namespace = c.namespace(ctx, q.Namespace) })
	wait.Go(func() { found.Release = c.release(ctx, q) })
	wait.Go(func() {
		var err error
		found.Deployment, marks, err = c.deployment(ctx, q)
		portal <- portalSecret{found.Deployment.SecretName, err}
		found.Claim = c.dataClaim(ctx, q.Namespace, found.Deployment, err)
	})
	wait.Go(func() { found.Pods = c.portalPods(ctx, q.Namespace) })
	wait.Go(func() { stores <- c.externalSecrets(ctx, q.Namespace) })
	wait.Go(func() { found.Secret, found.External = c.secretState(ctx, q, portal, stores) })
	wait.Go(func() { found.Portal, found.API = c.routes(ctx, q.Namespace) })
	wait.Go(func() { found.APIConfig = c.apiConfig(ctx, q.Namespace) })
	wait.Go(func() { found.Gateway = c.gateway(ctx, q.Namespace) })
	wait.Go(func() { found.StorageClasses = c.storageClasses(ctx) })
	wait.Go(func() { found.WorkflowPlanes = c.planes(ctx, "clusterworkflowplanes", "workflowplanes") })
	wait.Go(func() { found.ObservabilityPlanes = c.planes(ctx, "clusterobservabilityplanes", "observabilityplanes") })
	wait.Go(func() { found.Thunder = c.thunder(ctx) })
	wait.Wait()
	found.Release.complete(marks)
	return found
}

// portalSecret is the name of the Secret that the Deployment uses, or why it is
// not known.
type portalSecret struct {
	name string
	err  error
}

// secretState reads the portal's Secret as soon as its name is known, and the
// store of the ExternalSecret that makes it.
func (c *Client) secretState(ctx context.Context, q Query, portal <-chan portalSecret, stores <-chan externalSecrets) (SecretState, ExternalSecret) {
	state := SecretState{Name: q.SecretName}
	if state.Name == "" {
		used := <-portal
		state.Name = cmp.Or(used.name, DefaultSecretName)
		if errors.Is(used.err, ErrUnreachable) { // to ask on would take one more time-out
			state.Unknown = used.err.Error()
			return state, ExternalSecret{Unknown: (<-stores).unknown}
		}
	}
	var noPrevious error
	previous := make(chan *Secret, 1)
	go func() {
		var s *Secret
		s, noPrevious = c.Secret(ctx, q.Namespace, state.Name+PreviousSuffix)
		previous <- s
	}()
	s, err := c.Secret(ctx, q.Namespace, state.Name)
	state.Previous = <-previous
	switch {
	case err == nil:
		state.Secret, state.Owner = s, s.Owner
	case !errors.Is(err, ErrNotFound):
		state.Unknown = err.Error()
	}
	// Who may not read it finds out when it is written. Otherwise a run may be in the
	// middle that must not be overlooked.
	if noPrevious != nil && !errors.Is(noPrevious, ErrNotFound) && !errors.Is(noPrevious, ErrForbidden) {
		state.Unknown = cmp.Or(state.Unknown, noPrevious.Error())
	}
	all := <-stores
	external, ok := all.targeting(state.Name, state.Owner)
	if !ok {
		none := ExternalSecret{Unknown: all.unknown}
		if all.served && state.Secret == nil && state.Unknown == "" { // a new installation may get its Secret from there
			none.Store = c.store(ctx, ExternalSecret{Store: Store{Kind: "ClusterSecretStore", Name: defaultStore}})
		}
		return state, none
	}
	if !state.Owner.certain() {
		state.Owner = external.owner()
	}
	return state, c.complete(ctx, external)
}

func (c *Client) namespace(ctx context.Context, name string) Namespace {
	err := c.get(ctx, kind{"", "v1", "namespaces"}, "", name, &struct{}{})
	switch {
	case err == nil:
		return Namespace{Name: name, Exists: true}
	case errors.Is(err, ErrNotFound):
		return Namespace{Name: name}
	}
	return Namespace{Name: name, Unknown: err.Error()}
}

// unknown returns why err leaves a part unknown; that there is no such object
// is known.
func unknown(err error) string {
	if err == nil || errors.Is(err, ErrNotFound) {
		return ""
	}
	return err.Error()
}
