package steps

import (
	"github.com/openchoreo/backstage-setup/internal/answers"
	"github.com/openchoreo/backstage-setup/internal/plan"
)

// preset is what a named way of installing settles.
type preset struct {
	name, title, note string
	settles           map[answers.Key]any
}

// presets come from the documentation's example configurations.
var presets = []preset{
	{"development", "Development", "one replica, SQLite, small; for a laptop or a trial", map[answers.Key]any{
		"portal.enabled": true, "scaling.replicas": 1, "database.type": "sqlite",
		"scaling.limits.cpu": "1000m", "scaling.limits.memory": "1Gi", "scaling.requests.cpu": "100m", "scaling.requests.memory": "256Mi",
		"features.workflows": true, "features.observability": true,
	}},
	{"production", "Production", "two replicas and autoscaling, PostgreSQL with TLS", map[answers.Key]any{
		"portal.enabled": true, "scaling.replicas": 2, "database.type": "postgresql", "database.postgresql.ssl": true,
		"scaling.limits.cpu": "2000m", "scaling.limits.memory": "2Gi", "scaling.requests.cpu": "500m", "scaling.requests.memory": "512Mi",
		"scaling.autoscaling.enabled": true, "scaling.autoscaling.min": 2, "scaling.autoscaling.max": 5, "scaling.autoscaling.cpu": 70,
		"features.workflows": true, "features.observability": true,
	}},
	{"api-only", "API only", "no portal; the OpenChoreo API alone", map[answers.Key]any{
		"portal.enabled": false, "features.eventForwarder": false,
	}},
}

func presetStep() Step {
	options := make([]Option, len(presets))
	for i, p := range presets {
		options[i] = Option{Value: p.name, Title: p.title, Note: p.note}
	}
	return Step{
		ID: "preset", Title: "Preset",
		Intro:   "Fills in what you do not answer yourself. Every value stays changeable.",
		Suggest: suggestPreset,
		Questions: []Question{{
			Key: "preset", Title: "What is this installation for?", Options: options, Value: textValue,
			Why:     "Sets replicas, resources, database and features to what fits.",
			Default: "none: the chart's own defaults",
			Suggest: func(plan.Input) any { return "development" },
			When:    Condition{"on a first installation", func(in plan.Input) bool { return !IsInstalled(in) || in.Draft.Given("preset") }},
		}},
	}
}

// IsInstalled tells whether a portal, or a file that sets one up, is there.
func IsInstalled(in plan.Input) bool {
	if in.Current.Cluster.Deployment.Name != "" || in.Current.Cluster.Release.Installed {
		return true
	}
	return in.Draft.From["portal.baseUrl"].Rank == answers.FromValues
}

func suggestPreset(in plan.Input) []answers.Proposal {
	var list []answers.Proposal
	for _, p := range presets {
		if p.name != in.Draft.Preset || !in.Draft.Has("preset") {
			continue
		}
		for key, value := range p.settles {
			if in.ChartHas(key) {
				list = append(list, answers.Proposal{Key: key, Value: value, Source: answers.Source{Rank: answers.FromPreset, Detail: p.name}})
			}
		}
	}
	return list
}
