package k8s

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const releaseJSON = `{
	"name": "openchoreo-control-plane", "namespace": "openchoreo-control-plane", "version": 12,
	"info": {"status": "deployed", "description": "Upgrade complete"},
	"chart": {"metadata": {"name": "openchoreo-control-plane", "version": "1.2.3", "appVersion": "v1.2.3"}, "values": {"a": 1}},
	"config": {"backstage": {"baseUrl": "https://console.example.com", "replicas": 2}}
}`

// packRelease stores text as Helm does.
func packRelease(t testing.TB, text string) []byte {
	t.Helper()
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(base64.StdEncoding.EncodeToString(packed.Bytes()))
}

func TestDecodeRelease(t *testing.T) {
	plain := []byte(base64.StdEncoding.EncodeToString([]byte(releaseJSON)))
	for name, stored := range map[string][]byte{"compressed": packRelease(t, releaseJSON), "not compressed": plain} {
		t.Run(name, func(t *testing.T) {
			r := Release{Bytes: stored}
			if err := r.decode(); err != nil {
				t.Fatal(err)
			}
			want := Release{
				Bytes: stored, Revision: 12, Status: "deployed",
				Chart: "openchoreo-control-plane", ChartVersion: "1.2.3", AppVersion: "v1.2.3",
				Config: map[string]any{"backstage": map[string]any{"baseUrl": "https://console.example.com", "replicas": 2.0}},
			}
			if diff := cmp.Diff(want, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeReleaseRefuses(t *testing.T) {
	whole := packRelease(t, releaseJSON)
	for name, tt := range map[string]struct{ stored, want string }{
		"nothing":       {"", "no JSON"},
		"no base64":     {"%%%", "no base64"},
		"cut gzip":      {base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 8}), "no gzip"},
		"cut text":      {string(whole[:len(whole)/2/4*4]), "no gzip"},
		"no JSON":       {string(packRelease(t, "hello")), "no JSON"},
		"a huge answer": {string(packRelease(t, strings.Repeat(" ", releaseLimit+1))), "larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Release{Bytes: []byte(tt.stored)}
			err := r.decode()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzDecodeRelease(f *testing.F) {
	f.Add([]byte(releaseJSON))
	f.Add([]byte(`{"config":null,"version":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		packed, plain := Release{Bytes: packRelease(t, string(text))}, Release{Bytes: []byte(base64.StdEncoding.EncodeToString(text))}
		packedErr, plainErr := packed.decode(), plain.decode()
		if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			return // text that is itself gzip reads differently
		}
		if (packedErr == nil) != (plainErr == nil) {
			t.Fatalf("compressed: %v, not compressed: %v", packedErr, plainErr)
		}
		packed.Bytes, plain.Bytes = nil, nil
		if diff := cmp.Diff(packed, plain); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSplitChartLabel(t *testing.T) {
	for label, want := range map[string][2]string{
		"openchoreo-control-plane-1.2.3":            {"openchoreo-control-plane", "1.2.3"},
		"openchoreo-control-plane-1.2.0-rc.1":       {"openchoreo-control-plane", "1.2.0-rc.1"},
		"openchoreo-control-plane-0.0.0-latest-dev": {"openchoreo-control-plane", "0.0.0-latest-dev"},
		"k8s-2-portal-1.0.0_build.7":                {"k8s-2-portal", "1.0.0+build.7"},
		"openchoreo-control-plane":                  {"openchoreo-control-plane", ""},
		"-":                                         {"-", ""},
		"":                                          {"", ""},
	} {
		name, version := splitChartLabel(label)
		if got := [2]string{name, version}; got != want {
			t.Errorf("%q: got %q, want %q", label, got, want)
		}
	}
}

func TestCompleteRelease(t *testing.T) {
	marks := releaseMarks{instance: "cp", chart: "openchoreo-control-plane-1.1.6", version: "v1.1.6", owner: Owner{Kind: OwnerFlux, Name: "cp"}}
	for name, tt := range map[string]struct {
		release, want Release
		marks         releaseMarks
	}{
		"only labels are known": {
			Release{Name: "cp", Unknown: "no right"},
			Release{Name: "cp", Unknown: "no right", Installed: true, Chart: "openchoreo-control-plane", ChartVersion: "1.1.6", AppVersion: "v1.1.6", Owner: marks.owner},
			marks,
		},
		"the release says it better": {
			Release{Name: "cp", Installed: true, Chart: "c", ChartVersion: "1.2.0", AppVersion: "v1.2.0"},
			Release{Name: "cp", Installed: true, Chart: "c", ChartVersion: "1.2.0", AppVersion: "v1.2.0", Owner: marks.owner},
			marks,
		},
		"another release's Deployment": {Release{Name: "mine"}, Release{Name: "mine"}, marks},
		"no Deployment":                {Release{Name: "cp"}, Release{Name: "cp"}, releaseMarks{}},
		"no name, no Deployment":       {Release{}, Release{}, releaseMarks{}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.release.complete(tt.marks)
			if diff := cmp.Diff(tt.want, tt.release); diff != "" {
				t.Error(diff)
			}
		})
	}
}
