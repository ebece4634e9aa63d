package k8s

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const policyGroup = "networking.k8s.io"

// Policies are the NetworkPolicies that select the portal's pods. Together they
// allow what any of them allows; without one of a direction all is allowed in it.
// Whether the cluster's network does as they say is not known from here.
type Policies struct {
	Ingress []Policy // those that say what may reach the pods
	Egress  []Policy // those that say what the pods may reach
	Unknown string
}

// Policy is one direction of a NetworkPolicy.
type Policy struct {
	Name  string
	Rules []PolicyRule
}

// PolicyRule is what a NetworkPolicy allows, but for the peers: which pods and
// addresses they are cannot be told without all pods of the cluster.
type PolicyRule struct {
	Ports []PolicyPort // none is every port
}

// PolicyPort is a port, a range, or all ports of a protocol.
type PolicyPort struct {
	UDP   bool   // else TCP; what is neither is left out
	Name  string // of a container's port, instead of numbers
	First int    // 0 is all
	Last  int
}

// Allows tells whether any rule of the policies lets through to a port: To.First,
// which may also be called To.Name. With an empty name every port that has one
// counts, since it is not known which that is. No policy allows everything.
func Allows(policies []Policy, to PolicyPort) bool {
	if len(policies) == 0 {
		return true
	}
	open := func(p PolicyPort) bool {
		switch {
		case p.UDP != to.UDP:
			return false
		case p.Name != "":
			return to.Name == "" || p.Name == to.Name
		}
		return p.First == 0 || p.First <= to.First && to.First <= p.Last
	}
	return slices.ContainsFunc(policies, func(p Policy) bool {
		return slices.ContainsFunc(p.Rules, func(r PolicyRule) bool { return len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, open) })
	})
}

// policies lists the NetworkPolicies that select pods with these labels.
func (c *Client) policies(ctx context.Context, namespace string, pod map[string]string) (out Policies) {
	var list networkingv1.NetworkPolicyList
	if err := c.list(ctx, kind{policyGroup, "v1", "networkpolicies"}, namespace, "", 200, &list); err != nil {
		return Policies{Unknown: unknown(err)}
	}
	for _, p := range list.Items {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || !selector.Matches(labels.Set(pod)) {
			continue
		}
		if slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) {
			one := Policy{Name: p.Name}
			for _, rule := range p.Spec.Ingress {
				one.add(rule.Ports)
			}
			out.Ingress = append(out.Ingress, one)
		}
		if slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			one := Policy{Name: p.Name}
			for _, rule := range p.Spec.Egress {
				one.add(rule.Ports)
			}
			out.Egress = append(out.Egress, one)
		}
	}
	return out
}

// add takes in what a rule allows. One for other protocols alone allows nothing
// that counts here.
func (p *Policy) add(ports []networkingv1.NetworkPolicyPort) {
	var rule PolicyRule
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		if protocol != corev1.ProtocolTCP && protocol != corev1.ProtocolUDP {
			continue
		}
		one := PolicyPort{UDP: protocol == corev1.ProtocolUDP}
		switch {
		case port.Port == nil:
		case port.Port.Type == intstr.String:
			one.Name = port.Port.StrVal
		default:
			one.First = int(port.Port.IntVal)
			one.Last = one.First
			if port.EndPort != nil {
				one.Last = int(*port.EndPort)
			}
		}
		rule.Ports = append(rule.Ports, one)
	}
	if len(ports) == 0 || len(rule.Ports) > 0 {
		p.Rules = append(p.Rules, rule)
	}
}
