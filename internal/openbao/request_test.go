package openbao_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openchoreo/backstage-setup/internal/openbao"
	"github.com/openchoreo/backstage-setup/internal/openbao/baotest"
	"github.com/openchoreo/backstage-setup/internal/secret"
)

// writes counts the requests that change an entry.
func writes(s *baotest.Server) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/v1/sys/") {
			n++
		}
	}
	return n
}

// onWrites lets a fault hit what changes an entry, and nothing else.
func onWrites(f baotest.Fault) func(*http.Request) baotest.Fault {
	return func(r *http.Request) baotest.Fault {
		if r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/v1/sys/") {
			return baotest.Fault{}
		}
		return f
	}
}

func onAll(f baotest.Fault) func(*http.Request) baotest.Fault {
	return func(*http.Request) baotest.Fault { return f }
}

func TestWhatIsSent(t *testing.T) {
	s := baotest.Start(t)
	s.MountIn("division", "secret", 2)
	prefix := httptest.NewServer(http.StripPrefix("/bao", s))
	t.Cleanup(prefix.Close)
	store, err := openbao.Open(openbao.Config{Address: prefix.URL + "/bao/", Namespace: "division", Mount: "secret", Token: secret.New(baotest.RootToken), HTTP: prefix.Client()})
	if err != nil {
		t.Fatal(err)
	}
	write(t, store, "a/b", with(t, openbao.Data{}, "value", "x"), 0)
	read(t, store, "a/b")
	var got []string
	for _, r := range s.Requests() {
		got = append(got, r.Method+" "+r.Path)
		for _, header := range []string{"X-Vault-Request", "X-Vault-Token", "X-Vault-Namespace"} {
			if !slices.Contains(r.Headers, header) {
				t.Errorf("%s %s: no %s", r.Method, r.Path, header)
			}
		}
		if r.Query != "" {
			t.Errorf("%s %s: query %q", r.Method, r.Path, r.Query)
		}
	}
	// The version of the mount is made sure of once, before the first write.
	want := []string{"GET /v1/sys/internal/ui/mounts/secret", "POST /v1/secret/data/a/b", "GET /v1/secret/data/a/b"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTLS(t *testing.T) {
	s := baotest.StartTLS(t)
	if _, err := open(t, double{s}, "", "secret").Health(t.Context()); err != nil {
		t.Error(err)
	}
	stranger, err := openbao.Open(openbao.Config{Address: s.URL, Mount: "secret", Token: secret.New("s.token"), HTTP: &http.Client{Transport: &http.Transport{}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stranger.Write(t.Context(), "x", openbao.Data{}, 0)
	wantError(t, err, openbao.ErrUnreachable)
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	plain := baotest.Start(t)
	mistaken, err := openbao.Open(openbao.Config{Address: strings.Replace(plain.URL, "http:", "https:", 1), Mount: "secret", HTTP: plain.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = mistaken.Health(t.Context())
	wantError(t, err, openbao.ErrUnreachable)
	if err == nil || !strings.Contains(err.Error(), "speaks plain HTTP") {
		t.Errorf("%v", err)
	}
}

func TestVersion1IsNeverWritten(t *testing.T) {
	s := baotest.Start(t)
	s.Mount("old", 1)
	for _, cas := range []int{0, 1} {
		_, err := open(t, double{s}, baotest.RootToken, "old").Write(t.Context(), "x", openbao.Data{}, cas)
		wantError(t, err, openbao.ErrWrongMount)
	}
	if got := s.Plain("old"); len(got) > 0 {
		t.Errorf("%v", got)
	}
	// The page that tells the version may be shut off by a proxy.
	s.Break(func(r *http.Request) baotest.Fault {
		if strings.HasPrefix(r.URL.Path, "/v1/sys/internal/") {
			return baotest.Fault{Status: http.StatusForbidden, Body: "<html>no</html>"}
		}
		return baotest.Fault{}
	})
	if _, err := open(t, double{s}, baotest.RootToken, "old").Write(t.Context(), "x", openbao.Data{}, 0); err == nil || len(s.Plain("old")) > 0 {
		t.Errorf("%v, %v", err, s.Plain("old"))
	}
	if m, err := open(t, double{s}, baotest.RootToken, "secret").Mounted(t.Context()); err != nil || m.Version != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	write(t, open(t, double{s}, baotest.RootToken, "secret"), "x", openbao.Data{}, 0)
}

func TestWriteWithUnknownOutcome(t *testing.T) {
	tests := map[string]struct {
		fault   baotest.Fault
		written bool
	}{
		"dropped before":            {baotest.Fault{DropBefore: true}, false},
		"dropped after":             {baotest.Fault{DropAfter: true}, true},
		"the gateway gave up":       {baotest.Fault{Status: 504, AfterDoing: true}, true},
		"the gateway broke":         {baotest.Fault{Status: 503, Body: "upstream connect error or disconnect"}, false},
		"the server broke":          {baotest.Fault{Status: 500, Body: `{"errors":["hunter2"]}`}, false},
		"an answer of another kind": {baotest.Fault{Status: 200, Body: "<html>hunter2</html>", AfterDoing: true}, true},
		"an answer cut short":       {baotest.Fault{Status: 200, Body: "{", Header: http.Header{"Content-Length": {"400"}}, AfterDoing: true}, true},
		"an answer without version": {baotest.Fault{Status: 200, Body: `{"data":{}}`, AfterDoing: true}, true},
		"no content":                {baotest.Fault{Status: 204, AfterDoing: true}, true},
		"an answer without end":     {baotest.Fault{Status: 200, Body: strings.Repeat(" ", 5<<20), AfterDoing: true}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := baotest.Start(t)
			s.Put("secret", "x", `{"value":"old"}`)
			store := open(t, double{s}, baotest.RootToken, "secret")
			before := read(t, store, "x")
			wanted := with(t, before.Data, "value", "hunter2")
			s.Break(onWrites(tt.fault))
			_, err := store.Write(t.Context(), "x", wanted, before.Version)
			wantError(t, err, openbao.ErrUnknown)
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "read it again") {
				t.Errorf("%v", err)
			}
			if n := writes(s); n != 1 {
				t.Errorf("sent %d times", n)
			}
			// What a caller does then.
			s.Break(nil)
			if got := read(t, store, "x").Data.Equal(wanted); got != tt.written {
				t.Errorf("written: %v", got)
			}
		})
	}
}

func TestWriteThatWasNotSent(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	_, _ = store.Read(t.Context(), "x")
	s.Stop()
	_, err := store.Write(t.Context(), "x", openbao.Data{}, 0)
	wantError(t, err, openbao.ErrUnreachable)
	if errors.Is(err, openbao.ErrUnknown) || err == nil || !strings.Contains(err.Error(), s.URL) {
		t.Errorf("%v", err)
	}

	refused := errors.New("no such pod")
	dial, err := openbao.Open(openbao.Config{Address: "http://bao.test", Mount: "secret", HTTP: &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, refused },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = dial.Write(t.Context(), "x", openbao.Data{}, 0)
	wantError(t, err, openbao.ErrUnreachable)
	wantError(t, err, refused)

	done, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = open(t, double{baotest.Start(t)}, baotest.RootToken, "secret").Write(done, "x", openbao.Data{}, 0)
	wantError(t, err, context.Canceled)
	if errors.Is(err, openbao.ErrUnknown) || errors.Is(err, openbao.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

// transport hides what a transport says about its connections.
type transport struct{ http.RoundTripper }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return tr.RoundTripper.RoundTrip(r.WithContext(context.WithoutCancel(context.Background())))
}

func TestWriteOverASilentTransport(t *testing.T) {
	s := baotest.Start(t)
	hc := &http.Client{Transport: transport{http.DefaultTransport}}
	store, err := openbao.Open(openbao.Config{Address: s.URL, Mount: "secret", Token: secret.New(baotest.RootToken), HTTP: hc})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = store.Read(t.Context(), "x")
	s.Break(onWrites(baotest.Fault{DropAfter: true}))
	_, err = store.Write(t.Context(), "x", openbao.Data{}, 0)
	wantError(t, err, openbao.ErrUnknown)
}

func TestCancel(t *testing.T) {
	for name, want := range map[string]error{"read": context.Canceled, "write": openbao.ErrUnknown} {
		t.Run(name, func(t *testing.T) {
			s := baotest.Start(t)
			store := open(t, double{s}, baotest.RootToken, "secret")
			write(t, store, "x", openbao.Data{}, 0)
			ctx, cancel := context.WithCancel(t.Context())
			s.Break(func(r *http.Request) baotest.Fault {
				cancel() // it has arrived
				return baotest.Fault{Wait: r.Context().Done()}
			})
			var err error
			if name == "read" {
				_, err = store.Read(ctx, "x")
			} else {
				_, err = store.Write(ctx, "x", openbao.Data{}, 1)
			}
			wantError(t, err, want)
			wantError(t, err, context.Canceled)
		})
	}
}

func TestRedirect(t *testing.T) {
	elsewhere := baotest.Start(t)
	tests := map[string]struct {
		location, target, says string
		status                 int
	}{
		"standby":               {elsewhere.URL + "/v1/secret/data/x?token=hunter2", elsewhere.URL, elsewhere.URL, 307},
		"a login":               {"/ui/login?next=hunter2", "", "its own pages", 302},
		"with a password":       {strings.Replace(elsewhere.URL, "://", "://u:hunter2@", 1), elsewhere.URL, elsewhere.URL, 301},
		"permanent":             {elsewhere.URL, elsewhere.URL, elsewhere.URL, 308},
		"nowhere":               {"", "", "does not say which", 307},
		"not a page of the web": {"javascript:hunter2", "javascript:", "points to", 302},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := baotest.Start(t)
			store := open(t, double{s}, baotest.RootToken, "secret")
			write(t, store, "x", openbao.Data{}, 0)
			header := http.Header{}
			if tt.location != "" {
				header.Set("Location", tt.location)
			}
			s.Break(onAll(baotest.Fault{Status: tt.status, Header: header}))
			_, readErr := store.Read(t.Context(), "x")
			_, writeErr := store.Write(t.Context(), "x", with(t, openbao.Data{}, "value", "hunter2"), 1)
			_, healthErr := store.Health(t.Context())
			for _, err := range []error{readErr, writeErr, healthErr} {
				wantError(t, err, openbao.ErrRedirect)
				var e *openbao.Error
				if !errors.As(err, &e) || strings.Contains(e.Error(), "hunter2") || !strings.Contains(e.Error(), tt.says) {
					t.Fatalf("%v", err)
				}
				if want := tt.target; want != "" && e.Target != want || e.Status != tt.status {
					t.Errorf("target %q, status %d", e.Target, e.Status)
				}
			}
		})
	}
	if got := elsewhere.Requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// TestRedirectThatCannotBeRead: for a read, net/http gives up on it by itself.
func TestRedirectThatCannotBeRead(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	write(t, store, "x", openbao.Data{}, 0)
	s.Break(onAll(baotest.Fault{Status: 307, Header: http.Header{"Location": {"http://%zz:hunter2"}}}))
	_, writeErr := store.Write(t.Context(), "x", openbao.Data{}, 1)
	wantError(t, writeErr, openbao.ErrRedirect)
	_, readErr := store.Read(t.Context(), "x")
	wantError(t, readErr, openbao.ErrUnreachable)
	if err := errors.Join(writeErr, readErr); strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestStandby(t *testing.T) {
	active, s := baotest.Start(t), baotest.Start(t)
	s.Standby(active.URL)
	store := open(t, double{s}, baotest.RootToken, "secret")
	h, err := store.Health(t.Context())
	if err != nil || !h.Standby || h.Sealed {
		t.Errorf("%+v, %v", h, err)
	}
	_, err = store.Write(t.Context(), "x", openbao.Data{}, 0)
	var e *openbao.Error
	if !errors.As(err, &e) || e.Target != active.URL {
		t.Errorf("%v", err)
	}
	if got := active.Requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

func TestHealthOfOddServers(t *testing.T) {
	s := baotest.Start(t)
	s.Uninitialize()
	store := open(t, double{s}, baotest.RootToken, "secret")
	if h, err := store.Health(t.Context()); err != nil || h.Initialized || !h.Sealed {
		t.Errorf("%+v, %v", h, err)
	}
	for _, r := range s.Requests() {
		if slices.Contains(r.Headers, "X-Vault-Token") {
			t.Errorf("%s: a token where none is needed", r.Path)
		}
	}
	s = baotest.Start(t)
	store = open(t, double{s}, "", "secret")
	s.Storage("raft")
	if h, err := store.Health(t.Context()); err != nil || h.InMemory() || h.Storage != "raft" {
		t.Errorf("%+v, %v", h, err)
	}
	s.Break(func(r *http.Request) baotest.Fault {
		if r.URL.Path == "/v1/sys/seal-status" {
			return baotest.Fault{Status: 403, Body: "no"}
		}
		return baotest.Fault{}
	})
	if h, err := store.Health(t.Context()); err != nil || h.Storage != "" || h.InMemory() || h.Version == "" {
		t.Errorf("%+v, %v", h, err)
	}
	for _, body := range []string{"<html>welcome</html>", `{}`, `{"initialized":true}`, ""} {
		s.Break(onAll(baotest.Fault{Status: 200, Body: body}))
		if h, err := store.Health(t.Context()); err == nil {
			t.Errorf("%q: %+v", body, h)
		}
	}
	s.Break(onAll(baotest.Fault{Status: 200, Body: `{"initialized":true,"sealed":false,"version":"\u001b[2J","cluster_name":"a\nb","type":"\u0007","storage_type":"in\rmem"}`}))
	h, err := store.Health(t.Context())
	if err != nil || h != (openbao.Health{Initialized: true}) {
		t.Errorf("%+v, %v", h, err)
	}
}

// TestAnswersAreNotRepeated: a server or a proxy may send back what it was sent.
func TestAnswersAreNotRepeated(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	write(t, store, "x", openbao.Data{}, 0)
	data := with(t, openbao.Data{}, "value", "hunter2")
	for _, status := range []int{200, 400, 401, 403, 404, 405, 408, 412, 413, 429, 472, 473, 500, 501, 502, 503, 504} {
		for _, body := range []string{"hunter2", `{"errors":["hunter2"]}`, `{"errors":["hunter2 check-and-set parameter did not match"]}`, `{"data":{"data":"hunter2"}}`, `{"data":{"created_time":"hunter2","data":{},"metadata":{"created_time":"hunter2","version":1}}}`} {
			s.Break(onAll(baotest.Fault{Status: status, Body: body}))
			_, err := store.Write(t.Context(), "x", data, 1)
			_, err2 := store.Read(t.Context(), "x")
			_, err3 := store.Metadata(t.Context(), "x")
			_, err4 := store.Limits(t.Context())
			_, err5 := store.Rights(t.Context(), "x")
			_, err6 := store.Mounted(t.Context())
			_, err7 := store.Health(t.Context())
			_, err8 := store.Restore(t.Context(), "x", 1, 1)
			for i, err := range []error{err, err2, err3, err4, err5, err6, err7, err8, store.DeleteNew(t.Context(), "x", 1)} {
				if err == nil {
					t.Errorf("%d %s: call %d has no error", status, body, i)
				} else if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%d %s: call %d: %v", status, body, i, err)
				}
			}
		}
	}
}

// TestGarbage: what is not HTTP at all is not repeated either.
func TestGarbage(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("220 hunter2 ESMTP\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	store, err := openbao.Open(openbao.Config{Address: "http://" + listener.Addr().String(), Mount: "secret", HTTP: &http.Client{Transport: &http.Transport{}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Read(t.Context(), "x")
	wantError(t, err, openbao.ErrUnreachable)
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%v", e)
		}
	}
}

func TestUnavailable(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	write(t, store, "x", openbao.Data{}, 0)
	for _, f := range []baotest.Fault{
		{Status: 429, Body: `{"errors":["request path \"secret/data/x\": rate limit quota exceeded"]}`},
		{Status: 400, Body: `{"errors":["Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will resume service shortly."]}`},
	} {
		s.Break(onAll(f))
		_, err := store.Read(t.Context(), "x")
		wantError(t, err, openbao.ErrUnavailable)
		_, err = store.Write(t.Context(), "x", openbao.Data{}, 1)
		wantError(t, err, openbao.ErrUnavailable) // refused before anything was done
	}
	s.Break(onAll(baotest.Fault{Status: 503, Body: `{"errors":["no active Vault instance found"]}`}))
	_, err := store.Read(t.Context(), "x")
	wantError(t, err, openbao.ErrUnavailable)
	s.Break(onAll(baotest.Fault{Status: 400, Body: `{"errors":["missing client token"]}`})) // Vault until 1.9
	_, err = store.Read(t.Context(), "x")
	wantError(t, err, openbao.ErrForbidden)
}

func TestTooLarge(t *testing.T) {
	s := baotest.Start(t)
	s.Put("secret", "x", `{"value":"`+strings.Repeat("x", 5<<20)+`"}`)
	_, err := open(t, double{s}, baotest.RootToken, "secret").Read(t.Context(), "x")
	if err == nil || !strings.Contains(err.Error(), "more than 4 MiB") {
		t.Errorf("%v", err)
	}
}

// TestOneOfManyWins: of many writers that read the same version, one writes.
func TestOneOfManyWins(t *testing.T) {
	s := baotest.Start(t)
	store := open(t, double{s}, baotest.RootToken, "secret")
	write(t, store, "x", with(t, openbao.Data{}, "value", "start"), 0)
	var won, late atomic.Int32
	done := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			switch _, err := store.Write(t.Context(), "x", openbao.Data{}, 1); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, openbao.ErrChanged):
				late.Add(1)
			}
		}()
	}
	for range 8 {
		<-done
	}
	if won.Load() != 1 || late.Load() != 7 {
		t.Errorf("%d won, %d late", won.Load(), late.Load())
	}
}

// TestMerge is what a caller does to change one property: the rest stays.
func TestMerge(t *testing.T) {
	s := baotest.Start(t)
	s.Put("secret", "x", `{"value":"old","ttl":3600,"nested":{"b":[1,true,null],"a":"<"},"empty":""}`)
	store := open(t, double{s}, baotest.RootToken, "secret")
	e := read(t, store, "x")
	if v := write(t, store, "x", with(t, e.Data, "value", "new"), e.Version); v != 2 {
		t.Errorf("version %d", v)
	}
	got, _ := s.Get("secret", "x")
	if want := `{"empty":"","nested":{"a":"\u003c","b":[1,true,null]},"ttl":3600,"value":"new"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.Restart()
	_, err := store.Read(t.Context(), "x")
	wantError(t, err, openbao.ErrNotFound)
}
