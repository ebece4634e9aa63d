package idp

import (
	"net/http"
	"net/url"

	"github.com/openchoreo/backstage-setup/internal/secret"
	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// ParseDiscovery judges a document without a server.
func ParseDiscovery(body []byte, issuer string) (Discovery, []Verdict) {
	r := &report{}
	at := &url.URL{Scheme: "https", Host: "id.example.com", Path: wellKnown}
	d, ok := r.document(body, at, http.Header{"Content-Type": {"application/json"}})
	if ok {
		r.issuer(d, issuer, at)
		r.endpoints(d)
		r.abilities(d)
	}
	return d, r.verdicts
}

// Refusal judges an error answer without a server.
func Refusal(status int, body []byte, known secret.Text) Verdict {
	r := &report{veil: verdict.NewVeil(known)}
	f := refusalOf(answer{status: status, body: body})
	r.add("service."+serviceKind(f), "the provider refuses: %s", f.says(r.veil))
	return r.verdicts[0]
}
