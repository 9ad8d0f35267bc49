package analysis

import (
	"regexp"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// networkPolicy is a NetworkPolicy that limits what pods may reach.
type networkPolicy struct {
	rbac.Source
	selector labels.Selector
	whole    bool // it selects every pod of the namespace
	nothing  bool // it allows nothing at all
	open     bool // it lets them reach addresses outside the cluster's pods
	forAPI   bool // it says itself that it is for the API
	passes   bool // it is there only while hooks run
}

// apiWords finds the API in a policy's name or annotations: allow-egress-to-kubeapi.
var apiWords = regexp.MustCompile(`(?i)kube-?api|api-?server|kubernetes-?api|(^|-)api-egress(-|$)`)

func isNetworkPolicy(o *render.Object) bool {
	return o.Kind == "NetworkPolicy" && groupOf(o) == networkingv1.GroupName
}

// otherPolicy tells whether an object is a network policy of an engine of its own, which is not read, and of which namespace
// it is, "" for all: it may open what Kubernetes' policies leave shut.
func otherPolicy(o *render.Object) (namespace string, ok bool) {
	switch groupOf(o) {
	case "cilium.io", "crd.projectcalico.org", "projectcalico.org", "policy.networking.k8s.io", "crd.antrea.io":
		kind, ok := strings.CutSuffix(o.Kind, "NetworkPolicy")
		if strings.HasPrefix(kind, "Staged") {
			return "", false
		}
		if kind == "" || kind == "Cilium" {
			return o.Namespace, ok
		}
		return "", ok
	}
	return "", false
}

func (ix *index) addPolicy(s rbac.Source) {
	p, err := render.As[networkingv1.NetworkPolicy](s.Object, s.Object.Fields)
	if err != nil {
		return // a policy that cannot be read is no evidence either way
	}
	selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
	if err != nil || !limitsEgress(p) {
		return
	}
	n := networkPolicy{Source: s, selector: selector, whole: selector.Empty(), nothing: len(p.Spec.Egress) == 0, open: opensOutside(p), passes: s.Object.Passes()}
	n.forAPI = n.open && (apiWords.MatchString(p.Name) || annotatedForAPI(p.Annotations))
	ix.policies[s.Object.Namespace] = append(ix.policies[s.Object.Namespace], n)
}

func annotatedForAPI(annotations map[string]string) bool {
	for _, value := range annotations {
		if len(value) < 64 && apiWords.MatchString(value) {
			return true
		}
	}
	return false
}

func limitsEgress(p *networkingv1.NetworkPolicy) bool {
	for _, t := range p.Spec.PolicyTypes {
		if strings.EqualFold(string(t), "Egress") {
			return true
		}
	}
	return len(p.Spec.Egress) > 0
}

// opensOutside tells whether a policy lets pods reach an address that could be the
// API server's: a rule without a destination, or with a block of addresses, whose
// ports are not only others.
func opensOutside(p *networkingv1.NetworkPolicy) bool {
	for _, rule := range p.Spec.Egress {
		if !mayBeAPIPort(rule.Ports) {
			continue
		}
		if len(rule.To) == 0 {
			return true
		}
		for _, to := range rule.To {
			if to.IPBlock != nil && to.IPBlock.CIDR != "169.254.169.254/32" {
				return true
			}
		}
	}
	return false
}

func mayBeAPIPort(ports []networkingv1.NetworkPolicyPort) bool {
	for _, p := range ports {
		if p.Port == nil || p.Port.StrVal != "" {
			return true
		}
		first, last := p.Port.IntVal, p.Port.IntVal
		if p.EndPort != nil {
			last = *p.EndPort
		}
		for _, api := range []int32{443, 6443, 8443, 16443} {
			if first <= api && api <= last {
				return true
			}
		}
	}
	return len(ports) == 0
}

// findNetwork reads what the network policies of the namespace say of exactly
// these pods. Policies for every pod of the namespace say nothing of one of them,
// but limit it.
func findNetwork(ix *index, s *subject) []finding {
	if s.pod == nil || len(s.pod.labels) == 0 {
		return nil
	}
	var wall *networkPolicy
	open := false
	for i, p := range ix.policies[s.Namespace] {
		if !p.selector.Matches(labels.Set(s.pod.labels)) || p.passes && !s.isHook() {
			continue
		}
		if p.forAPI && !p.whole {
			return []finding{at(p.Source, mayAsk, "a network policy made for it opens the way to the API")}
		}
		open = open || p.open
		if wall == nil || p.nothing {
			wall = &ix.policies[s.Namespace][i]
		}
	}
	if open || wall == nil || ix.otherPolicies[s.Namespace] || ix.otherPolicies[""] || (s.pod.bare && len(s.operator.labels()) == 0) {
		return nil
	}
	return []finding{at(wall.Source, walled, "the network policies of its namespace leave it no way to the API")}
}

func (o *Operator) labels() map[string]string {
	if o == nil {
		return nil
	}
	return o.Labels
}
