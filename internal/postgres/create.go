package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"
)

// createTimeout is more than the five seconds that a server waits for others to
// leave a database before it refuses.
const createTimeout = 9 * time.Second

// CreateProbe makes a database as Backstage would, connects to it, and drops it
// again: the only function that writes. Once the CREATE DATABASE is sent it goes
// on to the end, whatever becomes of ctx, within 40 seconds at worst: a database
// that was left behind would be worse.
func (c *Client) CreateProbe(ctx context.Context, t Target) []Verdict {
	t, _ = t.trimmed()
	t.Layout = PerPlugin
	j := newJudgement(t)
	if !t.check(j, c.own) {
		return j.verdicts
	}
	s, f := c.open(ctx, t, maintenance)
	defer s.close()
	if f == nil {
		_, f = s.query(ctx, `set statement_timeout = '8s'`)
	}
	if f != nil {
		j.fault(f)
		return j.verdicts
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	name := databaseOf("probe_" + hex.EncodeToString(random))
	ctx, s.patience = context.WithoutCancel(ctx), createTimeout
	if _, f := s.query(ctx, "create database "+quoteName(name)); f != nil {
		if f.id == "server.denied" { // in another language
			f.id = "role.createdb"
		}
		j.fault(f)
		if f.found != "" { // not the server's own word
			j.about("create.left", name, "whether the database %s was made is not known", name)
		}
		return j.verdicts
	}
	if f := c.inside(ctx, j, Database{Name: name, Owner: t.User}); f != nil {
		j.about(f.id, name, "%s was made: %s", name, j.line(f))
	}
	// A pooler may still have a session in it; servers before 13 know no force.
	if _, f = s.query(ctx, "drop database "+quoteName(name)+" with (force)"); f != nil {
		_, f = s.query(ctx, "drop database "+quoteName(name))
	}
	if f != nil {
		j.about("create.left", name, "the database %s could not be dropped: %s", name, j.line(f))
	}
	if len(j.verdicts) == 0 {
		j.add("create.ok", "%s has made the database %s and dropped it", t.User, name)
	}
	return j.verdicts
}
