package steps

import "net/http"

// wrapped is transport behind what sees its requests; nil is nobody.
func wrapped(wrap func(http.RoundTripper) http.RoundTripper, transport http.RoundTripper) http.RoundTripper {
	if wrap == nil {
		return transport
	}
	return wrap(transport)
}
