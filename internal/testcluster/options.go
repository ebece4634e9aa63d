package testcluster

// Option changes how a cluster is started.
type Option func(*options)

type options struct {
	apiServerArgs []string
}

// WithAPIServerArgs adds flags to the API server's command line, for instance
// a feature gate or an admission plugin. A flag given twice has the last value.
func WithAPIServerArgs(args ...string) Option {
	return func(o *options) { o.apiServerArgs = append(o.apiServerArgs, args...) }
}
