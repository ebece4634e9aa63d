package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/file"
	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
	"github.com/rogpeppe/go-internal/diff"
)

// FileChange is one file before and after.
type FileChange struct {
	Path    string
	Place   string // where in the file the values are, when it is no plain values file
	File    file.Snapshot
	After   []byte
	Mode    fs.FileMode // of a new file
	Action  string      // created, edited, unchanged
	Keys    []string    // Helm paths that change
	Private bool        // holds secrets: never shown, no diff
	Diff    string      // unified; empty when Private or unchanged
}

func (p *Plan) files() error {
	edited := p.in.edited()
	before, opts := edited.Values, values.Options{}
	if !edited.File.Exists {
		var err error
		if before, opts, err = p.fresh(); err != nil {
			return err
		}
	}
	result, err := before.Apply(p.edits, opts)
	if err == nil {
		p.after, err = before.After(p.edits)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", edited.Path, err)
	}
	place := edited.Values.Place()
	if place.Kind == values.PlaceApplication || place.Kind == values.PlaceApplicationSet || place.Kind == values.PlaceHelmChart {
		for _, w := range result.Warnings {
			if strings.HasSuffix(w.Text, "and this wins") {
				p.Problems = append(p.Problems, answers.Problem{Key: "target.values", Message: fmt.Sprintf("would not take effect: %s:%d: %s", edited.Path, w.Line, w.Text)})
			}
		}
	}
	for _, w := range append(edited.Values.Warnings(), result.Warnings...) {
		p.Warn("target", "%s:%d:%d: %s", edited.Path, w.Line, w.Column, w.Text)
	}
	p.layers(edited)
	p.foreign(edited)
	change := FileChange{Path: edited.Path, Place: placeOf(place), File: edited.File, After: result.Bytes, Mode: 0o644}
	for _, c := range result.Changed {
		change.Keys = append(change.Keys, c.Path)
	}
	switch {
	case !edited.File.Exists:
		change.Action = "created"
		change.After = spaced(result.Bytes)
		made, err := values.Open(change.After, values.Place{})
		if err != nil {
			return fmt.Errorf("%s: %w", edited.Path, err)
		}
		p.after = made.Tree()
	case len(result.Changed) > 0:
		change.Action = "edited"
	default:
		change.Action = "unchanged"
		change.After = edited.File.Bytes
	}
	if change.Action != "unchanged" {
		change.Diff = unified(edited, change.After)
	}
	p.Files = append(p.Files, change)
	if p.Secret.Action == "manifest" {
		p.manifest()
	}
	return nil
}

func placeOf(p values.Place) string {
	if p.Kind == "" || p.Kind == values.PlacePlain {
		return ""
	}
	return p.String()
}

// foreign warns of a file that says nothing about this chart: it may be another
// one's.
func (p *Plan) foreign(f ValuesFile) {
	tree := f.Values.Tree()
	if !f.File.Exists || len(tree) == 0 {
		return
	}
	for _, k := range templates.HelmKeys() {
		root, _, _ := strings.Cut(k.Path, ".")
		if _, there := tree[root]; there {
			return
		}
	}
	p.Warn("target", "%s: none of its values is one of this chart: make sure that it is the right file", f.Path)
}

// layers tells which other layers decide beside the place that is edited.
func (p *Plan) layers(f ValuesFile) {
	place := f.Values.Place()
	for _, text := range place.Shadows {
		p.Warn("target", "%s: %s", f.Path, text)
	}
	if f.File.Exists && !place.Exists {
		for _, text := range place.Below {
			p.Warn("target", "%s: %s", f.Path, text)
		}
	}
}

// spaced puts a blank line before every top-level block of a new file.
func spaced(src []byte) []byte {
	var out bytes.Buffer
	inside := false
	for line := range bytes.Lines(src) {
		if inside && line[0] != ' ' && line[0] != '\n' {
			out.WriteByte('\n')
		}
		inside = line[0] == ' '
		out.Write(line)
	}
	return out.Bytes()
}

// unified returns the change as diff -u shows it.
func unified(f ValuesFile, after []byte) string {
	name := f.Path
	if !f.File.Exists {
		name = "/dev/null"
	}
	text := string(diff.Diff(name, f.File.Bytes, f.Path, after))
	_, text, _ = strings.Cut(text, "\n") // "diff a b"
	return text
}

// fresh returns what a new values file starts from: the header, and the values
// that the operator gave the release before, since an upgrade with this file
// would drop them otherwise. What is written comes in the order of the template's
// groups.
func (p *Plan) fresh() (*values.File, values.Options, error) {
	opts := values.Options{Comments: map[string]string{}}
	order := map[string]int{}
	for i, g := range templates.Groups() {
		order[g.Path] = i
		if g.Comment != "" {
			opts.Comments[g.Path] = g.Comment
		}
	}
	inOrder := func(a, b values.Edit) int {
		return cmp.Compare(groupOf(order, a.Path.String()), groupOf(order, b.Path.String()))
	}
	slices.SortStableFunc(p.edits, inOrder)
	header := []byte(templates.ValuesHeader(p.in.Chart.Version, p.in.Draft.Secret.Name) + "\n")
	release := p.releaseEdits()
	slices.SortStableFunc(release, inOrder)
	result, err := values.Apply(header, release, opts)
	if err != nil {
		return nil, opts, fmt.Errorf("values of release %s: %w", p.in.Draft.Target.Release, err)
	}
	start, err := values.Open(result.Bytes, values.Place{})
	return start, opts, err
}

// releaseEdits are the values that the installed release was given.
func (p *Plan) releaseEdits() []values.Edit {
	var edits []values.Edit
	leaves(p.in.Current.Cluster.Release.Config, nil, func(path []string, value any) {
		for i, key := range path {
			path[i] = strings.ReplaceAll(key, ".", `\.`)
		}
		at, err := values.ParsePath(strings.Join(path, "."))
		if err == nil {
			edits = append(edits, values.Edit{Path: at, Value: value})
		}
	})
	return edits
}

func groupOf(order map[string]int, path string) int {
	for at := path; at != ""; {
		if i, ok := order[at]; ok {
			return i
		}
		cut := strings.LastIndexByte(at, '.')
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	return len(order)
}

// manifest writes the Secret for kubectl. Keys that are kept in the cluster are
// left out; what an earlier manifest of ours holds stays in it.
func (p *Plan) manifest() {
	d := &p.in.Draft
	m := templates.Manifest{Name: p.Secret.Name, Namespace: p.Secret.Namespace, File: d.Secret.Manifest}
	for _, k := range p.Secret.Keys {
		_, inManifest := p.in.Current.Manifest.Keys[k.Name]
		if k.changes || (k.Action == "kept" && inManifest) {
			m.Keys = append(m.Keys, templates.ManifestKey{Name: k.Name, Comment: k.Meaning, Value: []byte(k.Value.Reveal())})
		}
	}
	snapshot := p.in.Current.Manifest.File
	change := FileChange{Path: d.Secret.Manifest, File: snapshot, After: templates.SecretManifest(m), Mode: 0o600, Private: true, Action: "created"}
	for _, k := range m.Keys {
		change.Keys = append(change.Keys, k.Name)
	}
	switch {
	case snapshot.Exists && string(snapshot.Bytes) == string(change.After):
		change.Action = "unchanged"
	case snapshot.Exists && !p.in.Current.Manifest.Ours:
		p.Problems = append(p.Problems, answers.Problem{Key: "secret.manifest",
			Message: fmt.Sprintf("must not be %s: there is a file that this program did not write; choose another with --secret-out", d.Secret.Manifest)})
	case snapshot.Exists:
		change.Action = "edited"
	}
	p.Files = append(p.Files, change)
}

// takesEffect makes sure that every asked value is in force as Helm will read the
// files, also under those that come after the edited one.
func (p *Plan) takesEffect() {
	if len(p.Values)+len(p.demands) == 0 {
		return
	}
	p.effective = p.in.merge(p.in.trees(p.after))
	told := map[string]bool{}
	for _, change := range append(slices.Clone(p.Values), p.demands...) {
		got, _ := values.Lookup(p.effective, values.MustPath(change.Path))
		if !told[change.Path] && !same(got, change.Value) {
			told[change.Path] = true
			p.Problems = append(p.Problems, answers.Problem{Key: change.Key,
				Message: fmt.Sprintf("would not take effect: %s sets %s after %s", p.shadow(change.Path), change.Path, p.Files[0].Path)})
		}
	}
}

// shadow names the later file that sets path.
func (p *Plan) shadow(path string) string {
	at := values.MustPath(path)
	for _, f := range slices.Backward(p.in.Current.Files[p.in.Current.Edit+1:]) {
		if _, ok := values.Lookup(f.Values.Tree(), at); ok {
			return f.Path
		}
	}
	return "another values file"
}

// Effective returns the values that Helm would render with after this plan.
func (p *Plan) Effective() map[string]any {
	if p.effective == nil {
		return p.in.Effective()
	}
	return p.effective
}
