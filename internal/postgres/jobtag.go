package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxJobAge is how old what a Job saw may be; a clock may be off by as much.
const maxJobAge = 24 * time.Hour

// jobContext keeps a tag of a Job apart from all other sums of the same password.
const jobContext = "backstage-setup probe"

// Tag binds what a Job saw to the password that it had: the first four of the
// hexadecimal digits of the SHA-256 of a constant, host, port, user and password.
// They are few on purpose: 1 of 65,536 passwords has the same ones, so a log tells
// nothing that a password could be found with.
func (t Target) Tag() string {
	t, _ = t.trimmed()
	sum := sha256.Sum256([]byte(strings.Join([]string{jobContext, t.Host, strconv.Itoa(t.Port), t.User, t.Password.Reveal()}, "|")))
	return hex.EncodeToString(sum[:2])
}

// jobTag is Tag in a JobScript: made of the password that psql gets, by programs
// that are in the shell or get it through a pipe. Without sha256sum it is empty.
const jobTag = `tag=$(printf '` + jobContext + `|%s|%s|%s|%s' "$PGHOST" "$PGPORT" "$PGUSER" "$PGPASSWORD" | sha256sum 2>/dev/null | cut -c1-4)
say "time $(date -u +%Y-%m-%dT%H:%M:%SZ)"
say "password $tag"
`

// bound is an error when a Job's result is of another password than t's, or is too
// old to be believed.
func (a *jobAnswers) bound(t Target, now time.Time) error {
	switch {
	case a.tag == "" || a.at.IsZero():
		return errors.New("it does not tell which password it is about, or when it was made: make the Job anew")
	case a.tag != t.Tag():
		return errors.New("this is about another password: make the Job anew")
	case now.Sub(a.at) > maxJobAge:
		return fmt.Errorf("it is of %s, more than a day ago: make the Job anew", a.at.Format(time.DateTime))
	case a.at.Sub(now) > maxJobAge:
		return fmt.Errorf("it is of %s, which is yet to come: check the clock here and in the cluster, then make the Job anew", a.at.Format(time.DateTime))
	}
	return nil
}
