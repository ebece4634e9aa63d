package k8s

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Subject is whom a Role is bound to.
type Subject struct {
	Kind      string // User, Group or ServiceAccount, as in RBAC
	Namespace string // of a ServiceAccount
	Name      string
}

const serviceAccountPrefix = "system:serviceaccount:"

// ParseSubject reads user:NAME, group:NAME, serviceaccount:NAMESPACE/NAME or the
// user name of a service account, system:serviceaccount:NAMESPACE:NAME.
func ParseSubject(text string) (Subject, error) {
	if strings.HasPrefix(text, serviceAccountPrefix) {
		text = "user:" + text
	}
	kind, name, _ := strings.Cut(text, ":")
	if name = strings.TrimSpace(name); name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unprintable) {
		switch kind {
		case "user":
			return UserSubject(name), nil
		case "group":
			return Subject{Kind: rbacv1.GroupKind, Name: name}, nil
		case "serviceaccount":
			s := Subject{Kind: rbacv1.ServiceAccountKind}
			s.Namespace, s.Name, _ = strings.Cut(name, "/")
			if isServiceAccount(s.Namespace, s.Name) {
				return s, nil
			}
		}
	}
	return Subject{}, fmt.Errorf("subject %q: must be user:NAME, group:NAME or serviceaccount:NAMESPACE/NAME", text)
}

// UserSubject returns the subject of a user name as WhoAmI tells it; those of
// service accounts are known by their form.
func UserSubject(user string) Subject {
	if account, ok := strings.CutPrefix(user, serviceAccountPrefix); ok {
		if namespace, name, ok := strings.Cut(account, ":"); ok && isServiceAccount(namespace, name) {
			return Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}
		}
	}
	return Subject{Kind: rbacv1.UserKind, Name: user}
}

func isServiceAccount(namespace, name string) bool {
	return len(validation.IsDNS1123Label(namespace)) == 0 && len(validation.IsDNS1123Subdomain(name)) == 0
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// String returns the subject as ParseSubject reads it.
func (s Subject) String() string {
	if s.Kind == rbacv1.ServiceAccountKind {
		return "serviceaccount:" + s.Namespace + "/" + s.Name
	}
	return strings.ToLower(s.Kind) + ":" + s.Name
}
