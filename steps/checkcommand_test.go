package steps

import "testing"

// What is different is told by the chart's own words, never by an argument of the
// operator's.
func TestDiffers(t *testing.T) {
	given := []string{"node", "packages/backend", "--config", "app-config.yaml", "--config", "app-config.ci.yaml", "--token=s3cret"}
	for name, test := range map[string]struct {
		now  []string
		want string
	}{
		"nothing left":      {nil, "was taken away"},
		"a file less":       {[]string{"node", "packages/backend", "--config", "app-config.yaml", "--token=s3cret"}, "lacks app-config.ci.yaml"},
		"another program":   {[]string{"sleep"}, "lacks node, packages/backend, app-config.yaml, app-config.ci.yaml"},
		"their own one":     {given[:6], "lacks a part of what the values give it"},
		"one more":          {append([]string{"--inspect"}, given...), "has more than the chart gave it"},
		"in another order":  {[]string{"packages/backend", "node", "--config", "app-config.yaml", "--config", "app-config.ci.yaml", "--token=s3cret"}, "is in another order, or has parts less"},
		"written otherwise": {[]string{"node", "packages/backend", "--config=app-config.yaml", "--config", "app-config.ci.yaml", "--token=s3cret"}, "lacks app-config.yaml"},
	} {
		if got := differs(test.now, given); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if got := differs([]string{"sleep"}, nil); got != "was added by hand" {
		t.Error(got)
	}
}
