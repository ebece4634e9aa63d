package k8s

import "net/http"

// once has writes sent once. client-go sends a request again when the answer is a
// 5xx with Retry-After, as proxies give it: the first one may have been carried
// out, and the answer to the second says nothing about it. A 429 is the API
// server's own, which has not looked at the request yet.
type once struct{ next http.RoundTripper }

// RoundTrip sends r and takes the invitation to send it again off the answer.
func (o once) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := o.next.RoundTrip(r)
	if err == nil && r.Method != http.MethodGet && answer.StatusCode >= http.StatusInternalServerError {
		answer.Header.Del("Retry-After")
	}
	return answer, err
}
