package steps

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"
)

// parseList reads a list as CSV (RFC 4180): separated by commas, "…" around what
// has a comma in it, "" for a quotation mark inside. What begins with [ is JSON.
// Line ends separate too. Blanks around an item and items of nothing are left
// out, unless they are in quotes. With distinguished, a name such as
// CN=admins,OU=x that would fall apart at its commas is refused.
func parseList(text string, distinguished bool) ([]string, error) {
	list := []string{}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		var items []any
		if json.Unmarshal([]byte(text), &items) != nil {
			return nil, errors.New(`begins with [ but is no JSON list: write ["a", "b"], or put quotes around an item that begins with [`)
		}
		for _, item := range items {
			s, ok := item.(string)
			if !ok {
				return nil, errors.New(`must be a JSON list of texts, such as ["a", "b"]`)
			}
			list = append(list, s)
		}
		return list, nil
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	lines := strings.Split(text, "\n")
	pairs := 0
	for {
		record, err := r.Read()
		if record == nil {
			if _, faulty := errors.AsType[*csv.ParseError](err); faulty {
				return nil, errors.New(`has a quotation mark where none can be: put quotes around a whole item, as in a,"b,c", and write "" for one inside it`)
			}
			break
		}
		for i, item := range record {
			line, column := r.FieldPos(i)
			if strings.HasPrefix(lines[line-1][column-1:], `"`) {
				list = append(list, item)
				continue
			}
			if item = strings.TrimSpace(item); item == "" {
				continue
			}
			if list = append(list, item); namePair.MatchString(item) {
				pairs++
			}
		}
	}
	if distinguished && pairs > 1 {
		return nil, errors.New(`must not fall apart at the commas of a name: put quotes around each, as in "CN=admins,OU=groups","CN=ops,OU=groups", or write JSON: ["CN=admins,OU=groups"]`)
	}
	return list, nil
}

// namePair is a part of a distinguished name: RFC 4514 section 3.
var namePair = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\.[0-9]+)+)\s*=`)

// printList writes list as parseList reads it: in JSON when an item has a line
// end, and with quotes where they are needed.
func printList(list []string) string {
	all := strings.Join(list, "")
	if out, err := json.Marshal(list); err == nil && strings.ContainsAny(all, "\r\n") && utf8.ValidString(all) {
		return string(out)
	}
	pairs := 0
	for _, item := range list {
		if namePair.MatchString(item) {
			pairs++
		}
	}
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = item
		if pairs > 1 || item == "" || strings.ContainsAny(item, ",\"\r\n") || strings.HasPrefix(item, "[") || strings.TrimSpace(item) != item {
			items[i] = quoteItem(item)
		}
	}
	return strings.Join(items, ", ")
}

func quoteItem(item string) string { return `"` + strings.ReplaceAll(item, `"`, `""`) + `"` }
