package testcluster

import (
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigFor writes a kubeconfig that authenticates as user in groups, by a
// client certificate, and returns its path. The user may do what the RBAC
// rules of the cluster let it do, which at first is nothing.
func (c *Cluster) KubeconfigFor(tb testing.TB, user string, groups ...string) string {
	tb.Helper()
	config, err := c.kubeconfig(user, groups...)
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// writeKubeconfig writes <user>.kubeconfig into the cluster's directory.
func (c *Cluster) writeKubeconfig(user string, groups ...string) (string, error) {
	config, err := c.kubeconfig(user, groups...)
	if err != nil {
		return "", err
	}
	path := c.kubeconfigPath(user)
	return path, clientcmd.WriteToFile(*config, path)
}

func (c *Cluster) kubeconfig(user string, groups ...string) (*clientcmdapi.Config, error) {
	client, err := c.ca.client(user, groups...)
	if err != nil {
		return nil, err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[Context] = &clientcmdapi.Cluster{
		Server:                   c.url,
		CertificateAuthorityData: c.ca.certPEM,
	}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{
		ClientCertificateData: client.cert,
		ClientKeyData:         client.key,
	}
	config.Contexts[Context] = &clientcmdapi.Context{Cluster: Context, AuthInfo: user}
	config.CurrentContext = Context
	return config, nil
}
