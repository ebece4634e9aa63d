package steps

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/k8s"
)

// store asks for what writing to the store behind an ExternalSecret takes.
func store() Step {
	return Step{
		ID: "store", Title: "Secret store",
		Intro: "External Secrets makes the Secret from OpenBao or Vault: new values go there.",
		When:  inStore,
		Questions: []Question{
			{Key: "secret.store.address", Title: "Store address", Example: "https://bao.example.com:8200", Ask: More, Value: urlValue.with(noQueryRule), When: inStore,
				Default: "the server of the ExternalSecret's store",
				Why:     "The OpenBao or Vault server behind the ExternalSecret."},
			{Key: "secret.store.mount", Title: "KV mount", Example: "secret", Ask: More, Value: textValue.with(wordRule), When: inStore,
				Default: "secret",
				Why:     "The KV version 2 engine's mount path."},
			{Key: "secret.store.path", Title: "KV path", Example: "backstage", Ask: More, Value: textValue.with(wordRule), When: inStore,
				Default: "one path per key: backstage-KEY, property value",
				Why:     "Where the keys are kept in the store, when they are not kept one by one."},
			{Key: "secret.store.token", Title: "Store token", Example: "env:BAO_TOKEN", Value: hiddenValue, When: inStore,
				Default: "none: the commands for the store are printed",
				Why:     "A token that may read and write the entries. It is used for this run and kept nowhere. Without it nothing is written to the store, and the next commands say what to write."},
			{Key: "secret.store.caFile", Title: "Store CA file", Example: "bao-ca.pem", Ask: More, Value: textValue.with(notEmptyRule), When: inStore,
				Default: "the system's certificates",
				Why:     "Certificates to trust for the store's server."},
		},
	}
}

// OpenStore opens the store's key-value engine at mount and sends nothing. A
// Service of the cluster is reached through a port-forward.
func (e *Env) OpenStore(target plan.StoreTarget, mount string) (*openbao.Store, error) {
	return e.openStore(e.Cluster, target, mount)
}

func (e *Env) openStore(cluster *k8s.Client, target plan.StoreTarget, mount string) (*openbao.Store, error) {
	trust, err := trusted(target)
	if err != nil {
		return nil, err
	}
	dial := (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if cluster != nil {
		dial = cluster.Dial
	}
	transport := &http.Transport{ // never the proxy of the environment: it would get the token
		DialContext: dial, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
	}
	return openbao.Open(openbao.Config{
		Address: target.Address, Namespace: target.Namespace, Mount: mount, Token: target.Token, HTTP: &http.Client{Transport: wrapped(e.Wrap, transport)},
	})
}

// trusted are the certificates that the store's server may have been signed by;
// nil are the system's.
func trusted(target plan.StoreTarget) (*x509.CertPool, error) {
	if target.CABundle == "" && target.CAFile == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if target.CABundle != "" && !pool.AppendCertsFromPEM([]byte(target.CABundle)) {
		return nil, errors.New("the store's caBundle holds no certificate")
	}
	if target.CAFile == "" {
		return pool, nil
	}
	snapshot, err := file.Read(target.CAFile)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(snapshot.Bytes) {
		return nil, fmt.Errorf("%q: holds no certificate in PEM", target.CAFile)
	}
	return pool, nil
}

// storeTimeout bounds all reading of the store.
const storeTimeout = 20 * time.Second

// ReadStore reads the entries at places, and what can be known of writing them.
func (e *Env) ReadStore(ctx context.Context, cluster *k8s.Client, target plan.StoreTarget, places []plan.StoreAt) plan.StoreState {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	state := plan.StoreState{Entries: map[plan.StoreAt]plan.StoreEntry{}}
	if len(places) == 0 {
		state.Problem = "no key of the Secret has a place in the store"
		return state
	}
	stores := map[string]*openbao.Store{}
	for _, at := range places {
		s, err := e.openStore(cluster, target, at.Mount)
		if err != nil {
			state.Problem, state.Hint = "the store's address: "+err.Error(), "set secret.store.address"
			return state
		}
		stores[at.Mount] = s
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	first := stores[places[0].Mount]
	wait.Go(func() {
		if health, err := first.Health(ctx); err == nil {
			state.InMemory = health.InMemory()
		}
	})
	for _, at := range places {
		wait.Go(func() {
			entry, err := readStoreEntry(ctx, stores[at.Mount], at)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			}
			state.Entries[at] = entry
		})
	}
	wait.Wait()
	if len(errs) > 0 {
		state.Problem, state.Hint = errs[0].Error(), storeHint(errs[0])
		return state
	}
	state.Read = true
	return state
}

func readStoreEntry(ctx context.Context, s *openbao.Store, at plan.StoreAt) (plan.StoreEntry, error) {
	var out plan.StoreEntry
	entry, err := s.Read(ctx, at.Entry)
	if err != nil && !errors.Is(err, openbao.ErrNotFound) && !errors.Is(err, openbao.ErrDeleted) {
		return out, err
	}
	out.Version, out.Live, out.Values = entry.Version, err == nil, map[string]secret.Text{}
	for _, name := range entry.Data.Names() {
		if text, ok := entry.Data.Text(name); ok {
			out.Values[name] = text
		}
	}
	if rounded := entry.Data.Rounded(); len(rounded) > 0 {
		out.Refused = fmt.Sprintf("the server has rounded the number in %s, and writing the entry would make that last", rounded[0])
	}
	rights, err := s.Rights(ctx, at.Entry)
	if err == nil && !rights.Update && (out.Version > 0 || !rights.Create) {
		out.Refused = "the token may not write it"
	}
	if undo, err := s.Undoable(ctx, at.Entry); err == nil && !undo.Possible {
		out.NoUndo = undo.Why
	}
	return out, nil
}

func storeHint(err error) string {
	switch {
	case errors.Is(err, openbao.ErrForbidden):
		return "give a token that may read and write these entries as secret.store.token"
	case errors.Is(err, openbao.ErrSealed):
		return "unseal it: bao operator unseal"
	case errors.Is(err, openbao.ErrWrongMount):
		return "set secret.store.mount to a key-value engine of version 2: bao secrets list -detailed"
	case errors.Is(err, openbao.ErrRedirect):
		return "set secret.store.address to where it leads, if that is your server"
	case errors.Is(err, openbao.ErrUnreachable):
		return "set secret.store.address to where the server is reached from here, and secret.store.caFile if its certificate is your own"
	}
	return ""
}

// ExternalFile is the file that the change of an ExternalSecret goes to when
// somebody keeps it in Git.
func (e *Env) ExternalFile() (file.Snapshot, error) { return file.Read(plan.ExternalFile) }

// storeCheck tells whether this run can bring the keys to where the Secret is made
// from.
func storeCheck(in plan.Input, planned func() (*plan.Plan, error)) check.Check {
	return judged("secret.store", "the store takes the values", []string{"cluster.reachable"}, func() check.Result {
		state, es := in.Current.Store, in.Current.Cluster.External
		target, ok := in.StoreTarget()
		switch {
		case es.Store.Provider != "" && es.Store.Provider != "vault":
			return check.Result{Status: check.Warn, Found: fmt.Sprintf("%s %s reads from %s, which this program does not write to", es.Store.Kind, es.Store.Name, es.Store.Provider), Hint: "the next commands say what to write there"}
		case !ok:
			return check.Result{Status: check.Skip, Found: "no token for the store was given: nothing is read or written there", Hint: "give one as secret.store.token, such as env:BAO_TOKEN, or run the next commands"}
		case state.Problem != "":
			return fail(state.Problem, state.Hint)
		case es.Name != "" && es.Stuck() != "":
			return fail(es.Stuck(), "change the ExternalSecret first")
		}
		if p, err := planned(); err == nil && p.Secret.NotDelivered != "" {
			return fail(p.Secret.NotDelivered, "mend that, or leave out secret.store.token: the next commands then say what to write")
		}
		switch {
		case state.InMemory:
			return check.Result{Status: check.Warn, Found: target.Address + " keeps everything in memory: a restart forgets what is written", Hint: "use a store with storage for anything that has to stay"}
		case es.Name != "" && !es.Ready && es.Failure.Text != "":
			return check.Result{Status: check.Warn, Found: "ExternalSecret " + es.Name + " does not sync: " + es.Failure.Text, Hint: "writing the missing entries may mend it"}
		}
		return pass(fmt.Sprintf("%d entries at %s", len(state.Entries), target.Address))
	})
}
