// Package answers holds what the operator wants: the Answers struct, the Draft
// that remembers where every value came from, and the answers file. It must not
// know Kubernetes, Helm paths or terminals.
package answers

import "github.com/openchoreo/backstage-setup/internal/secret"

// Answers is everything an operator can be asked. Its YAML form is the answers
// file. A zero field means nothing: whether a key was answered is known by the
// Draft alone, because false and 0 are answers too.
type Answers struct {
	Preset        string        `json:"preset"`
	Chart         string        `json:"chart"`
	Target        Target        `json:"target"`
	Secret        Secret        `json:"secret"`
	Portal        Portal        `json:"portal"`
	API           API           `json:"api"`
	Gateway       Gateway       `json:"gateway"`
	Security      Security      `json:"security"`
	Identity      Identity      `json:"identity"`
	Client        Client        `json:"client"`
	ServiceClient ServiceClient `json:"serviceClient"`
	Authorization Authorization `json:"authorization"`
	Database      Database      `json:"database"`
	Features      Features      `json:"features"`
	Scaling       Scaling       `json:"scaling"`
	Environment   Environment   `json:"environment"`
	Jenkins       Jenkins       `json:"jenkins"`
	GitHubActions GitHubActions `json:"githubActions"`
	BackendSecret secret.Value  `json:"backendSecret"`
	Rotate        Rotate        `json:"rotate"`
}

// Target is the cluster, release and files that a run is about.
type Target struct {
	Context   string   `json:"context"`
	Namespace string   `json:"namespace"`
	Release   string   `json:"release"`
	Values    []string `json:"values"` // values files in Helm's order
}

// Secret is the Kubernetes Secret and how it is delivered.
type Secret struct {
	Name     string `json:"name"`
	Delivery string `json:"delivery"` // kubernetes, external-secrets, manifest
	Manifest string `json:"manifest"` // path of the manifest that delivery "manifest" writes
	Store    Store  `json:"store"`
}

// Store is the OpenBao or Vault store behind an ExternalSecret.
type Store struct {
	Address string       `json:"address"`
	Mount   string       `json:"mount"`
	Path    string       `json:"path"`
	Token   secret.Value `json:"token"`
	CAFile  string       `json:"caFile"`
}

// Portal is where people reach Backstage.
type Portal struct {
	Enabled   bool     `json:"enabled"`
	BaseURL   string   `json:"baseUrl"`
	Hostnames []string `json:"hostnames"`
	Routing   bool     `json:"routing"`
	Service   Service  `json:"service"`
	APIURL    string   `json:"apiUrl"`
}

// Service is the portal's Kubernetes Service.
type Service struct {
	Type     string `json:"type"`
	Port     int    `json:"port"`
	NodePort int    `json:"nodePort"`
}

// API is the OpenChoreo API as the outside sees it.
type API struct {
	PublicURL string   `json:"publicUrl"`
	Hostnames []string `json:"hostnames"`
}

// Gateway is the shared Gateway in front of the portal and the API.
type Gateway struct {
	TLS       GatewayTLS `json:"tls"`
	HTTPPort  int        `json:"httpPort"`
	HTTPSPort int        `json:"httpsPort"`
}

// GatewayTLS is the Gateway's HTTPS listener.
type GatewayTLS struct {
	Enabled           bool   `json:"enabled"`
	Hostname          string `json:"hostname"`
	CertificateSecret string `json:"certificateSecret"`
}

// Security switches authentication and authorization.
type Security struct {
	Authentication bool `json:"authentication"`
	Authorization  bool `json:"authorization"`
}

// Identity is the OpenID provider.
type Identity struct {
	Provider         string `json:"provider"`
	Issuer           string `json:"issuer"`
	DiscoveryURL     string `json:"discoveryUrl"`
	AuthorizationURL string `json:"authorizationUrl"`
	TokenURL         string `json:"tokenUrl"`
	JWKSURL          string `json:"jwksUrl"`
	Audience         string `json:"audience"`
}

// Client is the OAuth client that people sign in with.
type Client struct {
	ID           string       `json:"id"`
	Secret       secret.Value `json:"secret"`
	OIDCScope    string       `json:"oidcScope"`
	ServiceScope string       `json:"serviceScope"`
}

// ServiceClient is the OAuth client of the catalog sync, charts 1.1 and newer.
type ServiceClient struct {
	ID     string       `json:"id"`
	Secret secret.Value `json:"secret"`
}

// Authorization is who may do what: the chart's bootstrap bindings.
type Authorization struct {
	Subject      string  `json:"subject"`
	Groups       Groups  `json:"groups"`
	SubjectClaim string  `json:"subjectClaim"`
	Clients      Clients `json:"clients"`
}

// Groups are the provider's group names behind the four group bindings.
type Groups struct {
	Admins            []string `json:"admins"`
	Developers        []string `json:"developers"`
	PlatformEngineers []string `json:"platformEngineers"`
	SREs              []string `json:"sres"`
	Claim             string   `json:"claim"`
}

// Clients are the subjects of the other default bindings.
type Clients struct {
	RCAAgent          string `json:"rcaAgent"`
	FinOpsAgent       string `json:"finopsAgent"`
	WorkloadPublisher string `json:"workloadPublisher"`
	Observer          string `json:"observer"`
	MCPTryout         string `json:"mcpTryout"`
}

// Database is where Backstage keeps its data.
type Database struct {
	Type       string     `json:"type"`
	SQLite     SQLite     `json:"sqlite"`
	PostgreSQL PostgreSQL `json:"postgresql"`
}

// SQLite is the volume behind the default database.
type SQLite struct {
	Persistence  bool   `json:"persistence"`
	Size         string `json:"size"`
	StorageClass string `json:"storageClass"`
	AccessMode   string `json:"accessMode"`
	MountPath    string `json:"mountPath"`
	KeepVolume   bool   `json:"keepVolume"` // when the release has it no more
}

// PostgreSQL is the external database; host, port, user, password and database
// live in the Secret.
type PostgreSQL struct {
	Host     string       `json:"host"`
	Port     int          `json:"port"`
	User     string       `json:"user"`
	Password secret.Value `json:"password"`
	Database string       `json:"database"`
	SSL      bool         `json:"ssl"`
	Verify   bool         `json:"verify"` // with SSL: the server's certificate is verified
	CAFile   string       `json:"caFile"`
	TrustCA  string       `json:"trustCA"` // fingerprint of an authority that the server shows: "sha256:…"
	Layout   string       `json:"layout"`  // per-plugin, existing, schema
}

// Features are the portal's feature flags.
type Features struct {
	Workflows          bool `json:"workflows"`
	Observability      bool `json:"observability"`
	RedirectFlow       bool `json:"redirectFlow"`
	Assistant          bool `json:"assistant"`
	SecretManagement   bool `json:"secretManagement"`
	CatalogSyncSeconds int  `json:"catalogSyncSeconds"`
	EventForwarder     bool `json:"eventForwarder"`
}

// Scaling is replicas and resources of the portal.
type Scaling struct {
	Replicas    int         `json:"replicas"`
	Autoscaling Autoscaling `json:"autoscaling"`
	Requests    Resources   `json:"requests"`
	Limits      Resources   `json:"limits"`
}

// Autoscaling is the HorizontalPodAutoscaler; CPU and Memory are percentages of the requests.
type Autoscaling struct {
	Enabled bool `json:"enabled"`
	Min     int  `json:"min"`
	Max     int  `json:"max"`
	CPU     int  `json:"cpu"`
	Memory  int  `json:"memory"`
}

// Resources are Kubernetes quantities, always text.
type Resources struct {
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

// Environment is the portal container's own environment variables.
type Environment struct {
	LogLevel string   `json:"logLevel"`
	Extra    []EnvVar `json:"extra"`
}

// EnvVar is one environment variable: a literal Value, or a ValueFrom that is
// passed to the chart as it is.
type EnvVar struct {
	Name      string         `json:"name"`
	Value     string         `json:"value,omitempty"`
	ValueFrom map[string]any `json:"valueFrom,omitempty"`
}

// Jenkins is the Jenkins integration.
type Jenkins struct {
	Enabled  bool         `json:"enabled"`
	BaseURL  string       `json:"baseUrl"`
	Username string       `json:"username"`
	APIKey   secret.Value `json:"apiKey"`
}

// GitHubActions is the GitHub Actions integration, charts 1.2 and newer.
type GitHubActions struct {
	Enabled           bool         `json:"enabled"`
	Host              string       `json:"host"`
	APIBaseURL        string       `json:"apiBaseUrl"`
	OAuthClientID     string       `json:"oauthClientId"`
	Token             secret.Value `json:"token"`
	OAuthClientSecret secret.Value `json:"oauthClientSecret"`
}

// Rotate names the key of the Secret to change and its new value.
type Rotate struct {
	Key   string       `json:"key"`
	Value secret.Value `json:"value"`
}
