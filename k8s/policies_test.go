package k8s

import "testing"

// Policies allow together what any of their rules allows; none allows everything.
func TestAllows(t *testing.T) {
	rule := func(ports ...PolicyPort) []Policy { return []Policy{{Name: "p", Rules: []PolicyRule{{Ports: ports}}}} }
	for name, test := range map[string]struct {
		policies []Policy
		to       PolicyPort
		want     bool
	}{
		"no policy":            {nil, PolicyPort{First: 7007}, true},
		"no rule":              {[]Policy{{Name: "p"}}, PolicyPort{First: 7007}, false},
		"every port":           {rule(), PolicyPort{First: 7007}, true},
		"its port":             {rule(PolicyPort{First: 7007, Last: 7007}), PolicyPort{First: 7007}, true},
		"another port":         {rule(PolicyPort{First: 80, Last: 80}), PolicyPort{First: 7007}, false},
		"a range":              {rule(PolicyPort{First: 7000, Last: 8000}), PolicyPort{First: 7007}, true},
		"beside a range":       {rule(PolicyPort{First: 7000, Last: 7006}), PolicyPort{First: 7007}, false},
		"its name":             {rule(PolicyPort{Name: "http"}), PolicyPort{First: 7007, Name: "http"}, true},
		"another name":         {rule(PolicyPort{Name: "metrics"}), PolicyPort{First: 7007, Name: "http"}, false},
		"a name of their pods": {rule(PolicyPort{Name: "postgres"}), PolicyPort{First: 5432}, true},
		"another protocol":     {rule(PolicyPort{UDP: true, First: 53, Last: 53}), PolicyPort{First: 53}, false},
		"every port of UDP":    {rule(PolicyPort{UDP: true}), PolicyPort{UDP: true, First: 53}, true},
		"one of two policies":  {append([]Policy{{Name: "deny"}}, rule(PolicyPort{First: 7007, Last: 7007})...), PolicyPort{First: 7007}, true},
	} {
		if got := Allows(test.policies, test.to); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
