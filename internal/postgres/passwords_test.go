package postgres_test

import (
	"strings"
	"testing"
)

// passwords are those that break connection strings, and those that SASLprep
// changes: 3.3, and node-postgres 8.16.3's sasl.js, which has no SASLprep.
var passwords = []struct{ password, want string }{
	{"p@ss", "pass database.ok"},
	{"hun@ter2/x", "pass database.ok"},
	{"a:b", "pass database.ok"},
	{"a#b?c=d&e", "pass database.ok"},
	{"100%", "pass database.ok"},
	{"%41%zz", "pass database.ok"},
	{"it's", "pass database.ok"},
	{`say "hi"`, "pass database.ok"},
	{`back\slash`, "pass database.ok"},
	{`\\server\\`, "pass database.ok"},
	{"two words, three", "pass database.ok"},
	{"${HOME} $(id) `id`", "pass database.ok"},
	{"host=evil port=1", "pass database.ok"},
	{"naïve-пароль-密码", "pass database.ok"},
	{"emoji-🔑", "pass database.ok"},
	{strings.Repeat("long", 200), "pass database.ok"},
	{"decomposed-e\u0301", "fail login.unicode"},
	{"ligature-\ufb01", "fail login.unicode"},
	{"no-break\u00a0space", "fail login.unicode"},
	{"soft\u00adhyphen", "fail login.unicode"},
}

func TestPasswords(t *testing.T) {
	w := theWorld(t)
	c := w.client(t)
	defer w.run(t, "postgres", "ALTER ROLE portal PASSWORD '"+password+"'")
	for _, v := range passwords {
		for _, encryption := range []string{"scram-sha-256", "md5"} {
			t.Run(encryption+" "+v.password[:min(12, len(v.password))], func(t *testing.T) {
				role, want := "portal", v.want
				if encryption == "md5" { // which takes the bytes as they are
					role, want = "hashed", "pass database.ok"
				}
				w.run(t, "postgres", "SET password_encryption = '"+encryption+"'; ALTER ROLE "+role+" PASSWORD '"+strings.ReplaceAll(v.password, "'", "''")+"'")
				ask := target()
				ask.User = role
				with(v.password)(&ask)
				_, verdicts := c.Probe(t.Context(), ask, small)
				expect(t, verdicts, want)
				for _, verdict := range verdicts {
					if strings.Contains(verdict.Found+verdict.Cause+verdict.Fix, v.password) {
						t.Errorf("%v holds the password", verdict)
					}
				}
			})
		}
	}
	w.run(t, "postgres", "SET password_encryption = 'md5'; ALTER ROLE hashed PASSWORD '"+password+"'")
}
