package k8s

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// serviceHost is the host name of a Service, or of one pod behind it.
type serviceHost struct{ pod, name, namespace string }

// IsClusterAddress tells whether host is what the cluster's DNS calls a Service:
// <service>.<namespace>.svc, with any cluster domain behind it, or such a name
// with a pod's host name in front. Shorter names mean something only inside a
// pod: see Client.ServiceHost.
func IsClusterAddress(host string) bool {
	_, ok := parseServiceHost(host)
	return ok
}

func parseServiceHost(host string) (serviceHost, bool) {
	parts := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	at := 2
	if len(parts) > 3 && parts[2] != "svc" {
		at = 3
	}
	if len(parts) <= at || parts[at] != "svc" {
		return serviceHost{}, false
	}
	for _, part := range parts {
		if len(validation.IsDNS1123Label(part)) > 0 {
			return serviceHost{}, false
		}
	}
	s := serviceHost{name: parts[at-2], namespace: parts[at-1]}
	if at == 3 {
		s.pod = parts[0]
	}
	return s, true
}

// backend is where a Service leads: a port of a pod, or for the type
// ExternalName another host.
type backend struct {
	namespace, pod string
	port           int
	alias          string
}

// endpointSlices are discovery.k8s.io/v1 EndpointSlices as the API server sends
// them: what is behind a Service, with the ports' names resolved.
type endpointSlices struct {
	Items []struct {
		Endpoints []endpoint `json:"endpoints"`
		Ports     []struct {
			Name string `json:"name"`
			Port int    `json:"port"`
		} `json:"ports"`
	} `json:"items"`
}

type endpoint struct {
	Addresses  []string `json:"addresses"`
	Hostname   string   `json:"hostname"`
	Conditions struct {
		Ready *bool `json:"ready"` // nil is to be read as true
	} `json:"conditions"`
	TargetRef struct {
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"targetRef"`
}

func (c *Client) service(ctx context.Context, host serviceHost) (*corev1.Service, error) {
	var s corev1.Service
	err := c.get(ctx, kind{"", "v1", "services"}, host.namespace, host.name, &s)
	return &s, err
}

// backend finds a ready pod behind a port of a Service by its EndpointSlices or,
// without the right to list them, by its selector.
func (c *Client) backend(ctx context.Context, host serviceHost, port int) (backend, error) {
	return c.backendBy(ctx, host, port, true)
}

// backendBy is backend; follow says that an endpoint may be another Service.
func (c *Client) backendBy(ctx context.Context, host serviceHost, port int, follow bool) (backend, error) {
	s, err := c.service(ctx, host)
	if err != nil {
		return backend{}, err
	}
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return backend{alias: s.Spec.ExternalName}, nil
	}
	target, err := servicePort(s, port)
	if err != nil {
		return backend{}, err
	}
	var all endpointSlices
	selector := "kubernetes.io/service-name=" + host.name
	err = c.list(ctx, kind{"discovery.k8s.io", "v1", "endpointslices"}, host.namespace, selector, 100, &all)
	switch {
	case errors.Is(err, ErrForbidden) && len(s.Spec.Selector) > 0:
		return c.backendBySelector(ctx, s, host, target)
	case err != nil:
		return backend{}, err
	}
	if to, ok := all.backend(host, target); ok {
		return to, nil
	}
	if via, at, ok := c.behind(ctx, s, all, port); ok && follow {
		return c.backendBy(ctx, via, at, false)
	}
	return backend{}, c.noBackend(ctx, s, all)
}

// behind finds the Service whose cluster address is the endpoint of one without a
// selector, as the primary of a cluster of Crunchy's operator leads to the Service
// that follows the leader.
func (c *Client) behind(ctx context.Context, s *corev1.Service, all endpointSlices, port int) (host serviceHost, to int, ok bool) {
	if len(s.Spec.Selector) > 0 {
		return host, 0, false
	}
	var list corev1.ServiceList
	for _, slice := range all.Items {
		to = port
		if len(slice.Ports) == 1 {
			to = slice.Ports[0].Port
		}
		for _, e := range slice.Endpoints {
			if !e.ready() || e.TargetRef.Kind == "Pod" {
				continue
			}
			if list.Items == nil {
				if err := c.list(ctx, kind{"", "v1", "services"}, s.Namespace, "", 500, &list); err != nil {
					return host, 0, false // without that right it stays an address
				}
			}
			for i := range list.Items {
				other := &list.Items[i]
				if slices.Contains(e.Addresses, other.Spec.ClusterIP) && other.UID != s.UID {
					return serviceHost{name: other.Name, namespace: other.Namespace}, to, true
				}
			}
		}
	}
	return host, 0, false
}

// servicePort returns the Service's entry for a port. Behind a headless Service
// the name is that of the pods themselves: any of their ports can be reached.
func servicePort(s *corev1.Service, port int) (corev1.ServicePort, error) {
	if s.Spec.ClusterIP == corev1.ClusterIPNone {
		return corev1.ServicePort{TargetPort: intstr.FromInt(port)}, nil
	}
	var others []string
	for _, p := range s.Spec.Ports {
		if p.Protocol != "" && p.Protocol != corev1.ProtocolTCP {
			continue
		}
		if int(p.Port) == port {
			if p.TargetPort == intstr.FromInt(0) {
				p.TargetPort = intstr.FromInt(port)
			}
			return p, nil
		}
		others = append(others, strings.TrimSpace(fmt.Sprintf("%d %s", p.Port, p.Name)))
	}
	return corev1.ServicePort{}, serviceError(s, ErrNotFound,
		fmt.Sprintf("it has no port %d; its ports are: %s", port, strings.Join(others, ", ")))
}

func serviceError(s *corev1.Service, reason error, detail string) error {
	return &RequestError{Verb: "get", Resource: "services", Namespace: s.Namespace, Name: s.Name, Reason: reason, Detail: detail}
}

// backend returns the first ready endpoint that is a pod.
func (all endpointSlices) backend(host serviceHost, target corev1.ServicePort) (backend, bool) {
	for _, slice := range all.Items {
		port := 0
		if target.Port == 0 { // headless
			port = target.TargetPort.IntValue()
		}
		for _, p := range slice.Ports {
			if port == 0 && p.Name == target.Name {
				port = p.Port
			}
		}
		for _, e := range slice.Endpoints {
			if port > 0 && e.ready() && e.TargetRef.Kind == "Pod" && (host.pod == "" || e.Hostname == host.pod) {
				return backend{namespace: host.namespace, pod: e.TargetRef.Name, port: port}, true
			}
		}
	}
	return backend{}, false
}

func (e endpoint) ready() bool { return e.Conditions.Ready == nil || *e.Conditions.Ready }

// backendBySelector looks at the pods themselves.
func (c *Client) backendBySelector(ctx context.Context, s *corev1.Service, host serviceHost, target corev1.ServicePort) (backend, error) {
	pods, err := c.podsBehind(ctx, s)
	if err != nil {
		return backend{}, err
	}
	for i := range pods {
		port := podPort(&pods[i], target.TargetPort)
		ready := podState(&pods[i]).Ready && pods[i].DeletionTimestamp == nil
		if port > 0 && ready && (host.pod == "" || pods[i].Spec.Hostname == host.pod) {
			return backend{namespace: s.Namespace, pod: pods[i].Name, port: port}, nil
		}
	}
	return backend{}, serviceError(s, ErrNotFound, noneReady(s, pods))
}

// podPort returns the number of a port of a pod, 0 when it has none of that
// name.
func podPort(pod *corev1.Pod, target intstr.IntOrString) int {
	if target.Type == intstr.Int {
		return target.IntValue()
	}
	for _, container := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, p := range container.Ports {
			if p.Name == target.StrVal {
				return int(p.ContainerPort)
			}
		}
	}
	return 0
}

func (c *Client) podsBehind(ctx context.Context, s *corev1.Service) ([]corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	list, err := c.core.Pods(s.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.Set(s.Spec.Selector).String(), Limit: 100})
	if err != nil {
		return nil, c.explain(ask{"list", "", "pods", s.Namespace, ""}, err)
	}
	return list.Items, nil
}

// noBackend says why no endpoint of a Service can be forwarded to.
func (c *Client) noBackend(ctx context.Context, s *corev1.Service, all endpointSlices) error {
	for _, slice := range all.Items {
		for _, e := range slice.Endpoints {
			if e.ready() && e.TargetRef.Kind != "Pod" {
				return serviceError(s, nil, fmt.Sprintf("its endpoints are addresses (%s), not pods: a port-forward cannot reach them", strings.Join(e.Addresses, ", ")))
			}
		}
	}
	if len(s.Spec.Selector) == 0 {
		return serviceError(s, ErrNotFound, "it has no selector and no endpoint that is ready")
	}
	pods, err := c.podsBehind(ctx, s)
	if err != nil { // only the reason is not known
		return serviceError(s, ErrNotFound, "none of its pods is ready")
	}
	return serviceError(s, ErrNotFound, noneReady(s, pods))
}

// noneReady tells what the first of a Service's pods say.
func noneReady(s *corev1.Service, pods []corev1.Pod) string {
	if len(pods) == 0 {
		return "there is no pod with the labels " + labels.Set(s.Spec.Selector).String()
	}
	const most = 3
	var told []string
	for i := range pods {
		pod := podState(&pods[i])
		if pod.Ready || len(told) == most {
			continue
		}
		text := "pod " + pod.Name + " is not ready"
		if pod.Reason != "" {
			text = "pod " + pod.Name + ": " + strings.TrimSuffix(pod.Reason+": "+pod.Message, ": ")
		}
		told = append(told, text)
	}
	if len(told) == 0 {
		return "its pods are ready, but none is an endpoint with that port"
	}
	return "none of its pods is ready: " + strings.Join(told, "; ")
}
