package templates

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contractRow is a row of the contract's answers table: its keys in full and
// the column with their type.
type contractRow struct {
	keys []string
	kind string
}

// contractRows reads the answers table of the contract. In a row's first column
// a key that starts with a dot stands beside the last key written in full:
// "a.b.c, .d" means a.b.c and a.b.d.
func contractRows(t *testing.T) []contractRow {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared(t), "contract.md"))
	if err != nil {
		t.Skipf("the contract is not here: %v", err)
	}
	_, section, found := strings.Cut(string(data), "\n## Answers file\n")
	if !found {
		t.Fatal("the contract has no section on the answers file")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	token := regexp.MustCompile("`([^`]+)`")
	var rows []contractRow
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		row := contractRow{kind: cells[2]}
		parent := ""
		for _, match := range token.FindAllStringSubmatch(cells[1], -1) {
			key := match[1]
			if strings.HasPrefix(key, ".") {
				key = parent + key
			} else {
				parent = ""
				if i := strings.LastIndexByte(key, '.'); i >= 0 {
					parent = key[:i]
				}
			}
			row.keys = append(row.keys, key)
		}
		rows = append(rows, row)
	}
	return rows
}

// shared returns the directory of data that stays out of the repository.
func shared(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "shared")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("the shared test data is not here: %v", err)
	}
	return dir
}

func TestContractRowsExpandShortForms(t *testing.T) {
	want := map[string]bool{
		"database.sqlite.size": true, "portal.service.nodePort": true, "scaling.limits.memory": true,
		"authorization.subjectClaim": true, "authorization.clients.mcpTryout": true, "secret.store.caFile": true,
		"gateway.httpsPort": true, "githubActions.oauthClientSecret": true, "preset": true,
	}
	rows := contractRows(t)
	for _, row := range rows {
		for _, key := range row.keys {
			delete(want, key)
		}
	}
	if len(want) > 0 || len(rows) < 40 {
		t.Errorf("%d rows, not found: %v", len(rows), want)
	}
}

func TestEveryAnswersKeyOfTheContractIsPlaced(t *testing.T) {
	newest, _ := Newest()
	inContract := map[string]bool{}
	for _, row := range contractRows(t) {
		for _, key := range row.keys {
			inContract[key] = true
			since := rowSince(row)
			if key == "authorization.clients.finopsAgent" {
				since = v110 // 1.0 has no such binding
			}
			if got := Since(key); got != since {
				t.Errorf("%s: the charts have it since %q, the contract says %s", key, got, since)
			}
		}
	}
	for key := range answersKeys(newest) {
		// What came to the answers after the table was written.
		later := key == "database.postgresql.trustCA" || key == "database.postgresql.verify" || key == "database.postgresql.layout" || key == "database.sqlite.keepVolume"
		if !inContract[key] && !later {
			t.Errorf("%s is not a key of the contract", key)
		}
	}
}

func rowSince(row contractRow) string {
	switch {
	case strings.Contains(row.kind, "charts 1.1 and newer"):
		return v110
	case strings.Contains(row.kind, "charts 1.2 and newer"):
		return v120
	}
	return v100
}

// answersKeys returns how often a profile places each answers key.
func answersKeys(p Profile) map[string]int {
	keys := map[string]int{}
	for key := range p.Paths {
		keys[key]++
	}
	for key := range p.Items {
		keys[key]++
	}
	for key := range p.BindingKeys {
		keys[key]++
	}
	for key := range p.NoPath {
		keys[key]++
	}
	for _, s := range p.SecretKeys {
		keys[s.Key]++
	}
	return keys
}
