package steps

import (
	"strings"

	"github.com/openchoreo/backstage-setup/internal/answers"
)

// Schema returns the JSON Schema (draft 2020-12) of the answers file, made from
// the questions. What it accepts, the program reads; secrets are references
// only, so that an editor marks a literal one.
func Schema() map[string]any {
	root := group("Answers for backstage-setup", "What `backstage-setup install --answers FILE` is told. Keys that are left out have a default, are found or are asked for.")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["type"] = "object"
	root["$defs"] = map[string]any{"secret": secretSchema(), "env": envSchema()}
	flow := Catalog()
	for _, key := range answers.Keys() {
		_, q, ok := flow.Find(key)
		if !ok {
			continue // a test holds questions and keys together
		}
		node := root
		path := strings.Split(string(key), ".")
		for i, name := range path[:len(path)-1] {
			node = child(node, name, strings.Join(path[:i+1], "."))
		}
		node["properties"].(map[string]any)[path[len(path)-1]] = q.schema()
	}
	return root
}

func (q Question) schema() map[string]any {
	schema := q.Value.Schema(q.Options)
	schema["title"] = q.Title
	schema["description"] = q.Why
	for _, o := range q.Options {
		if o.Note != "" {
			schema["description"] = schema["description"].(string) + "\n" + o.Value + ": " + o.Note
		}
	}
	if q.Example == "" || q.Value.Kind == answers.Hidden {
		return schema
	}
	if value, err := q.Value.Parse(q.Example); err == nil {
		if list, ok := value.([]answers.EnvVar); ok {
			value = envDocument(list)
		}
		schema["examples"] = []any{value}
	}
	return schema
}

// child returns the group of that name, made when it is not there.
func child(node map[string]any, name, path string) map[string]any {
	properties := node["properties"].(map[string]any)
	if there, ok := properties[name].(map[string]any); ok {
		return there
	}
	made := group(groupTitles[path], "")
	properties[name] = made
	return made
}

func group(title, description string) map[string]any {
	g := map[string]any{
		"type":       []string{"object", "null"}, // null: every line below the name is commented out
		"properties": map[string]any{}, "additionalProperties": false,
	}
	if title != "" {
		g["title"] = title
	}
	if description != "" {
		g["description"] = description
	}
	return g
}

// groupTitles are the mappings of the answers file, for schema and example.
var groupTitles = map[string]string{
	"target": "The cluster, release and files this is about", "secret": "The Secret and how it gets there",
	"secret.store": "The store of External Secrets", "portal": "Where people reach the portal",
	"portal.service": "The portal's Service", "api": "The OpenChoreo API", "gateway": "The gateway in front of both",
	"gateway.tls": "Its https listener", "security": "Sign-in and permissions", "identity": "The identity provider",
	"client": "The OAuth client people sign in with", "serviceClient": "The OAuth client of the catalog sync",
	"authorization": "Who may do what", "authorization.groups": "The provider's groups",
	"authorization.clients": "Subjects of programs", "database": "Where Backstage keeps its data",
	"database.sqlite": "SQLite", "database.postgresql": "PostgreSQL", "features": "What the portal shows",
	"scaling": "Replicas and resources", "scaling.autoscaling": "The autoscaler", "scaling.requests": "What each pod gets",
	"scaling.limits": "What each pod may use at most", "environment": "Environment variables of the portal",
	"jenkins": "Builds in Jenkins", "githubActions": "Builds in GitHub Actions", "rotate": "One credential of a running portal",
}

func secretSchema() map[string]any {
	one := func(name string, value map[string]any) map[string]any {
		return map[string]any{
			"type": "object", "properties": map[string]any{name: value},
			"required": []string{name}, "additionalProperties": false,
		}
	}
	return map[string]any{
		"title": "Secret", "description": "Where the secret is; never the secret itself.",
		"oneOf": []any{
			one("env", map[string]any{"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "Name of an environment variable."}),
			one("file", map[string]any{"type": "string", "minLength": 1, "description": "Path of a file."}),
			one("generate", map[string]any{"const": true, "description": "Draw a new one."}),
			one("keep", map[string]any{"const": true, "description": "What the Secret has now."}),
		},
	}
}

// envSchema is a variable of a container, as Kubernetes has it.
func envSchema() map[string]any {
	text := map[string]any{"type": "string"}
	reference := func(required []string, names ...string) map[string]any {
		properties := map[string]any{}
		for _, name := range append(required, names...) {
			properties[name] = text
		}
		if _, ok := properties["optional"]; ok {
			properties["optional"] = map[string]any{"type": "boolean"}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	return map[string]any{
		"title": "Environment variable", "type": "object", "required": []string{"name"}, "additionalProperties": false,
		"properties": map[string]any{
			"name": map[string]any{"type": "string", "minLength": 1}, "value": text,
			"valueFrom": map[string]any{
				"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
				"properties": map[string]any{
					"secretKeyRef":     reference([]string{"name", "key"}, "optional"),
					"configMapKeyRef":  reference([]string{"name", "key"}, "optional"),
					"fieldRef":         reference([]string{"fieldPath"}, "apiVersion"),
					"resourceFieldRef": reference([]string{"resource"}, "containerName", "divisor"),
				},
			},
		},
		"oneOf": []any{map[string]any{"required": []string{"value"}}, map[string]any{"required": []string{"valueFrom"}}},
	}
}

// envDocument is a list of variables as the answers file has it.
func envDocument(list []answers.EnvVar) []any {
	out := make([]any, len(list))
	for i, v := range list {
		item := map[string]any{"name": v.Name}
		if v.ValueFrom != nil {
			item["valueFrom"] = v.ValueFrom
		} else {
			item["value"] = v.Value
		}
		out[i] = item
	}
	return out
}
