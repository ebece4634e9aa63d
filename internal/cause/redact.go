package cause

import (
	"regexp"
	"strings"
)

const hidden = "***"

var (
	pem        = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]+-----.*`)
	userinfo   = regexp.MustCompile(`(://)(?:[^\s/?#@"'<>]*|[^\s/?#@"'<>]*:[^\s"'<>]*)@`)
	bearer     = regexp.MustCompile(`(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{6,}`)
	basic      = regexp.MustCompile(`(?i)\b(basic\s+)[A-Za-z0-9+/=]{6,}`)
	jsonTokens = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}`)
	opaque     = regexp.MustCompile(`[A-Za-z0-9_~+=-]{20,}`)
	// A name that sounds secret with a value: in a query or form, in JSON also
	// within JSON, in Node's own notation, in an environment.
	assigned = regexp.MustCompile(`(?i)((?:password|passwd|pwd|secret|token|assertion|api[-_]?key|private[-_]?key|access[-_]?key|authorization|cookie|credentials?|code|code_verifier)\\*["']?\s*[:=]\s*)` +
		`(\\+"(?:[^"\\]|\\+[^"\\])*\\*"?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s"']+)`)
	field  = regexp.MustCompile(`&[A-Za-z_][\w.-]*=`) // the next one of a query or form
	spoken = regexp.MustCompile(`(?i)\b((?:password|passwd|pwd|secret|token|api[-_]?key)\s+)([^\s:="']+)`)
)

// redact takes out what looks like a secret. It rather takes too much: the line
// is there to be recognised.
func redact(line string) string {
	line = pem.ReplaceAllString(line, hidden)
	line = userinfo.ReplaceAllString(line, "${1}"+hidden+"@")
	line = bearer.ReplaceAllString(line, "${1}"+hidden)
	line = basic.ReplaceAllStringFunc(line, func(found string) string {
		name := found[:len("basic")]
		if value := strings.TrimSpace(found[len(name):]); value == strings.ToLower(value) && !strings.ContainsAny(value, "=0123456789+/") {
			return found // basic authentication
		}
		return name + " " + hidden
	})
	line = jsonTokens.ReplaceAllString(line, hidden)
	line = assigned.ReplaceAllStringFunc(line, func(found string) string {
		parts := assigned.FindStringSubmatch(found)
		if code(parts[1]) && harmless(parts[2]) {
			return found
		}
		return parts[1] + hidden + redactFields(parts[2])
	})
	line = spoken.ReplaceAllStringFunc(line, func(found string) string {
		parts := spoken.FindStringSubmatch(found)
		if strings.ContainsAny(parts[2], "0123456789") && strings.ToLower(parts[2]) != strings.ToUpper(parts[2]) {
			return parts[1] + hidden
		}
		return found // a word or a number, such as a status
	})
	return opaque.ReplaceAllStringFunc(line, func(found string) string {
		if random(found) {
			return hidden
		}
		return found
	})
}

// redactFields is what follows a value in a query or form: a bare & belongs to the
// value.
func redactFields(value string) string {
	if strings.ContainsAny(value[:1], `"'\\`) {
		return ""
	}
	at := field.FindStringIndex(value)
	if at == nil {
		return ""
	}
	return redact(value[at[0]:])
}

func code(name string) bool {
	return strings.HasPrefix(strings.ToLower(name), "code") && !strings.HasPrefix(strings.ToLower(name), "code_verifier")
}

// harmless tells an error's code, which is a number or in capitals, from an
// authorization code.
func harmless(value string) bool {
	value = strings.Trim(value, `\"',}`)
	return len(value) <= 40 && value == strings.ToUpper(value)
}

// random tells whether a word has letters of both cases and digits mixed, as
// generated secrets have and names have not.
func random(word string) bool {
	var upper, lower, digits int
	for _, r := range word {
		switch {
		case r >= 'A' && r <= 'Z':
			upper++
		case r >= 'a' && r <= 'z':
			lower++
		case r >= '0' && r <= '9':
			digits++
		}
	}
	return upper >= 2 && lower >= 2 && digits >= 2
}
