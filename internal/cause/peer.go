package cause

import "strings"

// peer is whom an entry says the portal spoke to.
type peer string

const (
	database peer = "postgres"
	identity peer = "identity"
	api      peer = "api"
	other    peer = "network" // somebody else, or it does not say
)

// signs are the words by which a peer is known, the surest first: the provider
// is asked on the API's behalf, and database errors name the plugin, which is
// the catalog for both.
var signs = []struct {
	of    peer
	words []string
}{
	{identity, []string{
		"client credentials token", "token request failed", "oidc discovery", "jwks", "/oauth2/token", "/protocol/openid-connect",
		"openid-configuration", "failed to obtain access token", "failed to refresh access token", "thunder-service", "/oauth2/authorize",
		"oidcauthenticator",
	}},
	{database, []string{
		"to the database", "pg-protocol", "pg-pool", "node_modules/pg/", ":5432", "port=5432", "postgres", "knex", "pg_hba", "backstage_plugin_",
	}},
	{api, []string{
		"openchoreo-api", "openchoreoentityprovider", "openchoreo api", "/api/v1/namespaces", "openchoreo-client-node", "authzprofileservice",
		"eventdeltaapplier",
	}},
}

func peerOf(text string) peer {
	for _, s := range signs {
		for _, word := range s.words {
			if strings.Contains(text, word) {
				return s.of
			}
		}
	}
	return other
}
