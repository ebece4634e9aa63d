package debuglog

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kubernetes names the API server: its queries select objects and are written
// whole.
const Kubernetes = "kubernetes"

// Transport has every request to what to names written with its status, or why
// there was no answer, and how long it took until the headers were there. A nil
// Log leaves requests alone.
func (l *Log) Transport(to string) func(http.RoundTripper) http.RoundTripper {
	if l == nil {
		return func(next http.RoundTripper) http.RoundTripper { return next }
	}
	log := l.Logger().With("to", to)
	return func(next http.RoundTripper) http.RoundTripper {
		return transport{next: next, log: log, whole: to == Kubernetes}
	}
}

type transport struct {
	next  http.RoundTripper
	log   *slog.Logger
	whole bool // queries are written with their values
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	begin := time.Now()
	answer, err := t.next.RoundTrip(r)
	took := slog.Duration("took", time.Since(begin).Round(100*time.Microsecond))
	what := r.Method + " " + t.address(r.URL)
	if err != nil {
		t.log.LogAttrs(r.Context(), slog.LevelWarn, what, slog.String("error", err.Error()), took)
		return answer, err
	}
	level := slog.LevelDebug
	if answer.StatusCode >= http.StatusBadRequest {
		level = slog.LevelWarn
	}
	t.log.LogAttrs(r.Context(), level, what, slog.Int("status", answer.StatusCode), took)
	return answer, nil
}

// address is where a request goes: no user, no fragment, and of the query the
// names alone where values may be anything.
func (t transport) address(u *url.URL) string {
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	switch {
	case t.whole:
		plain.RawQuery = u.RawQuery
	case u.RawQuery != "":
		var names []string
		for name := range u.Query() {
			names = append(names, url.QueryEscape(name)+"=...")
		}
		slices.Sort(names)
		plain.RawQuery = strings.Join(names, "&")
	}
	return plain.String()
}

// WrappedRoundTripper lets client-go find what is below, to close what is idle.
func (t transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// CloseIdleConnections lets net/http do the same.
func (t transport) CloseIdleConnections() {
	if next, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
