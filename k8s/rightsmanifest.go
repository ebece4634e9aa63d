package k8s

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// RBACName is the name of the Roles, ClusterRoles and their bindings.
const RBACName = FieldManager

// RBACOptions say what RBAC writes.
type RBACOptions struct {
	ClusterRole bool // also what is not in a namespace; otherwise it is only named in a comment
}

// RBAC returns a YAML manifest that gives the subject these rights and no more:
// a Role and a RoleBinding for each namespace, the given one first, and by
// option a ClusterRole with its binding. Each rule has a comment that says what
// it is for. Equal rights give equal bytes, in whatever order they come.
func RBAC(rights []Access, subject Subject, namespace string, o RBACOptions) ([]byte, error) {
	if len(rights) == 0 {
		return nil, errors.New("no right is wanted")
	}
	if subject.Kind == "" || subject.Name == "" {
		return nil, errors.New("nobody is named whom the rights are for")
	}
	byNamespace := map[string][]Access{}
	for _, right := range rights {
		byNamespace[right.Namespace] = append(byNamespace[right.Namespace], right)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# What backstage-setup needs, for %s. Apply it with: kubectl apply -f FILE\n", oneLine(subject.String()))
	clusterWide := byNamespace[""]
	delete(byNamespace, "")
	if len(clusterWide) > 0 && !o.ClusterRole {
		out.WriteString("# Not in here, because it takes a ClusterRole:\n")
		for _, right := range MergeRights(clusterWide) {
			fmt.Fprintf(&out, "# - %s: without it %s\n", right, oneLine(right.Prevents))
		}
	}
	others := slices.SortedFunc(maps.Keys(byNamespace), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a, namespace), rank(b, namespace)), cmp.Compare(a, b))
	})
	for _, ns := range others {
		writeRole(&out, "Role", ns, byNamespace[ns])
		writeBinding(&out, "Role", ns, subject)
	}
	if len(clusterWide) > 0 && o.ClusterRole {
		writeRole(&out, "ClusterRole", "", clusterWide)
		writeBinding(&out, "ClusterRole", "", subject)
	}
	return out.Bytes(), nil
}

func rank(namespace, first string) int {
	if namespace == first {
		return 0
	}
	return 1
}

// rule is a rule of a Role, and what it is for.
type rule struct {
	rbacv1.PolicyRule
	why []string
}

// verbs is the order of verbs in a rule.
var verbs = [...]string{"get", "list", "watch", "create", "update", "patch", "delete"}

// rules merges rights in the same objects. What is allowed on any object is not
// repeated for one.
func rules(rights []Access) []rule {
	byObject := map[Access]*rule{}
	onAll := map[Access]bool{}
	for _, right := range rights {
		if q := right.question(); q.Name == "" {
			onAll[q] = true
		}
	}
	for _, right := range rights {
		q := right.question()
		object := Access{Group: q.Group, Resource: q.Resource, Name: q.Name}
		q.Name = ""
		if onAll[q] {
			object.Name = ""
		}
		r := byObject[object]
		if r == nil {
			r = &rule{PolicyRule: rbacv1.PolicyRule{APIGroups: []string{object.Group}, Resources: []string{object.Resource}}}
			if object.Name != "" {
				r.ResourceNames = []string{object.Name}
			}
			byObject[object] = r
		}
		if !slices.Contains(r.Verbs, right.Verb) {
			r.Verbs = append(r.Verbs, right.Verb)
		}
		if !slices.Contains(r.why, right.Why) {
			r.why = append(r.why, right.Why)
		}
	}
	objects := slices.SortedFunc(maps.Keys(byObject), func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Name, b.Name))
	})
	out := make([]rule, 0, len(objects))
	for _, object := range objects {
		r := *byObject[object]
		slices.SortFunc(r.Verbs, func(a, b string) int {
			return cmp.Or(cmp.Compare(slices.Index(verbs[:], a), slices.Index(verbs[:], b)), cmp.Compare(a, b))
		})
		slices.Sort(r.why)
		out = append(out, r)
	}
	return out
}

// writeRole writes a Role or ClusterRole. Lists and names are written as JSON,
// which YAML reads, whatever is in them.
func writeRole(out *bytes.Buffer, kind, namespace string, rights []Access) {
	writeHead(out, kind, namespace)
	out.WriteString("rules:\n")
	for _, r := range rules(rights) {
		for _, why := range r.why {
			fmt.Fprintf(out, "# %s.\n", sentence(why))
		}
		fmt.Fprintf(out, "- apiGroups: %s\n  resources: %s\n", inJSON(r.APIGroups), inJSON(r.Resources))
		if len(r.ResourceNames) > 0 {
			fmt.Fprintf(out, "  resourceNames: %s\n", inJSON(r.ResourceNames))
		}
		fmt.Fprintf(out, "  verbs: %s\n", inJSON(r.Verbs))
	}
}

func writeBinding(out *bytes.Buffer, role, namespace string, s Subject) {
	writeHead(out, role+"Binding", namespace)
	fmt.Fprintf(out, "roleRef:\n  apiGroup: %s\n  kind: %s\n  name: %s\n", rbacv1.GroupName, role, RBACName)
	fmt.Fprintf(out, "subjects:\n- kind: %s\n  name: %s\n", s.Kind, inJSON(s.Name))
	if s.Kind == rbacv1.ServiceAccountKind {
		fmt.Fprintf(out, "  namespace: %s\n", inJSON(s.Namespace))
	} else {
		fmt.Fprintf(out, "  apiGroup: %s\n", rbacv1.GroupName)
	}
}

func writeHead(out *bytes.Buffer, kind, namespace string) {
	fmt.Fprintf(out, "---\napiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n", rbacv1.SchemeGroupVersion, kind, RBACName)
	if namespace != "" {
		fmt.Fprintf(out, "  namespace: %s\n", inJSON(namespace))
	}
}

// inJSON writes a string or a list of strings.
func inJSON[T string | []string](value T) string {
	text, _ := json.Marshal(value) // fails for no string
	return strings.ReplaceAll(string(text), `","`, `", "`)
}

// sentence returns a reason with a capital letter.
func sentence(why string) string {
	why = oneLine(why)
	return strings.ToUpper(why[:min(1, len(why))]) + why[min(1, len(why)):]
}

// oneLine keeps a text from ending the comment that it is in.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
