package cause

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

func ids(found []Finding) (all []string) {
	for _, f := range found {
		all = append(all, f.ID)
	}
	return all
}

// Lines as the parts write them: winston's JSON with an error's fields, Node's
// stacks, PostgreSQL, jose, passport, Go's slog, the kubelet and controllers.
func TestExplain(t *testing.T) {
	data, err := os.ReadFile("testdata/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[string]bool{}
	for number, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		want, text, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("line %d: no tab", number+1)
		}
		found := Explain([]string{text})
		if diff := cmp.Diff(strings.Split(want, " "), ids(found)); diff != "" {
			t.Errorf("line %d: %s\n%s", number+1, text, diff)
			continue
		}
		for _, f := range found {
			tested[f.ID] = true
		}
	}
	if len(tested) < 60 {
		t.Errorf("only %d findings are tested", len(tested))
	}
	for _, r := range table() {
		if !tested[r.id] && !strings.HasPrefix(r.id, "network.") && !strings.HasPrefix(r.id, "api.") && !strings.Contains(r.id, ".tls-") && !strings.Contains(r.id, ".unreach") && !strings.Contains(r.id, ".reset") {
			t.Errorf("no line of testdata/lines.txt is %s", r.id)
		}
	}
}

func TestInnocentLines(t *testing.T) {
	data, err := os.ReadFile("testdata/innocent.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) < 30 {
		t.Errorf("only %d lines", len(lines))
	}
	for number, line := range lines {
		if found := Explain([]string{line}); len(found) > 0 {
			t.Errorf("line %d: %s\nis %s by %s", number+1, line, found[0].ID, found[0].Line)
		}
	}
	if found := Explain(lines); len(found) > 0 {
		t.Errorf("together: %+v", found)
	}
}

// The first finding is what to mend first; what follows from it is behind and
// says so.
func TestOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  []string // "id" or "id after id"
	}{
		"the database before the probe and the start": {[]string{
			"Warning Unhealthy pod/backstage-7 Readiness probe failed: Get \"http://10.1.2.3:7007/healthcheck\": dial tcp 10.1.2.3:7007: connect: connection refused",
			"AggregateError: Backend startup failed",
			`{"code":"28P01","level":"error","message":"Plugin 'catalog' threw an error during startup. Failed to connect to the database to make sure that 'backstage_plugin_catalog' exists, error: password authentication failed for user \"backstage\"","service":"backstage"}`,
			`{"code":"28P01","level":"error","message":"Plugin 'auth' threw an error during startup. Failed to connect to the database to make sure that 'backstage_plugin_auth' exists, error: password authentication failed for user \"backstage\"","service":"backstage"}`,
		}, []string{"postgres.password x2", "k8s.probe after postgres.password", "general.startup after postgres.password"}},
		"the token before the catalog": {[]string{
			`{"level":"error","message":"Failed to run OpenChoreoEntityProvider: Error: fetching failed","plugin":"catalog"}`,
			`{"level":"error","message":"Failed to fetch client credentials token Token request failed: 401 Unauthorized - {\"error\":\"invalid_client\"}","plugin":"catalog"}`,
		}, []string{"token.invalid-client", "api.sync after token.invalid-client"}},
		"DNS before the token": {[]string{
			`{"level":"error","message":"Failed to fetch client credentials token Token request failed: 503 Service Unavailable - "}`,
			`{"cause":{"code":"EAI_AGAIN","errno":-3001,"hostname":"thunder.example.com","syscall":"getaddrinfo"},"level":"error","message":"Failed to fetch client credentials token fetch failed"}`,
		}, []string{"identity.dns-again", "token.provider after identity.dns-again"}},
		"the Secret before the probe": {[]string{
			"Liveness probe failed: HTTP probe failed with statuscode: 503",
			"Error: couldn't find key postgres-host in Secret cp/backstage-secrets",
		}, []string{"k8s.key", "k8s.probe after k8s.key"}},
		"both of two": {[]string{
			"SqliteError: database is locked",
			`Error: listen EADDRINUSE: address already in use :::7007`,
		}, []string{"node.port", "sqlite.locked"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, f := range Explain(tt.lines) {
				text := f.ID
				if f.Count > 1 {
					text += fmt.Sprintf(" x%d", f.Count)
				}
				if f.After != "" {
					text += " after " + f.After
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A stack belongs to the line above it, in whatever form the log comes.
func TestEntries(t *testing.T) {
	stack := `Error: Failed to connect to the database to make sure that 'backstage_plugin_app' exists, Error: connect ECONNREFUSED 10.0.0.9:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
    at /app/node_modules/pg-pool/index.js:45:11 {
  errno: -111,
  code: 'ECONNREFUSED',
  syscall: 'connect',
  address: '10.0.0.9',
  port: 5432
}`
	for name, lines := range map[string][]string{
		"lines":        strings.Split(stack, "\n"),
		"one text":     {stack},
		"carriage":     strings.Split(strings.ReplaceAll(stack, "\n", "\r\n"), "\n"),
		"coloured":     {"\x1b[2m2026-01-02T03:04:05.000Z\x1b[22m \x1b[34mcatalog\x1b[39m \x1b[31merror\x1b[39m " + stack},
		"timestamps":   {`2026-01-02T03:04:05.123456789Z {"level":"error","message":"connect ECONNREFUSED 10.0.0.9:5432","stack":"` + strings.ReplaceAll(stack, "\n", `\n`) + `"}`},
		"CRI":          {`2026-01-02T03:04:05.123456789Z stderr F {"level":"error","message":"connect ECONNREFUSED 10.0.0.9:5432"}`},
		"fields alone": {`{"address":"10.0.0.9","code":"ECONNREFUSED","level":"error","message":"startup failed","port":5432}`},
	} {
		t.Run(name, func(t *testing.T) {
			found := Explain(lines)
			if len(found) != 1 || found[0].ID != "postgres.refused" || found[0].Count != 1 {
				t.Fatalf("got %+v", found)
			}
			if line := found[0].Line; !strings.Contains(strings.ToUpper(line), "ECONNREFUSED") || strings.ContainsAny(line, "\x1b\n\r") {
				t.Errorf("line %q", line)
			}
			if found[0].Step != "database.postgresql.port" {
				t.Errorf("step %q", found[0].Step)
			}
		})
	}
}

// A request that came in holds what anybody may write.
func TestRequestsAreNoCause(t *testing.T) {
	line := `{"level":"info","message":"[2026-01-02] \"GET /api/auth/openchoreo-auth/handler/frame?error=invalid_client&database+is+locked=ECONNREFUSED HTTP/1.1\" 401","type":"incomingRequest","url":"/x?sqlite_busy"}`
	if found := Explain([]string{line}); len(found) > 0 {
		t.Errorf("got %+v", found)
	}
}

func TestLineIsShort(t *testing.T) {
	long := strings.Repeat("before ", 400) + "SQLITE_BUSY: database is locked" + strings.Repeat(" after", 400)
	found := Explain([]string{long})
	if len(found) != 1 {
		t.Fatalf("got %+v", found)
	}
	line := found[0].Line
	if len(line) > maxLine+10 || !strings.Contains(line, "SQLITE_BUSY") || !strings.HasPrefix(line, "…") || !strings.HasSuffix(line, "…") {
		t.Errorf("%d bytes: %s", len(line), line)
	}
}

// Every row says something in plain words, and names a key that there is.
func TestTable(t *testing.T) {
	keys := map[string]bool{"": true}
	for _, k := range answers.Keys() {
		keys[string(k)] = true
	}
	id := regexp.MustCompile(`^[a-z0-9]+\.[a-z0-9-]+$`)
	seen := map[string]bool{}
	topics := map[string]bool{}
	for _, r := range table() {
		if !id.MatchString(r.id) || seen[r.id] {
			t.Errorf("%s: no ID, or one that is there already", r.id)
		}
		seen[r.id] = true
		topic, _, _ := strings.Cut(r.id, ".")
		topics[topic+"."] = true
		if r.title == "" || r.cause == "" || r.fix == "" || len(r.words) == 0 {
			t.Errorf("%s: something is missing", r.id)
		}
		if strings.HasSuffix(r.title, ".") || !strings.HasSuffix(r.cause, ".") || !strings.HasSuffix(r.fix, ".") {
			t.Errorf("%s: title, cause or fix does not end as the others", r.id)
		}
		if !keys[r.step] {
			t.Errorf("%s: there is no answer %q", r.id, r.step)
		}
		for _, word := range append(r.words, r.not...) {
			if word != strings.ToLower(word) {
				t.Errorf("%s: %q is not in lower case", r.id, word)
			}
		}
		if r.match != nil && r.match.String() != strings.ToLower(strings.ReplaceAll(r.match.String(), `\S`, `\s`)) && !strings.Contains(r.match.String(), `\S`) {
			t.Errorf("%s: %s is not in lower case", r.id, r.match)
		}
	}
	for _, r := range table() {
		for _, hidden := range r.hides {
			if !seen[hidden] && !topics[hidden] {
				t.Errorf("%s hides %q, which is not there", r.id, hidden)
			}
			if hidden == r.id {
				t.Errorf("%s hides itself", r.id)
			}
		}
	}
}

func FuzzExplain(f *testing.F) {
	for _, name := range []string{"testdata/lines.txt", "testdata/innocent.txt"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			f.Add(line)
		}
	}
	f.Add("\x1b[31m{\"message\":\"\xff\"}\x1b]0;x")
	f.Add(strings.Repeat(`{"a":`, 2000) + strings.Repeat("}", 2000))
	const planted = "hUnter2planted"
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		lines[len(lines)-1] += " password=" + planted + " connect ECONNREFUSED postgres://u:" + planted + "@db:5432/x"
		found := Explain(lines)
		for _, f := range found {
			if strings.Contains(f.Line, planted) {
				t.Errorf("the secret is in %q", f.Line)
			}
			if !utf8.ValidString(f.Line) || len(f.Line) > 2*maxLine || strings.ContainsAny(f.Line, "\x1b\r\n\x00") {
				t.Errorf("line %q", f.Line)
			}
			if f.Count < 1 || f.Count > len(found)+strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
				t.Errorf("%s counts %d", f.ID, f.Count)
			}
		}
		if diff := cmp.Diff(found, Explain(lines)); diff != "" {
			t.Errorf("another time it is another: %s", diff)
		}
	})
}

// What one line of a megabyte costs, in the forms that are worst.
func BenchmarkExplainLongLine(b *testing.B) {
	for name, line := range map[string]string{
		"text":    strings.Repeat("connect token request failed x ", 1<<20/31),
		"word":    strings.Repeat("x", 1<<20),
		"escapes": strings.Repeat("\x1b[31m", 1<<20/5),
		"JSON":    `{"message":"` + strings.Repeat("password= ", 1<<20/10) + `"}`,
		"nested":  strings.Repeat(`{"a":`, 1<<20/6) + strings.Repeat("}", 1<<20/6),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Explain([]string{line})
			}
		})
	}
}
