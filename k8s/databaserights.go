package k8s

// DatabaseRights returns what Databases needs, to find servers in all namespaces.
// What reading a login takes is LoginRights.
func DatabaseRights() []Access {
	return []Access{
		{Verb: "list", Resource: "services",
			Why: "offer the PostgreSQL servers of the cluster, by the labels of their Services", Prevents: "PostgreSQL servers in other namespaces are not offered"},
	}
}

// LoginRights returns what Logins and Certificates need in the namespace of a
// Database. RBAC knows no labels: it allows to read all Secrets there.
func LoginRights(namespace string) []Access {
	const (
		why      = "prefill user, password and CA of a PostgreSQL server from the Secrets of its operator; this allows to read all Secrets of the namespace"
		prevents = "user, password and CA of the PostgreSQL server are not prefilled"
	)
	return []Access{
		{Verb: "list", Resource: "secrets", Namespace: namespace, Why: why, Prevents: prevents},
		{Verb: "get", Resource: "secrets", Namespace: namespace, Why: why, Prevents: prevents},
	}
}

// ForwardRights returns what Dial needs to reach the Service of a cluster address;
// none when host is no such address.
func ForwardRights(host string) []Access {
	s, ok := parseServiceHost(host)
	if !ok {
		return nil
	}
	return PortForwardRights(s.namespace, s.name)
}
