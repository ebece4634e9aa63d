package testcluster

import "strconv"

// kwokConfig is kwok's configuration file; WithKwok adds to it. Without
// Stages in it kwok uses its own ones: a pod that is bound to the node becomes
// Ready at once, the pod of a Job succeeds, a deleted pod goes away.
const kwokConfig = `apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokConfiguration
options:
  manageAllNodes: true
`

// kwokArgs runs kwok as the kubelet of all nodes. It serves the kubelet's API
// (logs, port-forward, exec) under the node's address.
func kwokArgs(l layout) []string {
	return []string{
		"--kubeconfig=" + l.file("kwok.kubeconfig"),
		"--config=" + l.file("kwok.yaml"),
		"--cidr=10.1.0.0/16",
		"--node-ip=127.0.0.1",
		"--node-port=" + strconv.Itoa(l.kubeletPort),
		"--server-address=127.0.0.1:" + strconv.Itoa(l.kubeletPort),
		"--tls-cert-file=" + l.file("server.crt"),
		"--tls-private-key-file=" + l.file("server.key"),
		"--node-lease-duration-seconds=40",
	}
}
