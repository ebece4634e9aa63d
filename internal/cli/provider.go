package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/steps"
	"github.com/openchoreo/backstage-setup/wizard"
)

// provider is what asks the identity provider, as the flags say.
func (a *app) provider(f *flags) (*steps.Provider, error) {
	options := steps.ProviderOptions{Proxy: a.proxy(), Wrap: a.log.Transport("identity provider")}
	if f.caFile != "" {
		pem, err := readGiven("--ca-file", f.caFile)
		if err != nil {
			return nil, err
		}
		options.CA = pem
	}
	p, err := steps.NewProvider(options)
	if err != nil {
		return nil, usage("--ca-file %q: %v", f.caFile, err)
	}
	return p, nil
}

// visitor is what asks portal and API, as the flags say.
func (a *app) visitor(f *flags) (*steps.Visitor, error) {
	options := steps.VisitorOptions{Proxy: a.proxy(), Wrap: a.log.Transport("portal and API")}
	if f.caFile != "" {
		pem, err := readGiven("--ca-file", f.caFile)
		if err != nil {
			return nil, err
		}
		options.CA = pem
	}
	return steps.NewVisitor(options), nil
}

func readGiven(flag, path string) ([]byte, error) {
	snapshot, err := file.Read(path)
	switch {
	case err != nil:
		return nil, usage("%s: %v", flag, err)
	case !snapshot.Exists:
		return nil, usage("%s %q: there is no such file", flag, path)
	}
	return snapshot.Bytes, nil
}

// proxy is what the environment says about proxies; nil when it names none.
func (a *app) proxy() func(*http.Request) (*url.URL, error) {
	either := func(name string) string {
		for _, n := range []string{name, strings.ToLower(name)} {
			if value, _ := a.LookupEnv(n); value != "" {
				return value
			}
		}
		return ""
	}
	config := httpproxy.Config{HTTPProxy: either("HTTP_PROXY"), HTTPSProxy: either("HTTPS_PROXY"), NoProxy: either("NO_PROXY")}
	if config.HTTPProxy == "" && config.HTTPSProxy == "" {
		return nil
	}
	find := config.ProxyFunc()
	return func(r *http.Request) (*url.URL, error) { return find(r.URL) }
}

// aboutProvider fills in what the flags say about the checks of the identity
// provider.
func (a *app) aboutProvider(settings *wizard.Settings, f *flags) error {
	settings.Probe = f.probe
	for _, text := range f.skip {
		id, reason, _ := strings.Cut(text, "=")
		if reason = strings.TrimSpace(reason); reason == "" {
			return usage("--skip %q: must be CHECK=REASON", text).hinted("--skip identity.discovery=%q", "only the cluster can reach it")
		}
		if !knownCheck(id) {
			return usage("--skip %q: there is no such check", id).hinted("backstage-setup explain lists them")
		}
		if !steps.MaySkip(id) {
			return usage("--skip %q: only checks of the identity provider and of PostgreSQL are skipped", id).hinted("--accept %s goes on although it fails", id)
		}
		if settings.Skip == nil {
			settings.Skip = map[string]string{}
		}
		settings.Skip[id] = reason
	}
	var err error
	if settings.Pasted, err = a.pasted(f); err != nil {
		return err
	}
	return nil
}

// pasted reads what is given in place of asking the provider.
func (a *app) pasted(f *flags) (p plan.Pasted, err error) {
	if f.userToken == "-" && f.serviceToken == "-" {
		return p, usage("--user-token and --service-token: only one of them can be read from stdin")
	}
	if p.User, err = a.token("--user-token", f.userToken); err != nil {
		return p, err
	}
	if p.Service, err = a.token("--service-token", f.serviceToken); err != nil {
		return p, err
	}
	if f.jwks != "" {
		p.Keys, err = readGiven("--jwks", f.jwks)
	}
	return p, err
}

// token reads an access token from where a flag says. No error repeats it: what
// stands in the flag's place may be the token itself.
func (a *app) token(flag, place string) (secret.Text, error) {
	source := secret.Source{LookupEnv: a.lookupSecret, Stdin: a.In}
	if place == "" {
		return secret.Text{}, nil
	}
	var v secret.Value
	var err error
	if place == "-" {
		v, _, err = source.FromStdin()
	} else {
		var ref secret.Ref
		ref, err = secret.ParseRef(place)
		if err != nil || ref.Generate || ref.Keep {
			return secret.Text{}, usage("%s: must be env:NAME, file:PATH or -; the token itself is never written here", flag)
		}
		v, _, err = source.Resolve(ref)
	}
	if err != nil {
		return secret.Text{}, usage("%s: %s", flag, fmt.Sprint(err))
	}
	return v.Text, nil
}
