package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openchoreo/backstage-setup/internal/verdict"
)

// maxResult is how much of a Job's output is read.
const maxResult = 4 << 20

// ErrNoResult says that a text is no output of a JobScript.
var ErrNoResult = errors.New("there is no result of a probe in it")

// told is what a JobScript wrote about one query.
type told struct {
	rows   []string
	errors []string
}

// jobAnswers are a JobScript's output taken apart.
type jobAnswers struct {
	about string    // the target
	at    time.Time // when the script ran, by the clock of its node
	tag   string    // of the password: see Target.Tag
	asked map[string]told
}

// ReadJob judges the output of a JobScript as Probe judges what it sees itself; the
// report says when that was. It returns ErrNoResult for other texts, and an error
// when the output ends early, is about another target or password, or older than a
// day: who asks then knows nothing about t.
func ReadJob(output []byte, t Target, b Budget, now func() time.Time) (Report, []Verdict, error) {
	if now == nil {
		now = time.Now
	}
	t, _ = t.trimmed()
	result, err := readMarked(output)
	if err != nil {
		return Report{}, nil, err
	}
	if want := fmt.Sprintf("%s %d %s %s %s", t.Host, t.Port, t.PsqlMode(), t.entry(), t.User); result.about != want {
		return Report{}, nil, fmt.Errorf("the result is about %q, and the answers are about %q: make the Job anew", verdict.Visible(result.about), want)
	}
	if err := result.bound(t, now()); err != nil {
		return Report{}, nil, err
	}
	answers := result.asked
	j, report := newJudgement(t), Report{Asked: result.at}
	if !t.check(j, nil) {
		return report, j.verdicts, nil
	}
	c := &Client{now: now, recorded: func(database string) *session {
		return &session{target: t, database: database, at: asking, replay: func(sql string) ([][]*string, *fault) { return replayed(t, answers, database, sql) }}
	}}
	first := answers["version "+t.entry()]
	if len(first.errors) > 0 && !strings.Contains(strings.Join(first.errors, " "), "ERROR:") {
		f := connectFault(t, first.errors)
		if tells(f) {
			j.protection()
		}
		j.fault(f)
		return report, j.verdicts, nil
	}
	j.protection()
	s := c.recorded(t.entry())
	s.auth, report.Auth = "password", "a password"
	if t.SSL {
		report.TLS = &TLS{Version: "TLS", Verified: t.Mode == Verify}
	}
	// What is recorded waits for nothing.
	if f := c.inspect(context.Background(), s, j, &report, b.complete()); f != nil {
		j.fault(f)
	}
	if !j.blocked() {
		j.add("database.ok", "%s", report.describe(t.address()))
	}
	return report, j.verdicts, nil
}

// protection is encryption for a connection that somebody else has made.
func (j *judgement) protection() {
	switch {
	case !j.target.SSL:
		j.add("tls.off", "the connection to %s is not encrypted", j.target.address())
	case j.target.Mode == NoVerify:
		j.add("tls.unverified", "the connection to %s is encrypted, but nobody knows with whom", j.target.address())
	}
}

// tells says whether a fault is what the server itself said once it was connected.
func tells(f *fault) bool { return f.found == "" || f.id == "login.unchecked" }

// readMarked takes the marked lines apart: "ask NAME DATABASE" and what follows it.
func readMarked(output []byte) (*jobAnswers, error) {
	if len(output) > maxResult || !utf8.Valid(output) {
		return nil, fmt.Errorf("%w: it is too large, or no text", ErrNoResult)
	}
	result := &jobAnswers{asked: map[string]told{}}
	at, ended := "", false
	for line := range bytes.Lines(output) {
		_, text, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), JobMark)
		if !ok {
			continue
		}
		what, rest, _ := strings.Cut(text, " ")
		a := result.asked[at]
		switch what {
		case "target":
			result, at, ended = &jobAnswers{about: rest, asked: map[string]told{}}, "", false // the last run counts
		case "time":
			result.at, _ = time.Parse(time.RFC3339, rest) // else it is zero, which is refused
		case "password":
			result.tag = rest
		case "ask":
			at = rest
			result.asked[at] = told{}
		case "row":
			a.rows = append(a.rows, rest)
			result.asked[at] = a
		case "error":
			a.errors = append(a.errors, rest)
			result.asked[at] = a
		case "end":
			ended = true
		}
	}
	switch {
	case result.about == "":
		return nil, fmt.Errorf("%w: give all of what `kubectl logs` prints, with the lines that begin with %q", ErrNoResult, strings.TrimSpace(JobMark))
	case !ended:
		return nil, errors.New("the result ends in the middle: wait until the Job is complete, then read its log again")
	}
	return result, nil
}

// replayed is the answer that a Job got to a query.
func replayed(t Target, answers map[string]told, database, sql string) ([][]*string, *fault) {
	for _, a := range append(append([]jobAsk{}, jobEntry...), jobInside...) {
		if a.sql != sql {
			continue
		}
		got, asked := answers[a.name+" "+database]
		switch {
		case !asked:
			return nil, faultf("network.dropped", "the Job has not asked %s about its %s", database, a.name)
		case len(got.errors) > 0:
			return nil, queryFault(t, got.errors)
		}
		rows := make([][]*string, len(got.rows))
		for i, row := range got.rows {
			rows[i] = copied(row)
		}
		return rows, nil
	}
	return nil, nil // a setting
}

// copied reads a row of COPY's text format (documentation, "COPY", File Formats);
// nil is NULL.
func copied(row string) []*string {
	var values []*string
	for field := range strings.SplitSeq(row, "\t") {
		if field == `\N` {
			values = append(values, nil)
			continue
		}
		text := strings.NewReplacer(`\\`, `\`, `\t`, "\t", `\n`, "\n", `\r`, "\r", `\b`, "\b", `\f`, "\f", `\v`, "\v").Replace(field)
		values = append(values, &text)
	}
	return values
}

// queryFault is what psql says of a query: "psql:<stdin>:3: ERROR:  42501: …".
func queryFault(t Target, lines []string) *fault {
	for _, line := range lines {
		for _, severity := range []string{"ERROR:  ", "FATAL:  "} {
			_, rest, ok := strings.Cut(line, severity)
			code, message, coded := strings.Cut(rest, ": ")
			if ok && coded && len(code) == 5 {
				s := session{target: t, at: asking}
				return s.known(&ServerError{Code: code, Message: message})
			}
		}
	}
	return connectFault(t, lines)
}

// states are what a server says before anybody is logged in, by PostgreSQL's
// source: psql tells the message there, and no SQLSTATE.
var states = []struct{ words, code string }{
	{"password authentication failed", "28P01"},
	{"no pg_hba.conf entry", "28000"}, {"pg_hba.conf rejects", "28000"}, {"is not permitted to log in", "28000"},
	{"valid client certificate", "28000"}, {"certificate authentication failed", "28000"}, {"authentication failed", "28000"},
	{"permission denied for database", "42501"}, {"is not currently accepting connections", "55000"},
	{"too many connections for", "53300"}, {"remaining connection slots", "53300"}, {"too many clients", "53300"},
	{"the database system is", "57P03"}, {"no such database", "08P01"}, {"database \"", "3D000"}, {"role \"", "28000"},
}

// connections is what libpq says when there is no connection, in English.
var connections = []struct{ words, id, found string }{
	{"does not support SSL", "tls.unsupported", "%s has no TLS"},
	{"does not match host name", "tls.host", "the certificate of %s is for another name"},
	{"certificate verify failed", "tls.authority", "the certificate of %s is not of an authority that is trusted"},
	{"root certificate file", "tls.handshake", "the Job has no list of authorities to verify %s with"},
	{"SSL error", "tls.handshake", "the TLS handshake with %s fails"},
	{"did not complete authentication", "login.unchecked", "%s lets the role in without asking for the password"},
	{"authentication method requirement", "login.method", "%s asks for another login than a password"},
	{"could not translate host name", "network.name", "the cluster does not know the name of %s"},
	{"Name or service not known", "network.name", "the cluster does not know the name of %s"},
	{"Connection refused", "network.refused", "nothing listens on %s, as the cluster sees it"},
	{"timeout expired", "network.timeout", "%s does not answer in the cluster"},
	{"timed out", "network.timeout", "%s does not answer in the cluster"},
	{"closed the connection unexpectedly", "network.closed", "%s closed the connection without an answer"},
	{"expected authentication request", "server.other", "%s does not speak PostgreSQL's protocol"},
	{"received invalid response to SSL negotiation", "server.other", "%s does not speak PostgreSQL's protocol"},
}

// connectFault is why psql has no connection.
func connectFault(t Target, lines []string) *fault {
	all := strings.Join(lines, " ")
	if _, message, ok := strings.Cut(all, "FATAL:  "); ok {
		message, _, _ = strings.Cut(message, " connection to server")
		for _, state := range states {
			if strings.Contains(message, state.words) {
				s := session{target: t, at: loggingIn}
				return s.known(&ServerError{Code: state.code, Message: message})
			}
		}
		return &fault{id: "login.refused", said: message, code: "unknown"}
	}
	for _, c := range connections {
		if strings.Contains(all, c.words) {
			return faultf(c.id, c.found, t.address())
		}
	}
	return faultf("network.unreachable", "the Job could not connect to %s: %s", t.address(), strconv.Quote(shortened(all)))
}

func shortened(s string) string {
	if r := []rune(s); len(r) > verdict.MaxWords {
		return string(r[:verdict.MaxWords]) + "…"
	}
	return s
}
