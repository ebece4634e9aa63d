package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openchoreo/backstage-setup/internal/values"
	"github.com/openchoreo/backstage-setup/templates"
)

// ownList is a list of bindings in an operator's file: an entry of their own
// first, then one of the chart's, with comments and another style.
const ownList = `openchoreoApi:
  config:
    security:
      authorization:
        bootstrap:
          mappings:
            - {name: auditors, kind: ClusterAuthzRoleBinding, roleMappings: [{roleRef: {name: auditor, kind: ClusterAuthzRole}}], entitlement: {claim: groups, value: audit}, effect: allow} # ours
            - name: admin-binding
              kind: ClusterAuthzRoleBinding
              roleMappings:
                - roleRef: {name: admin, kind: ClusterAuthzRole}
              entitlement:
                claim: groups
                value: "our-admins" # by hand
              effect: allow
`

// defaultsOf lists a profile's bindings, changed by name.
func defaultsOf(p templates.Profile, changed map[string]string) []string {
	var out []string
	for _, b := range p.Bindings {
		if text, ok := changed[b.Name]; ok {
			out = append(out, b.Name+" "+text)
			continue
		}
		out = append(out, fmt.Sprintf("%s %s=%s", b.Name, b.Entitlement.Claim, b.Entitlement.Value))
	}
	return out
}

// TestBindingsOfEveryChart: whatever is asked, the whole default list stays in
// force, in the chart's order, and a second run changes nothing.
func TestBindingsOfEveryChart(t *testing.T) {
	for _, profile := range templates.Profiles() {
		version := profile.Versions[0]
		for name, tt := range map[string]struct {
			said  given
			want  map[string]string
			extra []string // after the list
		}{
			"nothing": {},
			"subject": {said: given{"authorization.subject": "8f0b"}, want: map[string]string{"backstage-catalog-reader-binding": "sub=8f0b"}},
			"groups": {
				said:  given{"authorization.groups.admins": []string{"root", "ops", "break glass"}, "authorization.groups.sres": []string{"on-call"}},
				want:  map[string]string{"admin-binding": "groups=root", "sre-binding": "groups=on-call"},
				extra: []string{"admin-binding-2 groups=ops", "admin-binding-3 groups=break glass"},
			},
			"no groups": {said: given{"authorization.groups.admins": []string{}}},
			"claims": {
				said: given{"authorization.groups.claim": "roles", "authorization.subjectClaim": "azp", "authorization.groups.developers": []string{"devs", "guests"}},
				want: func() map[string]string {
					all := map[string]string{}
					for _, b := range profile.Bindings {
						claim := map[string]string{"groups": "roles", "sub": "azp"}[b.Entitlement.Claim]
						all[b.Name] = claim + "=" + b.Entitlement.Value
					}
					all["developer-binding"] = "roles=devs"
					return all
				}(),
				extra: []string{"developer-binding-2 roles=guests"},
			},
			"clients": {
				said: given{"authorization.clients.mcpTryout": "nobody", "authorization.clients.observer": "watcher"},
				want: map[string]string{"mcp-tryout-client-binding": "sub=nobody", "observer-resource-reader-binding": "sub=watcher"},
			},
		} {
			t.Run(version+"/"+name, func(t *testing.T) {
				p := scene{version: version, said: tt.said}.plan(t)
				if diff := cmp.Diff(append(defaultsOf(profile, tt.want), tt.extra...), inForce(t, p)); diff != "" {
					t.Error(diff)
				}
				written := strings.Contains(string(p.Files[0].After), "mappings:")
				if written != (len(tt.want)+len(tt.extra) > 0) {
					t.Errorf("the list is written: %t", written)
				}
				for _, b := range p.Bindings {
					text, changed := tt.want[b.Name]
					switch now := b.Claim + "=" + b.Value; {
					case changed && (b.Action != "set" || b.Was == "" || now != text):
						t.Errorf("told %+v, want %s", b, text)
					case !changed && b.Action != "kept" && !slices.Contains(tt.extra, b.Name+" "+now):
						t.Errorf("told %+v", b)
					}
				}
				if len(p.Bindings) != len(profile.Bindings)+len(tt.extra) || len(p.Problems) > 0 {
					t.Errorf("%d bindings told, problems %v", len(p.Bindings), p.Problems)
				}
				again := scene{version: version, said: tt.said, files: []string{string(p.Files[0].After)}, found: inCluster(map[string]string{"client-secret": "c", "backend-secret": "b"})}.plan(t)
				if again.Files[0].Action != "unchanged" {
					t.Errorf("the second run changes the file:\n%s", again.Files[0].Diff)
				}
			})
		}
	}
}

func TestBindingsWithoutAuthorization(t *testing.T) {
	p := scene{said: given{"security.authorization": false, "authorization.subject": "8f0b", "authorization.groups.admins": []string{"a", "b"}}, files: []string{ownList}}.plan(t)
	if len(p.Bindings) > 0 {
		t.Errorf("bindings told: %v", p.Bindings)
	}
	if !strings.HasPrefix(string(p.Files[0].After), ownList) {
		t.Errorf("the list changed:\n%s", p.Files[0].After)
	}
}

// TestOperatorsListIsEdited: in place, with their own entry, style and comments.
func TestOperatorsListIsEdited(t *testing.T) {
	p := scene{files: []string{ownList}, said: given{"authorization.groups.admins": []string{"root", "ops"}, "authorization.groups.claim": "roles"}}.plan(t)
	after := string(p.Files[0].After)
	for _, line := range []string{
		"effect: allow} # ours\n", `                value: "root" # by hand` + "\n", "                claim: roles\n", "- roleRef: {name: admin, kind: ClusterAuthzRole}\n",
	} {
		if !strings.Contains(after, line) {
			t.Errorf("no line %q", line)
		}
	}
	got := inForce(t, p)
	if got[0] != "auditors groups=audit" || got[1] != "admin-binding roles=root" || !slices.Contains(got, "admin-binding-2 roles=ops") {
		t.Errorf("in force: %q", got)
	}
	if len(got) != 2+len(p.in.Profile.Bindings) { // auditors, admin-binding-2
		t.Errorf("in force: %q", got)
	}
	if !warned(p, "authorization", "cuts the chart's list of bindings short", "developer-binding", "sre-binding") || warned(p, "authorization", "short: admin-binding") {
		t.Errorf("warnings: %v", p.Warnings)
	}
	actions := map[string]string{}
	for _, b := range p.Bindings {
		actions[b.Name] = b.Action + " " + b.Was + " " + b.Role
	}
	for name, want := range map[string]string{
		"auditors": "kept  auditor", "admin-binding": "set our-admins admin", "admin-binding-2": "added  admin", "developer-binding": "added  developer",
	} {
		if actions[name] != want {
			t.Errorf("%s: %q, want %q", name, actions[name], want)
		}
	}
	if t.Failed() {
		t.Log(after)
	}
}

// TestFewerGroups: an entry of an earlier run cannot be told from the operator's
// own, so it stays; that it still gives a role is said.
func TestFewerGroups(t *testing.T) {
	first := scene{said: given{"authorization.groups.admins": []string{"root", "ops"}}}.plan(t)
	file := string(first.Files[0].After)
	kept := inCluster(map[string]string{"client-secret": "c", "backend-secret": "b"})
	p := scene{files: []string{file}, found: kept, said: given{"authorization.groups.admins": []string{"root"}}}.plan(t)
	if !slices.Contains(inForce(t, p), "admin-binding-2 groups=ops") {
		t.Errorf("in force: %q", inForce(t, p))
	}
	if !warned(p, "authorization", "admin-binding-2", "ops", "admin") {
		t.Errorf("warnings: %v", p.Warnings)
	}
	if p := (scene{files: []string{file}, found: kept}).plan(t); warned(p, "authorization", "admin-binding-2") || p.Files[0].Action != "unchanged" {
		t.Errorf("nothing was said about admins, but: %v\n%s", p.Warnings, p.Files[0].Diff)
	}
}

// TestListOfALowerFile: Helm replaces lists as a whole, so a change in the file
// above takes the whole list of the file below along.
func TestListOfALowerFile(t *testing.T) {
	s := scene{files: []string{ownList, "backstage: {replicas: 2}\n"}}
	if p := s.plan(t); !strings.Contains(fmt.Sprint(inForce(t, p)), "auditors") || !strings.Contains(string(p.Files[0].After), `name: "sre-binding"`) {
		t.Errorf("what the lower file cuts off is not back:\n%s", p.Files[0].After)
	}
	s.said = given{"authorization.subject": "8f0b"}
	p := s.plan(t)
	got := inForce(t, p)
	for _, want := range []string{"auditors groups=audit", "admin-binding groups=our-admins", "backstage-catalog-reader-binding sub=8f0b", "sre-binding groups=sres"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not in force: %q", want, got)
		}
	}
	if p.Files[0].Path != "two.yaml" || len(p.Problems) > 0 {
		t.Errorf("edited %s, problems %v", p.Files[0].Path, p.Problems)
	}
}

// TestListOfAHigherFile: the edited file's list would not be in force.
func TestListOfAHigherFile(t *testing.T) {
	p := scene{files: []string{"", ownList}, edit: 1, said: given{"authorization.subject": "8f0b"}}.plan(t)
	if len(p.Problems) != 1 || p.Problems[0].Key != "authorization.subject" || !strings.Contains(p.Problems[0].Message, "would not take effect") {
		t.Errorf("problems %v", p.Problems)
	}
}

func TestShortLists(t *testing.T) {
	path := "openchoreoApi: {config: {security: {authorization: {bootstrap: {mappings: %s}}}}}\n"
	for list, want := range map[string]int{"[]": 10, "null": 10, "[{name: x}]": 11} {
		p := scene{files: []string{fmt.Sprintf(path, list)}, said: given{"authorization.subject": "8f0b"}}.plan(t)
		var names []string
		raw, _ := values.Lookup(p.Effective(), values.MustPath(p.in.Profile.MappingsPath))
		items, _ := raw.([]any)
		for _, item := range items {
			if b, ok := item.(map[string]any); ok {
				names = append(names, b["name"].(string))
			}
		}
		if len(names) != want || len(p.Problems) > 0 {
			t.Errorf("%s: %q, problems %v\n%s", list, names, p.Problems, p.Files[0].After)
		}
	}
}

// shortList holds the portal's own entry and the admins', in the file's style.
const shortList = `openchoreoApi:
  config:
    security:
      authorization:
        bootstrap:
          mappings:
            - {name: admin-binding, kind: ClusterAuthzRoleBinding, roleMappings: [{roleRef: {name: admin, kind: ClusterAuthzRole}}], entitlement: {claim: groups, value: admins}, effect: allow}
            - {name: backstage-catalog-reader-binding, kind: ClusterAuthzRoleBinding, system: true, roleMappings: [{roleRef: {name: backstage-catalog-reader, kind: ClusterAuthzRole}}], entitlement: {claim: sub, value: portal}, effect: allow}
`

// TestShortListOfTheOperator: it is left alone as long as no answer needs more.
func TestShortListOfTheOperator(t *testing.T) {
	for name, tt := range map[string]struct {
		said given
		want []string // in force; nil is as before
	}{
		"nothing asked":             {nil, nil},
		"what is there asked again": {given{"authorization.groups.admins": []string{"admins"}, "authorization.subject": "portal"}, nil},
		"an entry that is missing":  {given{"authorization.groups.developers": []string{"devs"}}, []string{"developer-binding groups=devs", "sre-binding groups=sres"}},
		"a group more":              {given{"authorization.groups.admins": []string{"admins", "ops"}}, []string{"admin-binding-2 groups=ops", "sre-binding groups=sres"}},
		"an entry that is there":    {given{"authorization.subject": "8f0b"}, []string{"backstage-catalog-reader-binding sub=8f0b", "sre-binding groups=sres"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := scene{files: []string{shortList}, said: tt.said}.plan(t)
			got := inForce(t, p)
			if tt.want == nil && !slices.Equal(got, []string{"admin-binding groups=admins", "backstage-catalog-reader-binding sub=portal"}) {
				t.Errorf("in force: %q", got)
			}
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("%s is not in force: %q", want, got)
				}
			}
			if !warned(p, "authorization", "cuts the chart's list of bindings short", "sre-binding") {
				t.Errorf("warnings %v", p.Warnings)
			}
		})
	}
}
