package cause

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxEntry = 16 << 10 // bytes of an entry that are looked at: a message and the top of its stack
	maxLine  = 300      // bytes of Finding.Line, about
)

// entry is what was logged at once: one JSON object, or a line with the stack
// below it.
type entry struct {
	text  string
	lower string // of the same length: only ASCII letters differ
}

var (
	escapes = regexp.MustCompile(`\x1b(?:\[[0-9;:?<=>!]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])`)
	// kubectl logs --timestamps and CRI put this in front.
	stamped = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\S+ (?:std(?:out|err) [FP] )?`)
	// What goes on with the entry above: a stack, its cause, Node's notation of
	// an error.
	deeper = regexp.MustCompile(`^(?:\s|\}|\]|at |caused by:?\s|\[cause\])`)
)

// entries puts stacks to the line that they belong to.
func entries(lines []string) []entry {
	var out []entry
	var block strings.Builder
	flush := func() {
		if text := block.String(); text != "" {
			out = append(out, newEntry(text))
		}
		block.Reset()
	}
	for _, line := range lines {
		for line := range strings.SplitSeq(line, "\n") {
			line = plain(line)
			if text, ok := object(line); ok {
				flush()
				if text != "" {
					out = append(out, newEntry(text))
				}
				continue
			}
			if !deeper.MatchString(strings.ToLower(line[:min(len(line), 16)])) {
				flush()
			}
			if room := maxEntry + 1 - block.Len(); room > 0 {
				block.WriteString(line[:min(len(line), room)])
				block.WriteByte('\n')
			}
		}
	}
	flush()
	return out
}

// plain takes off colours and what a tool has put in front.
func plain(line string) string {
	if strings.IndexByte(line, 0x1b) >= 0 {
		line = escapes.ReplaceAllString(line, "")
	}
	line = strings.TrimSuffix(line, "\r")
	if rest := strings.TrimPrefix(line, stamped.FindString(line)); strings.HasPrefix(rest, "{") {
		return rest // in text logs the time belongs to the entry
	}
	return line
}

// newEntry cuts text at a blank: in half a word a secret would not be known.
func newEntry(text string) entry {
	if len(text) > maxEntry {
		text = text[:maxEntry]
		text = text[:max(0, strings.LastIndexAny(text, " \n\t"))]
	}
	return entry{text: text, lower: lower(text)}
}

// lower keeps places: strings.ToLower may change the length of other letters.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// object reads a line of winston's JSON, of Go's slog or of Kubernetes. The text
// is the message, the stack and what errors carry as fields, a line for each;
// it is "" for requests that came in, which hold what anybody may write.
func object(line string) (text string, ok bool) {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}") {
		return "", false
	}
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return "", false
	}
	if fields["type"] == "incomingRequest" {
		return "", true
	}
	var out strings.Builder
	for _, name := range []string{"message", "msg", "error", "err", "stack"} {
		if s, is := fields[name].(string); is && out.Len() <= maxEntry {
			out.WriteString(s + "\n")
			delete(fields, name)
		}
	}
	flatten(&out, "", fields, 0)
	return out.String(), true
}

func flatten(out *strings.Builder, name string, value any, depth int) {
	if depth > 6 || out.Len() > maxEntry {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			flatten(out, key, v[key], depth+1)
		}
	case []any:
		for _, item := range v {
			flatten(out, name, item, depth+1)
		}
	case string:
		out.WriteString(name + "=" + v + "\n")
	case float64:
		if name == "port" || name == "status" || name == "statusCode" {
			number, _ := json.Marshal(v)
			out.WriteString(name + "=" + string(number) + "\n")
		}
	}
}

// line returns the line of the entry that holds what was found, without secrets
// and not longer than a screen can show.
func (e entry) line(found place) string {
	start := strings.LastIndexByte(e.text[:found.from], '\n') + 1
	end := len(e.text)
	if i := strings.IndexByte(e.text[found.from:], '\n'); i >= 0 {
		end = found.from + i
	}
	line := redact(e.text[start:end]) // before it is cut: half a secret would not be known
	at := strings.Index(lower(line), e.lower[found.from:min(found.to, end)])
	return clip(line, max(at, 0))
}

// clip keeps what is around a place.
func clip(line string, at int) string {
	line, at = printable(line[:at])+printable(line[at:]), len(printable(line[:at]))
	before := ""
	if len(line) > maxLine && at > maxLine/3 {
		before, line = "…", line[nextRune(line, at-maxLine/3):]
	}
	if len(line) > maxLine {
		line = line[:nextRune(line, maxLine)] + "…"
	}
	return before + strings.TrimSpace(line)
}

func nextRune(text string, at int) int {
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}

// printable leaves out what would move a terminal's cursor.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == utf8.RuneError:
			return -1
		}
		return r
	}, text)
}
