package cause

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for line, want := range map[string]string{
		// secrets
		`connect postgres://backstage:hunter2@db:5432/x`:                `connect postgres://***@db:5432/x`,
		`connect postgres://backstage:hun/t#er2@db:5432/x`:              `connect postgres://***@db:5432/x`,
		`GET https://hunter2@idp.example.com/token`:                     `GET https://***@idp.example.com/token`,
		`password=hunter2 host=db`:                                      `password=*** host=db`,
		`PGPASSWORD=hunter2,x POSTGRES_PASSWORD="a b"`:                  `PGPASSWORD=*** POSTGRES_PASSWORD=***`,
		`{"password":"hunter2","user":"u"}`:                             `{"password":***,"user":"u"}`,
		`body: {\"client_secret\":\"hunter2\",\"client_id\":\"c\"}`:     `body: {\"client_secret\":***,\"client_id\":\"c\"}`,
		`grant_type=client_credentials&client_secret=hunter2&scope=x`:   `grant_type=client_credentials&client_secret=***&scope=x`,
		`  password: 'hunter2',`:                                        `  password: ***,`,
		`  clientSecret: hunter2`:                                       `  clientSecret: ***`,
		`Authorization: Bearer abcdefgh12345`:                           `Authorization: *** ***`,
		`sent bearer abcdefgh12345 to it`:                               `sent bearer *** to it`,
		`authorization header was Basic dTpw`:                           `authorization header was Basic dTpw`,
		`header Basic Y2xpZW50OnNlY3JldA==`:                             `header Basic ***`,
		`token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl was`:   `token *** was`,
		`got ghp_16C7e42F292c6912E7710c838347Ae178B4a here`:             `got *** here`,
		`?code=4/0AbC_dEf&state=x`:                                      `?code=***&state=x`,
		`-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE`: `***`,
		`password=Tr0ub4dor&3 host=db`:                                  `password=*** host=db`,
		`password=a&b&user=c&secret=d&e`:                                `password=***&user=c&secret=***`,
		`apikey hunter5 was refused`:                                    `apikey *** was refused`,
		`got token abc123`:                                              `got token ***`,
		// no secrets
		`token 401 again`: `token 401 again`,
		`password authentication failed for user "backstage"`:                                `password authentication failed for user "backstage"`,
		`Token request failed: 401 Unauthorized - {"error":"invalid_client"}`:                `Token request failed: 401 Unauthorized - {"error":"invalid_client"}`,
		`code: 'ECONNREFUSED', errno: -111`:                                                  `code: 'ECONNREFUSED', errno: -111`,
		`{"code":"28P01"}`:                                                                   `{"code":"28P01"}`,
		`couldn't find key client-secret in Secret cp/backstage-secrets`:                     `couldn't find key client-secret in Secret cp/backstage-secrets`,
		`ended with exit code 137`:                                                           `ended with exit code 137`,
		`pod backstage-7d9c8b6f5d-x2k4p on node-1`:                                           `pod backstage-7d9c8b6f5d-x2k4p on node-1`,
		`at OpenChoreoEntityProvider.run (/app/node_modules/@openchoreo/backstage-plugin/x)`: `at OpenChoreoEntityProvider.run (/app/node_modules/@openchoreo/backstage-plugin/x)`,
		`Basic authentication is not supported`:                                              `Basic authentication is not supported`,
	} {
		if got := redact(line); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
		}
	}
}

// A secret that is cut in two is not half a secret.
func TestLongEntriesAreCutAtBlanks(t *testing.T) {
	const secret = "hunter2hunter2hunter2"
	for shift := 0; shift < 64; shift += 7 { // the cut falls before, into and behind the secret
		line := "SQLITE_BUSY " + strings.Repeat("x", maxEntry-90+shift) + " postgres://backstage:" + secret + "@db:5432/x"
		for _, f := range Explain([]string{line}) {
			if strings.Contains(f.Line, "hunter") {
				t.Fatalf("shifted by %d: %s", shift, f.Line)
			}
		}
		e := newEntry(line)
		if strings.Contains(redact(e.text), "hunter") {
			t.Fatalf("shifted by %d: %s", shift, e.text[len(e.text)-100:])
		}
	}
}
