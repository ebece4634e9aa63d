package testcluster

// Option changes how a cluster is started.
type Option func(*options)

type options struct {
	kwok []byte
}

// WithKwok adds YAML documents to kwok's configuration: ClusterLogs,
// ClusterPortForward, or Stages. A Stage for Pods replaces all of kwok's own
// ones for Pods.
func WithKwok(yaml []byte) Option {
	return func(o *options) {
		o.kwok = append(append(o.kwok, "\n---\n"...), yaml...)
	}
}
