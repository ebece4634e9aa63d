package idp_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/openchoreo/backstage-setup/internal/idp"
	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// vector is one server with one defect. In testdata/vectors a file has those of
// one check: each has a header (fact: where it comes from; want: the class and ID
// of every verdict; more that the check reads), an empty line, and the server's
// answers byte for byte (but for line ends before the body), separated by ====.
type vector struct {
	name    string
	header  map[string]string
	answers []string
}

// checks ask the server of a vector, by the name of its file.
var checks = map[string]func(context.Context, *idp.Client, vector) []idp.Verdict{
	"discovery": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		_, verdicts := c.Discover(ctx, v.get("ask", "https://id.example.com"))
		return verdicts
	},
	"scopes": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		d, _ := c.Discover(ctx, "https://id.example.com")
		return d.CheckScopes(strings.Fields(v.header["scope"]))
	},
	"keys": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		_, verdicts := c.Keys(ctx, v.get("ask", "https://id.example.com/keys"))
		return verdicts
	},
	"service": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		_, verdicts := c.ServiceToken(ctx, v.serviceRequest())
		return verdicts
	},
	"token": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict { return v.verify(ctx, c, false) },
	"signin": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		return c.SignInSecret(ctx, idp.SignInRequest{
			TokenURL: "https://id.example.com/token", ClientID: "portal", Secret: secret.New(clientSecret),
			Redirect: callback, Control: v.get("control", "") != "",
		})
	},
	"redirect": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict {
		return c.Redirect(ctx, idp.RedirectRequest{
			AuthorizationURL: "https://id.example.com/authorize?p=x", ClientID: "portal", Redirect: callback,
			Scopes: []string{"openid"}, Control: v.get("control", "") != "", NoResponseType: v.get("no-response-type", "") != "",
		})
	},
	"user": func(ctx context.Context, c *idp.Client, v vector) []idp.Verdict { return v.verify(ctx, c, true) },
}

func (v vector) serviceRequest() idp.ServiceRequest {
	return idp.ServiceRequest{
		TokenURL: v.get("ask", "https://id.example.com/token"), ClientID: "portal-service",
		Secret: secret.New(v.get("secret", clientSecret)), Scopes: strings.Fields(v.get("scope", "")),
	}
}

// verify gets the server's token and judges it; the keys are in the header too.
func (v vector) verify(ctx context.Context, c *idp.Client, user bool) []idp.Verdict {
	token, verdicts := c.ServiceToken(ctx, v.serviceRequest())
	if token.Access.IsZero() {
		return verdicts
	}
	keys, _ := idp.ParseKeys([]byte(testMaterial().render(v.get("keys", "<<keys (jwk `k1` ``)>>"))))
	_, verdicts = idp.Verify(token.Access, keys, idp.Expectations{
		Issuer: strings.TrimPrefix(v.get("issuer", "https://id.example.com"), "none"), Audiences: strings.Fields(v.get("audience", "")), User: user,
		UserClaim: v.get("claim", ""), ClientID: v.get("client", "portal-service"), Binding: v.get("binding", ""),
		Groups: strings.Fields(v.get("groups", "")), Ahead: token.Ahead, Dated: token.Dated,
	}, now)
	return verdicts
}

func (v vector) get(name, other string) string {
	if value, ok := v.header[name]; ok {
		return value
	}
	return other
}

func TestVectors(t *testing.T) {
	ca := newAuthority(t)
	config := ca.valid(t)
	bytesSeen := map[string]string{}
	for check, run := range checks {
		for _, v := range vectors(t, check) {
			t.Run(check+"/"+v.name, func(t *testing.T) {
				key := check + fmt.Sprint(v.header["ask"], v.answers)
				if twin, ok := bytesSeen[key]; ok {
					t.Errorf("sends the same bytes as %s", twin)
				}
				bytesSeen[key] = v.name
				answers := make([]string, len(v.answers))
				for i, a := range v.answers {
					answers[i] = wire(testMaterial().render(a))
				}
				s := serve(t, config, answers...)
				ctx := t.Context()
				if strings.HasPrefix(answers[len(answers)-1], "!hang") || strings.HasSuffix(answers[len(answers)-1], "!drip") {
					var cancel func()
					ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
					defer cancel()
				}
				verdicts := run(ctx, s.client(t, ca), v)
				if got := outcome(verdicts); got != v.header["want"] {
					t.Errorf("got  %s\nwant %s\n%v", got, v.header["want"], verdicts)
				}
				if len(s.asked()) != len(answers) {
					t.Errorf("%d requests were made, %d are answered", len(s.asked()), len(answers))
				}
				for _, verdict := range verdicts {
					presentable(t, verdict)
				}
				if want := v.header["found"]; want != "" && !slices.ContainsFunc(verdicts, func(found idp.Verdict) bool { return strings.Contains(found.Found, want) }) {
					t.Errorf("no verdict says %q: %v", want, verdicts)
				}
			})
		}
	}
}

// presentable holds what is true of every verdict.
func presentable(t *testing.T, v idp.Verdict) {
	t.Helper()
	for _, text := range []string{v.Found, v.Cause, v.Fix} {
		for _, r := range text {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200b {
				t.Errorf("%s holds %U: %q", v.ID, r, text)
			}
		}
		if strings.Contains(text, clientSecret) || strings.Contains(text, "eyJ") {
			t.Errorf("%s holds the secret or a token: %q", v.ID, text)
		}
	}
	if v.Found == "" || v.Class != idp.Pass && (v.Cause == "" || v.Fix == "") {
		t.Errorf("%s is not complete: %+v", v.ID, v)
	}
}

const clientSecret = idptest.PortalSecret

// outcome is the classes and IDs as a header has them.
func outcome(verdicts []idp.Verdict) string {
	var all []string
	for _, v := range verdicts {
		all = append(all, string(v.Class)+" "+v.ID)
	}
	return strings.Join(all, ", ")
}

// vectors reads those of a check.
func vectors(t testing.TB, check string) []vector {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "vectors", check+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for _, f := range archive.Files {
		head, body, ok := strings.Cut(string(f.Data), "\n\n")
		v := vector{name: f.Name, header: map[string]string{}}
		for line := range strings.Lines(head) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			v.header[name] = value
		}
		if !ok || v.header["fact"] == "" || v.header["want"] == "" {
			t.Fatalf("%s/%s has no header or no answer", check, f.Name)
		}
		for answer := range strings.SplitSeq(body, "\n====\n") {
			v.answers = append(v.answers, strings.TrimSuffix(answer, "\n"))
		}
		all = append(all, v)
	}
	return all
}

// wire gives the head of an HTTP answer the line ends of the protocol.
func wire(answer string) string {
	if !strings.HasPrefix(answer, "HTTP/") {
		return answer
	}
	head, body, _ := strings.Cut(answer, "\n\n")
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

func TestVectorsAreEnough(t *testing.T) {
	files, err := os.ReadDir(filepath.Join("testdata", "vectors"))
	if err != nil {
		t.Fatal(err)
	}
	seen, count := map[string]bool{}, 0
	for _, f := range files {
		check := strings.TrimSuffix(f.Name(), ".txtar")
		if checks[check] == nil {
			t.Errorf("nothing runs %s", f.Name())
		}
		for _, v := range vectors(t, check) {
			count++
			for each := range strings.SplitSeq(v.header["want"], ", ") {
				_, id, _ := strings.Cut(each, " ")
				seen[id] = true
			}
		}
	}
	for _, k := range idp.Kinds() {
		if !seen[k.ID] && !elsewhere[k.ID] {
			t.Errorf("no vector has the verdict %s", k.ID)
		}
	}
	t.Logf("%d vectors, %d verdicts of %d", count, len(seen), len(idp.Kinds()))
}

// elsewhere are verdicts that need another connection than a vector has; the
// tests of network_test.go have them.
var elsewhere = map[string]bool{
	"canceled": true, "network.name": true, "network.refused": true, "network.unreachable": true, "network.proxy": true,
	"network.proxy.refused": true, "tls.expired": true, "tls.early": true, "tls.host": true, "tls.authority": true,
	"tls.private": true, "tls.certificate": true, "tls.plain": true, "tls.handshake": true,
	"discovery.address": true, "service.address": true, "service.incomplete": true, "service.blank": true,
	"token.client":   true, // of the checks of a token that was pasted
	"token.rejected": true, // the net below the others: FuzzToken holds it
	"signin.address": true, "signin.incomplete": true, "redirect.address": true,
	"keys.address": true,
}
