package broken_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/openchoreo/backstage-setup/internal/idp/idptest"
	"github.com/openchoreo/backstage-setup/internal/postgres/pgtest"
	"github.com/openchoreo/backstage-setup/steps"
)

// defect is one thing that is broken in an installation that works otherwise.
type defect struct {
	name  string
	first string // what has to be mended first: a check's id, or id/code
	args  []string
	make  func(t *testing.T, in *installation)
}

// TestBroken: of each broken installation the first finding is what was broken.
func TestBroken(t *testing.T) {
	in := install(t)
	right, all := 0, 0
	for _, d := range catalogue(in) {
		t.Run(d.name, func(t *testing.T) {
			all++
			if in.broken(t, d) {
				right++
			}
		})
	}
	t.Logf("%d of %d name the defect first", right, all)
}

// broken makes the defect and tells whether it is named first, with its cause and a
// command.
func (in *installation) broken(t *testing.T, d defect) (right bool) {
	t.Helper()
	d.make(t, in)
	got := in.check(t, d.args...)
	named := "nothing"
	id, _, coded := strings.Cut(d.first, "/")
	if got.First != nil {
		named = got.First.ID
		if coded {
			named += "/" + got.First.Code
		}
	}
	broken := got.result(id)
	switch {
	case named != d.first:
		t.Errorf("named first: %s, want %s\n%s", named, d.first, got.findings())
	case broken.Status == "pass":
		t.Errorf("%s passes", id)
	case (got.code == 3) != !got.Healthy || got.code != 0 && got.code != 3:
		t.Errorf("exit %d, healthy %v\n%s", got.code, got.Healthy, got.stderr)
	case broken.Found == "" || broken.Fix == "" || broken.Cause == "":
		t.Errorf("%s: wants what was found, its cause and a command: %+v", id, broken)
	default:
		right = true
	}
	if broken.Code != "" && !steps.KnownCode(broken.Code) {
		t.Errorf("explain does not know %s", broken.Code)
	}
	for _, r := range got.Checks {
		if r.Status == "fail" && r.ID != id && r.Because == "" {
			t.Logf("beside it fails %s %s: %s", r.ID, r.Code, r.Found)
		}
	}
	return right
}

// findings are what did not pass, for people.
func (e examined) findings() string {
	var b strings.Builder
	for _, r := range e.Checks {
		if r.Status != "pass" && r.Status != "skip" {
			fmt.Fprintf(&b, "  %s %s/%s (because %s): %s\n", r.Status, r.ID, r.Code, r.Because, r.Found)
		}
	}
	return b.String()
}

func catalogue(in *installation) []defect {
	var all []defect
	for _, list := range [][]defect{secretDefects(), releaseDefects(), portalDefects(), referenceDefects(), networkDefects(), logDefects(), databaseDefects(), apiDefects(), identityDefects(in), authorizationDefects(), planeDefects(), routingDefects(in)} {
		all = append(all, list...)
	}
	return all
}

func secretDefects() []defect {
	without := func(key string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.keys(t, map[string]string{key: ""})
			in.down(t)
			in.pod(t, waiting("CreateContainerConfigError", fmt.Sprintf("couldn't find key %s in Secret %s/backstage-secrets", key, in.namespace)), 0, nil)
		}
	}
	with := func(key, value string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.keys(t, map[string]string{key: value}) }
	}
	return []defect{
		{name: "no client secret", first: "secret.keys", make: without("client-secret")},
		{name: "no Jenkins key", first: "secret.keys", make: without("jenkins-api-key")},
		{name: "no database password", first: "secret.keys", make: without("postgres-password")},
		{name: "no certificate of the database", first: "secret.keys", make: without("postgres-ca")},
		{name: "no Secret", first: "secret.exists", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.restart(t) })
			in.remove(t, portalSecret)
			in.down(t)
			in.pod(t, waiting("CreateContainerConfigError", `secret "backstage-secrets" not found`), 0, nil)
		}},
		{name: "empty Jenkins key", first: "secret.values", make: with("jenkins-api-key", " ")},
		{name: "line end behind the client secret", first: "secret.values", make: with("client-secret", idptest.PortalSecret+"\n")},
		{name: "line end behind the password", first: "secret.values", make: with("postgres-password", password+"\n")},
		{name: "blank before the user", first: "secret.values", make: with("postgres-user", " portal")},
		{name: "port that is none", first: "secret.values", make: with("postgres-port", "five")},
		{name: "address in place of a host", first: "secret.values", make: with("postgres-host", "postgres://pg:5432")},
		{name: "value of a broken template", first: "secret.values", make: with("client-secret", "<no value>")},
		{name: "public backend secret", first: "secret.placeholders", make: with("backend-secret", "local-dev-backend-secret")},
		{name: "public client secret", first: "secret.placeholders", make: with("client-secret", "backstage-portal-secret")},
		{name: "copy of the values", first: "secret.last-applied", make: func(t *testing.T, in *installation) {
			in.edit(t, portalSecret, func(o map[string]any) {
				o["metadata"].(map[string]any)["annotations"] = map[string]any{"kubectl.kubernetes.io/last-applied-configuration": `{"data":{}}`}
			})
		}},
		{name: "written after the start", first: "portal.secret", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.restart(t) })
			in.elapse(t)
			in.edit(t, portalSecret, func(o map[string]any) { o["data"].(map[string]any)["more"] = "eA==" })
		}},
		{name: "entry missing in the store", first: "secret.sync", make: func(t *testing.T, in *installation) {
			in.external(t, "False", "SecretSyncedError", "could not get secret data from provider", time.Now())
		}},
		{name: "store that is not ready", first: "secret.sync", make: func(t *testing.T, in *installation) {
			in.external(t, "True", "SecretSynced", "secret synced", time.Now())
			in.status(t, thing{"external-secrets.io", "v1", "secretstores", "vault", true}, map[string]any{
				"conditions": []any{map[string]any{"type": "Ready", "status": "False", "reason": "InvalidProviderConfig", "message": "unable to log in", "lastTransitionTime": "2026-01-01T00:00:00Z"}},
			})
		}},
		{name: "store not synced for long", first: "secret.sync", make: func(t *testing.T, in *installation) {
			in.external(t, "True", "SecretSynced", "secret synced", time.Now().Add(-20*time.Hour))
		}},
	}
}

func releaseDefects() []defect {
	stored := func(status, version string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.release(t, status, version)
			t.Cleanup(func() { in.release(t, "deployed", "1.2.3") })
		}
	}
	return []defect{
		{name: "another namespace", first: "cluster.namespace", args: []string{"-n", "nowhere"}, make: func(*testing.T, *installation) {}},
		{name: "another release", first: "release.installed", args: []string{"--release", "other"}, make: func(*testing.T, *installation) {}},
		{name: "upgrade under way", first: "release.status", make: stored("pending-upgrade", "1.2.3")},
		{name: "failed upgrade", first: "release.status", make: stored("failed", "1.2.3")},
		{name: "no record of the release", first: "release.status", make: func(t *testing.T, in *installation) { in.remove(t, releaseSecret) }},
		{name: "image with a fault", first: "chart.version", make: stored("deployed", "1.2.0")},
		{name: "values that were not rolled out", first: "values.drift", args: []string{"-f", "drift.yaml"}, make: func(t *testing.T, in *installation) {
			in.operatorFile(t, "drift.yaml", "backstage:\n  replicas: 3\n")
		}},
		{name: "old values that are not ours", first: "run.interrupted", make: func(t *testing.T, in *installation) {
			in.make(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: backstage-secrets-previous, namespace: NS}\n", thing{"", "v1", "secrets", "backstage-secrets-previous", true})
		}},
	}
}

func portalDefects() []defect {
	scale := func(t *testing.T, in *installation, of thing, replicas int64) {
		t.Cleanup(func() { in.settle(t) })
		in.edit(t, of, func(o map[string]any) { o["spec"].(map[string]any)["replicas"] = replicas })
		in.settle(t)
	}
	broken := func(reason, message string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.down(t)
			in.pod(t, waiting(reason, message), 0, nil)
		}
	}
	return []defect{
		{name: "scaled to 0", first: "portal.deployment", make: func(t *testing.T, in *installation) {
			in.down(t)
			scale(t, in, portalDeployment, 0)
		}},
		{name: "paused", first: "portal.deployment", make: func(t *testing.T, in *installation) {
			in.edit(t, portalDeployment, func(o map[string]any) { o["spec"].(map[string]any)["paused"] = true })
		}},
		{name: "no Deployment", first: "portal.deployment", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.settle(t) })
			in.down(t)
			in.remove(t, portalDeployment)
			in.await(t, "the pods to go", func() error {
				if n := len(in.pods(t, "backstage")); n > 0 {
					return fmt.Errorf("%d are there", n)
				}
				return nil
			})
		}},
		{name: "variable twice", first: "portal.variables", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.env": []any{map[string]any{"name": "LOG_LEVEL", "value": "info"}}, "backstage.extraEnv": append(
				in.usual()["backstage"].(map[string]any)["extraEnv"].([]any), map[string]any{"name": "OPENCHOREO_EVENTS_ENABLED", "value": "true"})})
		}},
		{name: "scope set to nothing", first: "portal.variables/OPENCHOREO_AUTH_OIDC_SCOPE", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.auth.oidcScope": ""})
		}},
		{name: "token address by hand", first: "portal.environment/OPENCHOREO_AUTH_TOKEN_URL", make: func(t *testing.T, in *installation) {
			in.variable(t, "OPENCHOREO_AUTH_TOKEN_URL", in.provider.Issuer+"/nowhere")
		}},
		{name: "base URL by hand", first: "portal.environment/BACKSTAGE_BASE_URL", make: func(t *testing.T, in *installation) {
			in.variable(t, "BACKSTAGE_BASE_URL", "http://elsewhere.localhost")
		}},
		{name: "variable taken away", first: "portal.environment/POSTGRES_PORT", make: func(t *testing.T, in *installation) {
			in.variable(t, "POSTGRES_PORT", nil)
		}},
		{name: "two pods on SQLite", first: "portal.replicas", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.database": map[string]any{"type": "sqlite"}, "backstage.replicas": 2})
		}},
		{name: "SQLite without a volume", first: "database.volume", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.database": map[string]any{"type": "sqlite"}})
		}},
		{name: "volume of no class", first: "database.volume", make: func(t *testing.T, in *installation) { in.claim(t) }},
		{name: "claim deleted", first: "database.volume", make: func(t *testing.T, in *installation) {
			in.claim(t)
			in.unclaim(t)
		}},
		{name: "no node", first: "portal.rollout/rollout.unschedulable", make: func(t *testing.T, in *installation) {
			in.set(t, map[string]any{"backstage.nodeSelector": map[string]any{"disk": "nosuch"}})
			in.unready(t)
		}},
		{name: "no image", first: "portal.rollout/rollout.image", make: broken("ImagePullBackOff", `Back-off pulling image "ghcr.io/openchoreo/openchoreo-ui:v9"`)},
		{name: "no name of an image", first: "portal.rollout/rollout.image-name", make: broken("InvalidImageName", `Failed to apply default image tag "UI:v 1": couldn't parse image name`)},
		{name: "ConfigMap that the kubelet does not see", first: "portal.rollout/rollout.secret-missing", make: broken("CreateContainerConfigError", `configmap "backstage-ci-config" not found`)},
		{name: "container that cannot be made", first: "portal.rollout/rollout.config", make: broken("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")},
		{name: "too little memory", first: "portal.rollout/rollout.memory", make: func(t *testing.T, in *installation) {
			in.down(t)
			in.pod(t, waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container=backstage"), 5, map[string]any{"terminated": map[string]any{"exitCode": int64(137), "reason": "OOMKilled"}})
		}},
		{name: "crash without words", first: "portal.rollout/rollout.crash", make: func(t *testing.T, in *installation) { in.crash(t) }},
		{name: "no room in the quota", first: "portal.rollout/rollout.quota", make: func(t *testing.T, in *installation) {
			in.down(t)
			t.Cleanup(func() { in.restart(t) })
			in.make(t, "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small, namespace: NS}\nspec: {hard: {pods: \"1\"}}\n", thing{"", "v1", "resourcequotas", "small", true})
			in.await(t, "the quota to count", func() error {
				if in.get(t, thing{"", "v1", "resourcequotas", "small", true}).Object["status"] == nil {
					return fmt.Errorf("not yet")
				}
				return nil
			})
			in.kill(t)
			in.unready(t)
		}},
		{name: "liveness probe that fails", first: "portal.events", make: func(t *testing.T, in *installation) {
			pod := in.pods(t, "backstage")[0]
			in.make(t, fmt.Sprintf(`
apiVersion: v1
kind: Event
metadata: {name: unhealthy, namespace: NS}
involvedObject: {apiVersion: v1, kind: Pod, name: %s, namespace: NS, uid: %s}
type: Warning
reason: Unhealthy
message: "Liveness probe failed: HTTP probe failed with statuscode: 503"
lastTimestamp: "2026-01-01T00:00:00Z"
`, pod.GetName(), pod.GetUID()), thing{"", "v1", "events", "unhealthy", true})
		}},
		{name: "portal that answers with an error", first: "portal.health/visit.status", make: func(t *testing.T, in *installation) { in.down(t) }},
		{name: "image with a fault by hand", first: "portal.image", make: func(t *testing.T, in *installation) {
			in.image(t, "ghcr.io/openchoreo/openchoreo-ui:v1.2.0")
		}},
		{name: "another image by hand", first: "portal.image", make: func(t *testing.T, in *installation) {
			in.image(t, "registry.example.com/portal:7")
		}},
		{name: "another Secret by hand", first: "portal.environment/BACKEND_SECRET", make: func(t *testing.T, in *installation) {
			in.elsewhere(t, "other-secrets")
		}},
		{name: "Service for other pods", first: "portal.health", make: func(t *testing.T, in *installation) {
			in.edit(t, portalService, func(o map[string]any) {
				o["spec"].(map[string]any)["selector"].(map[string]any)["app.kubernetes.io/component"] = "nosuch"
			})
		}},
		{name: "Service for another port of the pods", first: "portal.health", make: func(t *testing.T, in *installation) {
			in.edit(t, portalService, func(o map[string]any) {
				o["spec"].(map[string]any)["ports"].([]any)[0].(map[string]any)["targetPort"] = int64(7008)
			})
		}},
		{name: "no Service", first: "portal.health", make: func(t *testing.T, in *installation) {
			in.way.Store(answering(http.StatusServiceUnavailable, ""))
			t.Cleanup(func() { in.way.Store(nil) })
			in.remove(t, portalService)
			in.api.Store(nil)
		}},
	}
}

// logDefects are portals that end, or complain, with words that are known.
func logDefects() []defect {
	crash := func(code string, lines ...string) defect {
		return defect{name: "crash: " + code, first: "portal.logs/" + code, make: func(t *testing.T, in *installation) { in.crash(t, lines...) }}
	}
	word := func(code string, lines ...string) defect {
		return defect{name: "log: " + code, first: "portal.logs/" + code, make: func(t *testing.T, in *installation) { in.says(t, "backstage", lines...) }}
	}
	return []defect{
		crash("sqlite.locked", `Backend startup failed; caused by SqliteError: database is locked`),
		crash("sqlite.readonly", `SqliteError: attempt to write a readonly database`),
		crash("sqlite.open", `SqliteError: unable to open database file`),
		crash("sqlite.filename", `Error: connection.filename is not supported for this database client`),
		crash("sqlite.corrupt", `SqliteError: database disk image is malformed`),
		crash("disk.full", `Error: ENOSPC: no space left on device, write`),
		crash("postgres.refused", `Failed to connect to the database to make sure that 'backstage_plugin_app' exists, Error: connect ECONNREFUSED 10.96.0.7:5432`),
		crash("postgres.password", `error: password authentication failed for user "portal" at node_modules/pg-protocol/src/parser.ts`),
		crash("postgres.database", `error: database "backstage_plugin_catalog" does not exist at node_modules/pg-protocol`),
		crash("postgres.tls-ca", `Failed to connect to the database, Error: self-signed certificate in certificate chain at node_modules/pg/lib`),
		crash("postgres.createdb", `error: CREATE DATABASE "backstage_plugin_app" - permission denied to create database`),
		crash("postgres.no-tls", `Error: The server does not support SSL connections at node_modules/pg/lib/connection.js`),
		crash("config.missing", `Error: Missing required config value at 'jenkins.baseUrl' in 'app-config.yaml'`),
		crash("config.empty", `Error: Invalid type in config for key 'jenkins.apiKey' in 'app-config.ci.yaml', got empty-string, wanted string`),
		crash("node.memory", `FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`),
		crash("node.module", `Error: Cannot find module '/app/packages/backend/index.cjs.js'`),
		crash("node.port", `Error: listen EADDRINUSE: address already in use :::7007`),
		word("token.invalid-client", `catalog error Error: Token request failed: 401 Unauthorized - {"error":"invalid_client"}`),
		word("identity.dns", `Failed to fetch client credentials token: getaddrinfo ENOTFOUND idp.nowhere.test`),
		word("token.scope", `Token request failed: 400 Bad Request - {"error":"invalid_scope"}`),
		word("signin.redirect", `Authentication failed, AADSTS50011: The redirect URI specified in the request does not match`),
		word("signin.email", `Failed to sign-in, user profile does not contain an email`),
		word("portal.backend-token", `Failed to pre-cache capabilities: 401 Unauthorized`),
		word("jwks.failed", `Failed to fetch JWKS from https://idp.example.com/keys: 500`),
		{name: "api log: jwt.issuer", first: "api.logs/jwt.issuer", make: func(t *testing.T, in *installation) {
			in.says(t, "openchoreo-api", `{"level":"WARN","msg":"JWT verification failed","error":"invalid issuer: expected http://a, got http://b"}`)
		}},
	}
}

func databaseDefects() []defect {
	with := func(change map[string]string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.keys(t, change) }
	}
	return []defect{
		{name: "wrong password", first: "database.postgresql.login/login.password", make: with(map[string]string{"postgres-password": "another"})},
		{name: "unknown user", first: "database.postgresql.login", make: with(map[string]string{"postgres-user": "nobody"})},
		{name: "role without CREATEDB", first: "database.postgresql.rights/role.createdb", make: with(map[string]string{"postgres-user": "poor"})},
		{name: "Service that is not there", first: "database.postgresql.reach", make: func(t *testing.T, in *installation) {
			in.keys(t, map[string]string{"postgres-host": "nosuch." + in.namespace + ".svc"})
		}},
		{name: "port nobody listens at", first: "database.postgresql.reach", make: with(map[string]string{"postgres-port": "5433"})},
		{name: "host that means the pod", first: "database.postgresql.reach", make: with(map[string]string{"postgres-host": "localhost"})},
		{name: "authority that is not trusted", first: "database.postgresql.tls", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.extraEnv": []any{}})
		}},
		{name: "no encryption", first: "database.postgresql.tls/tls.off", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.database.postgresql.ssl": false})
		}},
		{name: "too few connections", first: "database.postgresql.capacity", make: func(t *testing.T, in *installation) {
			in.set(t, map[string]any{"backstage.autoscaling": map[string]any{"enabled": true, "maxReplicas": 20}})
			t.Cleanup(func() {
				if err := in.of(thing{"autoscaling", "v2", "horizontalpodautoscalers", "", true}).Delete(context.Background(), "backstage", metav1.DeleteOptions{}); err != nil {
					t.Log(err)
				}
			})
			in.settle(t)
		}},
	}
}

func apiDefects() []defect {
	config := func(old, replacement string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.edit(t, apiConfig, func(o map[string]any) {
				data := o["data"].(map[string]any)
				text := data["config.yaml"].(string)
				changed := strings.Replace(text, strings.ReplaceAll(old, "ISSUER", in.provider.Issuer), replacement, 1)
				if changed == text {
					t.Fatalf("%q is not in\n%s", old, text)
				}
				data["config.yaml"] = changed
			})
		}
	}
	failing := func(in *installation, t *testing.T) {
		in.api.Store(answering(http.StatusInternalServerError, ""))
		t.Cleanup(func() { in.api.Store(nil) })
	}
	return []defect{
		{name: "API scaled to 0", first: "api.rollout", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.settle(t) })
			failing(in, t)
			in.edit(t, apiDeployment, func(o map[string]any) { o["spec"].(map[string]any)["replicas"] = int64(0) })
			in.settle(t)
		}},
		{name: "no API", first: "api.deployment", make: func(t *testing.T, in *installation) {
			t.Cleanup(func() { in.settle(t) })
			failing(in, t)
			in.remove(t, apiDeployment)
		}},
		{name: "API with another issuer", first: "api.config", make: config(`issuer: "ISSUER"`, `issuer: "http://other.localhost"`)},
		{name: "API with another key set", first: "api.config", make: config(`jwks_url: "ISSUER/keys"`, `jwks_url: "http://other.localhost/keys"`)},
		{name: "API without authentication", first: "api.config", make: config("security:\n  enabled: true", "security:\n  enabled: false")},
		{name: "no configuration of the API", first: "api.config", make: func(t *testing.T, in *installation) { in.remove(t, apiConfig) }},
		{name: "API that answers with an error", first: "api.health/visit.status", make: func(t *testing.T, in *installation) { failing(in, t) }},
		{name: "no Service of the API", first: "api.health", make: func(t *testing.T, in *installation) {
			failing(in, t)
			in.remove(t, apiService)
		}},
		{name: "API looked for elsewhere", first: "api.address", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.openchoreoApi.url": "http://nosuch." + in.namespace + ".svc.cluster.local:8080/api/v1"})
		}},
		{name: "route for another host of the API", first: "api.route", make: func(t *testing.T, in *installation) {
			in.edit(t, apiRoute, func(o map[string]any) { o["spec"].(map[string]any)["hostnames"] = []any{"other.localhost"} })
		}},
	}
}

func identityDefects(in *installation) []defect {
	set := func(change map[string]any) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) { in.rolled(t, change) }
	}
	issuer := in.provider.Issuer
	return []defect{
		{name: "another client secret", first: "identity.service-token/service.client", make: func(t *testing.T, in *installation) {
			in.keys(t, map[string]string{"client-secret": "rotated-at-one-place-only"})
		}},
		{name: "unknown client", first: "identity.service-token", make: set(map[string]any{"backstage.auth.clientId": "nobody"})},
		{name: "client without the grant", first: "identity.service-token", make: func(t *testing.T, in *installation) {
			in.provider.BasicOnly(true)
			t.Cleanup(func() { in.provider.BasicOnly(false) })
		}},
		{name: "opaque tokens", first: "identity.token", make: func(t *testing.T, in *installation) {
			in.keys(t, map[string]string{"client-secret": idptest.OpaqueSecret})
			in.rolled(t, map[string]any{"backstage.auth.clientId": idptest.Opaque})
		}},
		{name: "slash behind the issuer", first: "identity.discovery", make: set(map[string]any{"security.oidc.issuer": issuer + "/"})},
		{name: "provider that does not answer", first: "identity.discovery", make: set(map[string]any{"security.oidc": map[string]any{
			"issuer": "http://127.0.0.1:1", "wellKnownEndpoint": "http://127.0.0.1:1/.well-known/openid-configuration",
			"authorizationUrl": "http://127.0.0.1:1/authorize", "tokenUrl": "http://127.0.0.1:1/oauth/token", "jwksUrl": "http://127.0.0.1:1/keys",
		}})},
		{name: "no key set there", first: "identity.keys", make: set(map[string]any{"security.oidc.jwksUrl": issuer + "/nowhere"})},
		{name: "no token endpoint there", first: "identity.service-token", make: set(map[string]any{"security.oidc.tokenUrl": issuer + "/nowhere"})},
		{name: "audience that tokens lack", first: "identity.token/token.audience", make: set(map[string]any{"security.jwt.audience": "somebody-else"})},
		{name: "callback that is not registered", first: "identity.redirect/redirect.unregistered", make: func(t *testing.T, in *installation) {
			address := strings.Replace(in.base.String(), "portal.", "console.", 1)
			in.address.Store(&address)
			h := http.HandlerFunc(in.servePortal)
			in.way.Store(&h)
			in.api.Store(nil)
			t.Cleanup(func() {
				in.address.Store(new(in.base.String()))
				in.way.Store(nil)
			})
			both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.Host, "api.") {
					in.serveAPI(w, r)
					return
				}
				in.servePortal(w, r)
			})
			in.way.Store(&both)
			in.rolled(t, map[string]any{"backstage.baseUrl": address, "backstage.http.hostnames": []any{"console.localhost"}})
		}},
		{name: "authentication off", first: "security.authentication", make: set(map[string]any{"security.enabled": false})},
		{name: "authorization off", first: "security.authorization", make: set(map[string]any{"security.authz.enabled": false})},
	}
}

func authorizationDefects() []defect {
	spec := func(name string, change func(spec map[string]any)) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.edit(t, binding(name), func(o map[string]any) { change(o["spec"].(map[string]any)) })
		}
	}
	return []defect{
		{name: "binding for another sub", first: "authorization.subject/token.binding", make: spec("backstage-catalog-reader-binding", func(s map[string]any) {
			s["entitlement"].(map[string]any)["value"] = "openchoreo-backstage-client"
		})},
		{name: "short list of bindings", first: "authorization.bindings", make: func(t *testing.T, in *installation) {
			for _, name := range []string{"admin-binding", "developer-binding", "platform-engineer-binding", "sre-binding", "rca-agent-binding", "finops-agent-binding"} {
				in.remove(t, binding(name))
			}
		}},
		{name: "no binding of the portal", first: "authorization.bindings", make: func(t *testing.T, in *installation) { in.remove(t, binding("backstage-catalog-reader-binding")) }},
		{name: "no role", first: "authorization.bindings", make: func(t *testing.T, in *installation) { in.remove(t, role("backstage-catalog-reader")) }},
		{name: "role that allows nothing", first: "authorization.bindings", make: func(t *testing.T, in *installation) {
			in.edit(t, role("backstage-catalog-reader"), func(o map[string]any) { o["spec"].(map[string]any)["actions"] = []any{"foo:nothing"} })
		}},
		{name: "binding that denies", first: "authorization.bindings", make: spec("admin-binding", func(s map[string]any) { s["effect"] = "deny" })},
		{name: "claim that nobody looks at", first: "authorization.claims", make: spec("developer-binding", func(s map[string]any) { s["entitlement"].(map[string]any)["claim"] = "roles" })},
	}
}

func planeDefects() []defect {
	observed := func(address string) func(*testing.T, *installation) {
		return func(t *testing.T, in *installation) {
			in.edit(t, plane("observability"), func(o map[string]any) { o["spec"].(map[string]any)["observerURL"] = address })
		}
	}
	return []defect{
		{name: "no workflow plane", first: "planes.workflow", make: func(t *testing.T, in *installation) { in.remove(t, plane("workflow")) }},
		{name: "no observability plane", first: "planes.observability", make: func(t *testing.T, in *installation) { in.remove(t, plane("observability")) }},
		{name: "plane without its Observer's address", first: "planes.observability", make: observed("")},
		{name: "Observer's address that is none", first: "planes.observer", make: observed("observer.localhost")},
		{name: "Observer's address of somebody else", first: "planes.observer/visit.status", make: func(t *testing.T, in *installation) {
			observed(strings.Replace(in.apiURL, "api.", "nosuch.", 1))(t, in)
		}},
		{name: "Observer's address where nobody listens", first: "planes.observer/visit.refused", make: observed("http://127.0.0.1:1")},
		{name: "plane without its agent", first: "planes.workflow", make: func(t *testing.T, in *installation) {
			in.editStatus(t, plane("workflow"), func(s map[string]any) { s["agentConnection"].(map[string]any)["connected"] = false })
		}},
	}
}

func routingDefects(in *installation) []defect {
	portalWay := func(t *testing.T, in *installation, status int, body string) {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Host, "api.") {
				in.serveAPI(w, r)
				return
			}
			(*answering(status, body))(w, r)
		})
		in.way.Store(&h)
		t.Cleanup(func() { in.way.Store(nil) })
	}
	return []defect{
		{name: "route for another host", first: "routing.route", make: func(t *testing.T, in *installation) {
			portalWay(t, in, http.StatusNotFound, "")
			in.edit(t, portalRoute, func(o map[string]any) { o["spec"].(map[string]any)["hostnames"] = []any{"other.localhost"} })
		}},
		{name: "route that is not accepted", first: "routing.route", make: func(t *testing.T, in *installation) {
			portalWay(t, in, http.StatusNotFound, "")
			in.editStatus(t, portalRoute, func(s map[string]any) {
				c := s["parents"].([]any)[0].(map[string]any)["conditions"].([]any)[1].(map[string]any)
				c["status"], c["reason"], c["message"] = "False", "BackendNotFound", "Service \"backstage\" not found"
			})
		}},
		{name: "route of a Gateway that is not there", first: "routing.route", make: func(t *testing.T, in *installation) {
			in.edit(t, portalRoute, func(o map[string]any) {
				o["spec"].(map[string]any)["parentRefs"].([]any)[0].(map[string]any)["name"] = "gateway-x"
			})
		}},
		{name: "route that was changed and not looked at", first: "routing.route", make: func(t *testing.T, in *installation) {
			in.edit(t, portalRoute, func(o map[string]any) {
				o["spec"].(map[string]any)["hostnames"] = []any{"portal.localhost", "more.localhost"}
			})
			in.editStatus(t, portalRoute, func(s map[string]any) {
				s["parents"].([]any)[0].(map[string]any)["conditions"].([]any)[0].(map[string]any)["observedGeneration"] = int64(1)
			})
		}},
		{name: "route to another port", first: "routing.route", make: func(t *testing.T, in *installation) {
			in.backend(t, "backstage", 7008)
		}},
		{name: "route to another Service", first: "routing.route", make: func(t *testing.T, in *installation) {
			in.backend(t, "openchoreo-api", 8080)
		}},
		{name: "route for a path only", first: "routing.route", make: func(t *testing.T, in *installation) {
			in.rules(t, func(rule map[string]any) {
				rule["matches"] = []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/foo"}}}
			})
		}},
		{name: "no route", first: "routing.route", make: func(t *testing.T, in *installation) {
			portalWay(t, in, http.StatusNotFound, "")
			in.remove(t, portalRoute)
		}},
		{name: "Gateway that is not programmed", first: "routing.gateway", make: func(t *testing.T, in *installation) {
			in.way.Store(answering(http.StatusServiceUnavailable, ""))
			t.Cleanup(func() { in.way.Store(nil) })
			in.editStatus(t, gateway, func(s map[string]any) { s["conditions"].([]any)[0].(map[string]any)["status"] = "False" })
		}},
		{name: "no Gateway", first: "routing.gateway", make: func(t *testing.T, in *installation) {
			in.way.Store(answering(http.StatusServiceUnavailable, ""))
			t.Cleanup(func() { in.way.Store(nil) })
			in.remove(t, gateway)
		}},
		{name: "Gateway without an address", first: "routing.gateway", make: func(t *testing.T, in *installation) {
			in.editStatus(t, gateway, func(s map[string]any) { s["addresses"] = []any{} })
		}},
		{name: "listener for another host", first: "routing.listener", make: func(t *testing.T, in *installation) {
			in.edit(t, gateway, func(o map[string]any) {
				o["spec"].(map[string]any)["listeners"].([]any)[0].(map[string]any)["hostname"] = "*.example.com"
			})
		}},
		{name: "listener that is not programmed", first: "routing.listener", make: func(t *testing.T, in *installation) {
			in.editStatus(t, gateway, func(s map[string]any) {
				s["listeners"].([]any)[0].(map[string]any)["conditions"].([]any)[0].(map[string]any)["status"] = "False"
			})
		}},
		{name: "no certificate", first: "routing.certificate", make: func(t *testing.T, in *installation) { in.secure(t, nil) }},
		{name: "certificate that has expired", first: "routing.certificate", make: func(t *testing.T, in *installation) {
			in.secure(t, &pgtest.Certificate{Subject: "portal", Names: []string{"portal.localhost"}, Before: time.Now().Add(-48 * time.Hour), After: time.Now().Add(-24 * time.Hour)})
		}},
		{name: "certificate for another host", first: "routing.certificate", make: func(t *testing.T, in *installation) {
			in.secure(t, &pgtest.Certificate{Subject: "portal", Names: []string{"console.example.com"}})
		}},
		{name: "address that somebody else has", first: "routing.url/visit.status", make: func(t *testing.T, in *installation) { portalWay(t, in, http.StatusNotFound, "") }},
		{name: "page of a proxy", first: "routing.url/visit.other", make: func(t *testing.T, in *installation) {
			portalWay(t, in, http.StatusOK, "<!doctype html><html><body>Sign in to the network</body></html>")
		}},
		{name: "callback of before", first: "routing.callback", make: func(t *testing.T, in *installation) {
			in.address.Store(new("http://before.localhost"))
			t.Cleanup(func() { in.address.Store(new(in.base.String())) })
		}},
		{name: "path in the address", first: "routing.address", make: func(t *testing.T, in *installation) {
			in.rolled(t, map[string]any{"backstage.baseUrl": in.base.String() + "/portal"})
		}},
	}
}
