package baotest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const version = "2.6.2"

// health is /sys/health: the state in the body and in the status.
func (s *Server) health() reply {
	status := http.StatusOK
	switch {
	case s.fresh:
		status = http.StatusNotImplemented
	case s.sealed:
		status = http.StatusServiceUnavailable
	case s.active != "":
		status = http.StatusTooManyRequests
	}
	body := map[string]any{
		"initialized": !s.fresh, "sealed": s.sealed, "standby": s.sealed || s.active != "",
		"replication_performance_mode": "disabled", "replication_dr_mode": "disabled",
		"server_time_utc": now().Unix(), "version": version,
	}
	if s.sealed {
		body["replication_performance_mode"], body["replication_dr_mode"] = "unknown", "unknown"
	} else {
		body["cluster_name"], body["cluster_id"] = "vault-cluster-test", "d3a7a5d6-6c2c-4f0c-8a57-6f4f0e1f5b0a"
	}
	return reply{status: status, body: body}
}

func (s *Server) sealStatus() reply {
	shares := 1
	if s.fresh {
		shares = 0
	}
	body := map[string]any{
		"type": "shamir", "initialized": !s.fresh, "sealed": s.sealed, "t": shares, "n": shares, "progress": 0, "nonce": "",
		"version": version, "migration": false, "recovery_seal": false, "storage_type": s.storage,
	}
	return reply{status: http.StatusOK, body: body}
}

// route finds what answers a request of a token that is known.
func (s *Server) route(q request, p policy) reply {
	switch mountPath, isMount := strings.CutPrefix(q.path, "sys/internal/ui/mounts/"); {
	case isMount && q.method == http.MethodGet:
		return s.describeMount(q, p, mountPath)
	case q.path == "sys/capabilities-self" && q.method == http.MethodPost:
		if !p.may(q.path, "update") {
			return denied()
		}
		return capabilities(q, p)
	}
	m, inside := s.find(q.namespace, q.path)
	capability, known := q.capability(m, inside)
	switch {
	case !known:
		return failure(http.StatusMethodNotAllowed, "unsupported operation")
	case !p.may(q.path, capability):
		return denied()
	case strings.HasPrefix(q.path, "sys/"):
		return unsupported()
	case m == nil:
		return failure(http.StatusNotFound, fmt.Sprintf("no handler for route %q. route entry not found.", q.path))
	}
	return m.handle(q, inside)
}

func denied() reply {
	return failure(http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
}

func unsupported() reply {
	return failure(http.StatusNotFound, "1 error occurred:\n\t* unsupported path\n\n")
}

// find returns the mount that a path belongs to, and the rest of the path.
func (s *Server) find(namespace, path string) (*engine, string) {
	for end := len(path); end > 0; end = strings.LastIndex(path[:end], "/") {
		if m, ok := s.mounts[key(namespace, path[:end])]; ok && (end == len(path) || path[end] == '/') {
			return m, strings.TrimPrefix(path[end:], "/")
		}
	}
	return nil, ""
}

func key(namespace, path string) string {
	return strings.Trim(namespace, "/") + "|" + strings.Trim(path, "/")
}

// capability is what a policy has to give for the request.
func (q request) capability(m *engine, inside string) (string, bool) {
	switch q.method {
	case http.MethodGet:
		return "read", true
	case http.MethodDelete:
		return "delete", true
	case http.MethodPost, http.MethodPut:
		if m != nil && !m.exists(inside) {
			return "create", true
		}
		return "update", true
	}
	return "", false
}

// describeMount is /sys/internal/ui/mounts/<path>, which asks no policy for
// itself: it wants some right on the mount, and does not tell a mount that is not
// there from one that the token may not see.
func (s *Server) describeMount(q request, p policy, path string) reply {
	path = strings.Trim(path, "/") + "/"
	m, _ := s.find(q.namespace, path)
	if m == nil || !p.touches(m.path) {
		return failure(http.StatusForbidden, fmt.Sprintf("preflight capability check returned 403, please ensure client's policies grant access to path %q", path))
	}
	return success(http.StatusOK, map[string]any{
		"accessor": m.kind + "_0a1b2c3d", "config": map[string]any{"default_lease_ttl": 2764800, "force_no_cache": false, "max_lease_ttl": 2764800},
		"description": "", "external_entropy_access": false, "local": false, "options": m.options, "path": m.path,
		"plugin_version": "", "running_plugin_version": "v2.6.2+builtin.bao", "running_sha256": "", "seal_wrap": false,
		"type": m.kind, "uuid": "6f7d3f4e-7ad2-0a52-5c55-0d9a9b2f7d11",
	})
}

// capabilities is /sys/capabilities-self.
func capabilities(q request, p policy) reply {
	var paths []string
	if json.Unmarshal(q.body["paths"], &paths) != nil || len(paths) == 0 {
		return failure(http.StatusBadRequest, "paths must be supplied")
	}
	data := map[string]any{}
	for _, path := range paths {
		data[path] = p.capabilities(path)
	}
	if len(paths) == 1 {
		data["capabilities"] = data[paths[0]]
	}
	return success(http.StatusOK, data)
}
