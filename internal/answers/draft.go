package answers

import (
	"fmt"
	"maps"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/secret"
)

// Rank orders sources: a higher one wins. The order is the precedence of the
// command line, and a person at the keyboard is above all.
type Rank int

// The ranks, lowest first.
const (
	None            Rank = iota
	FromChart            // the chart's own default
	FromPreset           // what the chosen preset settles
	FromDerived          // computed from another answer
	FromProvider         // what the identity provider says about itself
	FromCluster          // what is there
	FromValues           // an existing values file
	FromChange           // computed from an answer that changes what the values file says
	FromNewProvider      // what a provider says that an answer puts in the place of another
	FromAnswers          // the answers file
	FromSet              // --set
	FromFlag             // a flag
	FromPerson           // typed or chosen in this run
)

var rankWords = map[Rank]string{
	FromChart: "chart default", FromPreset: "preset", FromDerived: "derived", FromCluster: "cluster",
	FromValues: "values file", FromChange: "derived", FromAnswers: "answers file", FromSet: "--set",
	FromFlag: "flag", FromPerson: "answered", FromProvider: "identity provider", FromNewProvider: "identity provider",
}

// Source says where a value came from.
type Source struct {
	Rank   Rank
	Detail string // "from portal.baseUrl", "Secret backstage-secrets"; may be empty
}

// String returns the source as the review shows it: "derived from portal.baseUrl".
func (s Source) String() string {
	word := rankWords[s.Rank]
	if s.Detail == "" {
		return word
	}
	switch s.Rank {
	case FromCluster, FromProvider, FromNewProvider:
		return s.Detail
	case FromFlag:
		if !strings.HasPrefix(s.Detail, "-") { // an argument
			return s.Detail
		}
	case FromDerived, FromChange:
		if !strings.HasPrefix(s.Detail, "from ") {
			return s.Detail
		}
	}
	return word + " " + s.Detail
}

// Given tells whether a person said it in this run or in an answers file, as
// opposed to what was found or filled in.
func (s Source) Given() bool { return s.Rank.Given() }

// Given tells whether a person is behind the rank.
func (r Rank) Given() bool { return r >= FromAnswers }

// Proposal is how all that is not a person fills a Draft. It never names a
// secret key and never overrides a higher rank.
type Proposal struct {
	Key    Key
	Value  any
	Source Source
}

// Draft is Answers plus where every value came from. Only Set, Propose and
// Unset change it. A key without a Source is empty, whatever its Go value.
type Draft struct {
	Answers
	From map[Key]Source
}

// Set stores value under key. The error completes "The value …" and never
// repeats a secret; an unknown key is an error too.
func (d *Draft) Set(key Key, value any, source Source) error {
	if err := d.set(key, value); err != nil {
		return err
	}
	if d.From == nil {
		d.From = make(map[Key]Source)
	}
	d.From[key] = source
	return nil
}

// Propose stores p unless something of the same or a higher rank is there, and
// tells whether it did. A value of the wrong type and a secret key are a
// programming error: it panics.
func (d *Draft) Propose(p Proposal) bool {
	if kind, ok := KindOf(p.Key); !ok || kind == Hidden {
		panic(fmt.Sprintf("answers: proposal for %q", p.Key))
	}
	if d.From[p.Key].Rank >= p.Source.Rank {
		return false
	}
	if err := d.Set(p.Key, p.Value, p.Source); err != nil {
		panic(fmt.Sprintf("answers: proposal for %q: %v", p.Key, err))
	}
	return true
}

// Unset empties key.
func (d *Draft) Unset(key Key) {
	kind, ok := KindOf(key)
	if !ok {
		return
	}
	zero := map[Kind]any{String: "", Bool: false, Int: 0, List: []string(nil), Hidden: secret.Value{}, Env: []EnvVar(nil)}
	if err := d.set(key, zero[kind]); err != nil {
		panic(err)
	}
	delete(d.From, key)
}

// Has tells whether key has a value from anywhere.
func (d *Draft) Has(key Key) bool { return d.From[key].Rank != None }

// Given tells whether a person said key, in this run or in an answers file.
func (d *Draft) Given(key Key) bool { return d.From[key].Given() }

// Clone returns a copy that can be changed on its own.
func (d *Draft) Clone() Draft {
	c := *d
	c.From = maps.Clone(d.From)
	return c
}

// ProposeAll proposes each of list in turn.
func (d *Draft) ProposeAll(list []Proposal) {
	for _, p := range list {
		d.Propose(p)
	}
}
