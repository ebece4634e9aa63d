package openbao

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkPath refuses what the server would refuse or read as another path:
// relative and empty segments, slashes around it, and characters that cannot be
// printed, for which it answers 400 without a reason. what names the value.
func checkPath(what, path string) error {
	if path == "" {
		return fmt.Errorf("%s: must not be empty", what)
	}
	if !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%s: must be printable text", what)
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "":
			return fmt.Errorf("%s: %q must have no slash at its ends and no two in a row", what, path)
		case ".", "..":
			return fmt.Errorf("%s: %q must not hold %q between slashes", what, path, segment)
		}
	}
	return nil
}

// url returns where the path of the API is, which counts from below /v1/ and is
// not escaped yet. Slashes stay, what has a meaning in an address is escaped when
// the URL is written.
func (s *Store) url(api string, query url.Values) *url.URL {
	u := s.address
	u.Path += "/v1/" + api
	u.RawQuery = query.Encode()
	return &u
}
