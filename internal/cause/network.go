package cause

// fault is what happens to a connection, whoever it is to.
type fault struct {
	id    string
	words []string
	title string // is put behind the peer's name
	cause string
}

// Node's and OpenSSL's words, and those of Go for the API's log.
var faults = []fault{
	{
		id: "dns-again", words: []string{"eai_again", "server misbehaving", "temporary failure in name resolution"},
		title: "its name could not be looked up", cause: "The cluster's DNS did not answer.",
	},
	{
		id: "dns", words: []string{"enotfound", "no such host", "could not translate host name"},
		title: "its host name does not exist", cause: "The name is mistyped, or it is known outside the cluster only.",
	},
	{
		id: "refused", words: []string{"econnrefused", "connection refused"},
		title: "it refuses the connection", cause: "Nothing listens at that address and port, or a firewall rejects it.",
	},
	{
		id:    "unreachable",
		words: []string{"ehostunreach", "enetunreach", "no route to host", "network is unreachable"},
		title: "there is no way to it", cause: "The network knows no route from the pod to that address.",
	},
	{
		id: "timeout",
		words: []string{
			"etimedout", "und_err_connect_timeout", "connection terminated due to connection timeout", "i/o timeout",
			"timeout expired", "timeout exceeded when trying to connect", "context deadline exceeded", "client.timeout exceeded",
		},
		title: "it does not answer", cause: "Something between the pod and it drops packets: a NetworkPolicy, a security group, a firewall.",
	},
	{
		id: "reset", words: []string{"econnreset", "und_err_socket", "socket hang up", "epipe"},
		title: "it broke off the connection", cause: "It or a proxy before it ended the connection; plain HTTP to an HTTPS port ends so too.",
	},
	{
		id:    "tls-name",
		words: []string{"err_tls_cert_altname_invalid", "does not match certificate's altnames", "x509: certificate is valid for", "x509: cannot validate certificate for"},
		title: "its certificate is for another name", cause: "The host that is connected to is not among the names in the certificate.",
	},
	{
		id:    "tls-expired",
		words: []string{"cert_has_expired", "certificate has expired", "cert_not_yet_valid", "certificate is not yet valid"},
		title: "its certificate has expired", cause: "The certificate is out of date, or a clock is wrong.",
	},
	{
		id: "tls-ca",
		words: []string{
			"self_signed_cert_in_chain", "depth_zero_self_signed_cert", "self-signed certificate", "self signed certificate",
			"unable_to_verify_leaf_signature", "unable to verify the first certificate", "unable_to_get_issuer_cert", "unable to get local issuer certificate",
			"unable to get issuer certificate", "x509: certificate signed by unknown authority",
		},
		title: "its certificate is not trusted", cause: "It is signed by an authority that Node.js does not know: a private one, or one of a cloud provider.",
	},
	{
		id:    "tls-version",
		words: []string{"err_ssl_wrong_version_number", "wrong version number", "err_ssl_packet_length_too_long", "packet length too long", "first record does not look like a tls handshake"},
		title: "it does not speak TLS there", cause: "The address begins with https, and what answers speaks plain HTTP.",
	},
	{
		id:    "tls-protocol",
		words: []string{"err_ssl_unsupported_protocol", "unsupported protocol", "ssl/tls alert handshake failure", "tls: handshake failure", "alert protocol version"},
		title: "it speaks another version of TLS", cause: "Client and server have no version or cipher in common.",
	},
}

// about is what is said of one peer.
type about struct {
	name  string
	steps map[string]string // by the fault's ID; "" is the rest
	fixes map[string]string
	hides []string
}

func (a about) of(from map[string]string, id string) string {
	if text, ok := from[id]; ok {
		return text
	}
	return from[""]
}

var peers = map[peer]about{
	database: {
		name: "PostgreSQL",
		steps: map[string]string{
			"": "database.postgresql.host", "refused": "database.postgresql.port",
			"tls-ca": "database.postgresql.caFile", "tls-expired": "", "tls-version": "database.postgresql.ssl", "tls-protocol": "",
		},
		fixes: map[string]string{
			"":             "Check postgres-host and postgres-port in the Secret, the NetworkPolicy of the portal and the database's firewall.",
			"dns":          "Correct postgres-host in the Secret. Within the cluster it is <service>.<namespace>.svc.cluster.local.",
			"dns-again":    "Look at CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns. A NetworkPolicy must allow port 53, UDP and TCP.",
			"tls-ca":       "Give the authority's certificate: database.postgresql.caFile. For RDS it is global-bundle.pem.",
			"tls-name":     "Connect by a name in the certificate. An IP address never passes: Node.js compares it with localhost.",
			"tls-expired":  "Renew the server's certificate; compare the clocks of node and server.",
			"tls-version":  "Switch database.postgresql.ssl off, or correct the port: what answers there has no TLS.",
			"tls-protocol": "Allow TLS 1.2 at the server.",
		},
		hides: []string{"k8s.probe", "api.", "general."},
	},
	identity: {
		name: "The identity provider",
		steps: map[string]string{
			"": "identity.tokenUrl", "tls-expired": "", "tls-ca": "environment.extra",
		},
		fixes: map[string]string{
			"":             "Set identity.tokenUrl and identity.discoveryUrl to addresses that the pods reach: often the Service's, not the public one.",
			"dns-again":    "Look at CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns. A NetworkPolicy must allow port 53, UDP and TCP.",
			"timeout":      "Allow the way out: backstage.networkPolicy.egress has no rule for an identity provider outside the cluster.",
			"tls-ca":       "Give Node.js the authority's certificate with NODE_EXTRA_CA_CERTS, or use an address with a public certificate. Do not switch verification off.",
			"tls-expired":  "Renew the provider's certificate; compare the clocks of node and server.",
			"tls-name":     "Use the name that is in the provider's certificate in identity.tokenUrl.",
			"tls-protocol": "Allow TLS 1.2 at the provider.",
			"tls-version":  "Begin the address with http if the provider speaks plain HTTP there; else correct the port.",
		},
		hides: []string{"token.", "discovery.", "jwt.", "jwks.", "api.", "session.", "signin.exchange", "general."},
	},
	api: {
		name:  "The OpenChoreo API",
		steps: map[string]string{"": "portal.apiUrl"},
		fixes: map[string]string{
			"":            "Look whether the API runs: kubectl get pods -A -l app.kubernetes.io/component=api-server. Leave portal.apiUrl empty to use its Service.",
			"dns-again":   "Look at CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns. A NetworkPolicy must allow port 53, UDP and TCP.",
			"tls-version": "Begin portal.apiUrl with http unless the API has TLS switched on.",
			"tls-ca":      "Begin portal.apiUrl with http, or give Node.js the authority's certificate with NODE_EXTRA_CA_CERTS.",
		},
		hides: []string{"api.fetch", "api.sync", "general."},
	},
	other: {
		name: "A server",
		fixes: map[string]string{
			"":          "The lines around this one say which server it is. Try the same from a pod: the portal's network is not yours.",
			"dns-again": "Look at CoreDNS: kubectl -n kube-system get pods -l k8s-app=kube-dns. A NetworkPolicy must allow port 53, UDP and TCP.",
			"tls-ca":    "Give Node.js the authority's certificate with NODE_EXTRA_CA_CERTS.",
		},
	},
}

// Kubernetes tells with the same words of connections that are not the portal's.
var elsewhere = []string{"probe failed", "probe errored", "calling webhook", "failed to pull", "errimagepull", "mountvolume", "create pod sandbox"}

// networkRows are what happens to connections to one peer.
func networkRows(p peer) []row {
	a := peers[p]
	var out []row
	for _, f := range faults {
		out = append(out, row{
			id: string(p) + "." + f.id, words: f.words, not: elsewhere, of: p,
			title: a.name + ": " + f.title, cause: f.cause, fix: a.of(a.fixes, f.id), step: a.of(a.steps, f.id), hides: a.hides,
		})
	}
	return out
}
