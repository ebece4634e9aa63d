package idp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/idp"
)

func TestProvidersAreComplete(t *testing.T) {
	var ids []string
	kinds := map[string]bool{}
	for _, k := range idp.Kinds() {
		if kinds[k.ID] || k.ID == "" || k.Class != idp.Pass && (k.Cause == "" || k.Fix == "") {
			t.Errorf("%+v is there twice or not complete", k)
		}
		kinds[k.ID] = true
	}
	for _, p := range idp.Providers() {
		ids = append(ids, p.ID)
		for _, use := range []idp.Use{idp.Shared, idp.People, idp.Service} {
			fields := p.Fields("https://console.example.com:8443/", use)
			hasCallback := slices.ContainsFunc(fields, func(f idp.Field) bool {
				return f.Value == "https://console.example.com:8443/api/auth/openchoreo-auth/handler/frame"
			})
			if hasCallback != (p.Refused == "" && use != idp.Service) {
				t.Errorf("%s, use %d: %v", p.ID, use, fields)
			}
			for _, f := range fields {
				if strings.ContainsAny(f.Value, "{}") || f.Label == "" || f.Value == "" {
					t.Errorf("%s, use %d: %v", p.ID, use, f)
				}
			}
		}
		if p.Name == "" || p.Note == "" || p.Issuer == "" || p.Groups == "" || p.Subject == "" || p.Rotation.How == "" || len(p.Create) == 0 || len(p.SignIn) < 3 || len(p.Sources) == 0 {
			t.Errorf("%s is not complete", p.ID)
		}
		for id := range p.Fixes {
			if !kinds[id] {
				t.Errorf("%s has a fix for %s, which is no verdict", p.ID, id)
			}
		}
		if got, ok := idp.ProviderByID(p.ID); !ok || got.Name != p.Name {
			t.Error(p.ID)
		}
		if strings.Contains(strings.Join(p.Create, ""), "{") {
			t.Errorf("%s has a placeholder that nobody fills", p.ID)
		}
	}
	want := []string{"thunder", "keycloak", "entra", "auth0", "okta", "cognito", "pingone", "zitadel", "authentik", "asgardeo", "wso2is", "dex", "hydra", "google", "other"}
	if !slices.Equal(ids, want) {
		t.Errorf("%v", ids)
	}
}

func TestRecognise(t *testing.T) {
	for issuer, want := range map[string]string{
		"http://thunder.openchoreo.localhost:8080":                                    "thunder",
		"https://id.example.com/realms/main":                                          "keycloak",
		"https://id.example.com/auth/realms/main":                                     "keycloak",
		"https://id.example.com/realms/main/.well-known/openid-configuration":         "keycloak",
		"https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0": "entra",
		"https://sts.windows.net/00000000-0000-0000-0000-000000000000/":               "entra",
		"https://acme.eu.auth0.com/":                                                  "auth0",
		"https://acme.okta.com/oauth2/default":                                        "okta",
		"https://login.acme.com/oauth2/aus1a2b3c4":                                    "okta",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc":                   "cognito",
		"https://auth.pingone.eu/00000000-0000-0000-0000-000000000000/as":             "pingone",
		"https://acme-x1.zitadel.cloud":                                               "zitadel",
		"https://sso.acme.com/application/o/portal/":                                  "authentik",
		"https://api.asgardeo.io/t/acme/oauth2/token":                                 "asgardeo",
		"https://is.acme.com:9443/oauth2/token":                                       "wso2is",
		"https://dex.acme.com":                                                        "dex",
		"https://acme.com/dex":                                                        "dex",
		"https://acme.projects.oryapis.com":                                           "hydra",
		"https://accounts.google.com":                                                 "google",
		"https://id.example.com":                                                      "",
		"https://accounts.google.com.evil.example":                                    "",
		"https://evil.example/?x=https://login.microsoftonline.com/":                  "",
	} {
		p, ok := idp.Recognise(issuer)
		if p.ID != want || ok != (want != "") {
			t.Errorf("%s: got %q, want %q", issuer, p.ID, want)
		}
	}
}

func TestFixInTheWordsOfTheProvider(t *testing.T) {
	auth0, _ := idp.ProviderByID("auth0")
	v := idp.Verdict{ID: "token.opaque", Class: idp.Fail, Fix: "general"}
	if got := auth0.Worded(v); !strings.Contains(got.Fix, "Default Audience") {
		t.Error(got)
	}
	for id, want := range map[string]string{"auth0": "Default Audience", "hydra": "strategies.access_token", "other": "general"} {
		row, _ := idp.ProviderByID(id)
		encrypted := idp.Verdict{ID: "token.encrypted", Class: idp.Fail, Fix: "general"}
		if got := row.Worded(encrypted); !strings.Contains(got.Fix, want) {
			t.Error(id, got)
		}
	}
	other, _ := idp.ProviderByID("other")
	if got := other.Worded(v); got.Fix != "general" {
		t.Error(got)
	}
}

// TestGrantsOfEachClient: a client gets the grants that it needs and no others.
func TestGrantsOfEachClient(t *testing.T) {
	text := func(id string, use idp.Use) string {
		p, _ := idp.ProviderByID(id)
		var b strings.Builder
		for _, f := range p.Fields("https://console.example.com", use) {
			b.WriteString(f.Label + "=" + f.Value + ";")
		}
		return b.String()
	}
	for _, tt := range []struct {
		id           string
		use          idp.Use
		has, without string
	}{
		{"okta", idp.Shared, "authorization_code, refresh_token, client_credentials", "none of these"},
		{"okta", idp.People, "authorization_code, refresh_token;", "client_credentials"},
		{"okta", idp.Service, "client_credentials;", "authorization_code"},
		{"keycloak", idp.Shared, "Standard flow=on;Service accounts roles=on;", "=off"},
		{"keycloak", idp.People, "Standard flow=on;Service accounts roles=off;", "roles=on"},
		{"keycloak", idp.Service, "Standard flow=off;Service accounts roles=on;", "Proof Key"},
		{"cognito", idp.People, "Authorization code grant=on;Client credentials=off;", "credentials=on"},
		{"zitadel", idp.Service, "Access Token Type=JWT;", "Redirect"},
	} {
		if got := text(tt.id, tt.use); !strings.Contains(got, tt.has) || strings.Contains(got, tt.without) {
			t.Errorf("%s, use %d: %s", tt.id, tt.use, got)
		}
	}
}
