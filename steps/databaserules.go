package steps

import (
	"net/netip"
	"strings"

	"github.com/openchoreo/backstage-setup/internal/plan"
	"github.com/openchoreo/backstage-setup/internal/postgres"
)

func hostRule(value any) error {
	text, _ := value.(string)
	switch {
	case strings.Contains(text, "://"):
		return errorf("must be a host name alone, such as postgres.example.com, not an address with ://")
	case strings.ContainsAny(text, "/@"):
		return errorf("must be a host name alone, such as postgres.example.com")
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return nil
	}
	if strings.Contains(text, ":") {
		return errorf("must be without the port: that is database.postgresql.port")
	}
	return hostInURL(text)
}

// reachableRule: the portal runs in a pod. With TLS node-postgres sends no server
// name for an IP address, and the certificate is then compared with "localhost".
func reachableRule(in plan.Input) error {
	host := in.Draft.Database.PostgreSQL.Host
	if why, refused := postgres.Unreachable(host, in.Current.Own...); refused {
		return errorf("must be the name that the portal's pods reach it by: %s %s", host, why)
	}
	if _, err := netip.ParseAddr(host); err == nil && in.Draft.Database.PostgreSQL.SSL {
		return errorf("must be a host name with TLS: for an IP address the portal compares the certificate with \"localhost\" and always fails")
	}
	return nil
}

// privateAuthority tells hosts whose certificates no well-known authority signs:
// Services of the cluster, Amazon RDS and Cloud SQL addresses.
func privateAuthority(host string) bool {
	for _, suffix := range []string{".svc", ".svc.cluster.local", ".rds.amazonaws.com", ".sql.goog"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return !strings.Contains(host, ".") && host != ""
}

func caFileRule(in plan.Input) error {
	if problem := in.Current.PostgresCAProblem; problem != "" {
		return errorf("%s", problem)
	}
	return nil
}
