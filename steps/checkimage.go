package steps

import (
	"strings"

	"github.com/openchoreo/backstage-setup/internal/check"
	"github.com/openchoreo/backstage-setup/templates"
)

// portalImage is the name that the portal's image has in every registry.
const portalImage = "openchoreo-ui"

// image judges what the portal's pods really run: the chart's version says nothing
// about an image that was set by hand.
func (x examiner) image() check.Result {
	d := x.in.Current.Cluster.Deployment
	show := x.kubectl("get deployment %s -o yaml", d.Name)
	name, tag := imageTag(d.Image)
	given, known := x.applied()
	if advice := imageAdvice(name, tag); advice != "" {
		return doubtful(d.Image+": "+advice, "the portal's image of this release has a known fault", "use the image of "+x.in.Profile.Recommended+" or newer: leave backstage.image.tag empty, and upgrade the chart", show)
	}
	if known && given.Image != "" && given.Image != d.Image {
		return doubtful("the Deployment has image "+d.Image+", Helm applied "+given.Image, "somebody changed the image by hand (kubectl set image, kubectl edit); the next upgrade may take it back", "change backstage.image instead, and upgrade", show)
	}
	if name == portalImage && !released(tag) {
		return unsettled(d.Image+" names no release: whether it is below the security floor cannot be judged", "use the image of a release, such as "+x.in.Profile.Recommended)
	}
	return pass(d.Image)
}

// imageTag splits an image's reference: its name without registry and path, and its
// tag, "" where it has none.
func imageTag(image string) (name, tag string) {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndex(image, "/")+1:]
	name, tag, _ = strings.Cut(image, ":")
	return name, tag
}

// imageAdvice is what is wrong with the portal's image of a release; "" where
// nothing is known.
func imageAdvice(name, tag string) string {
	if name != portalImage {
		return ""
	}
	for _, p := range templates.Profiles() {
		if advice := p.Advisories[strings.TrimPrefix(tag, "v")]; advice != "" {
			return advice
		}
	}
	return ""
}

// released tells whether a tag is a release's, such as v1.2.3.
func released(tag string) bool {
	parts := strings.Split(strings.TrimPrefix(tag, "v"), ".")
	if len(parts) != 3 || strings.TrimPrefix(tag, "v") == "0.0.0" {
		return false
	}
	for _, part := range parts {
		if part == "" || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
