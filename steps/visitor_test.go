package steps

import (
	"context"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Each way in which an address gives no answer has its code, and what answers is
// told as it is.
func TestVisit(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
		_, _ = w.Write([]byte(strings.Repeat("x", 2*visitBody)))
	})
	plain, encrypted := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(encrypted.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encrypted.Certificate().Raw})
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	port := func(url string) string { return url[strings.LastIndex(url, ":"):] }

	for name, test := range map[string]struct {
		address string
		ca      []byte
		want    string
	}{
		"plain":              {plain.URL, nil, ""},
		"encrypted":          {encrypted.URL, ca, ""},
		"no such name":       {"http://no-such-name.invalid/", nil, "visit.dns"},
		"an unknown CA":      {encrypted.URL, nil, "visit.authority"},
		"another name":       {"https://localhost" + port(encrypted.URL), ca, "visit.certificate"},
		"https at a port 80": {"https" + strings.TrimPrefix(plain.URL, "http"), nil, "visit.scheme"},
		"nobody listens":     {"http://" + gone.Addr().String(), nil, "visit.refused"},
		"nobody says a word": {"http://" + mute.Addr().String(), nil, "visit.timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if test.want == "visit.timeout" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithDeadline(ctx, time.Now())
				defer cancel()
			}
			visit, err := NewVisitor(VisitorOptions{CA: test.ca}).Get(ctx, test.address)
			if test.want == "" {
				if err != nil || visit.Status != http.StatusFound || visit.Location != "/elsewhere" || len(visit.Body) != visitBody {
					t.Errorf("%d %q, %d bytes, %v", visit.Status, visit.Location, len(visit.Body), err)
				}
				return
			}
			if err == nil {
				t.Fatal("it answered")
			}
			code, why := obstacle(err)
			if code != test.want || why == "" {
				t.Errorf("%v is %s (%s), want %s", err, code, why, test.want)
			}
			if !KnownCode(code) {
				t.Errorf("explain does not know %s", code)
			}
		})
	}
	if code, _ := obstacle(errors.New("anything else")); code != "visit.refused" {
		t.Errorf("what is not known is %s", code)
	}
}
