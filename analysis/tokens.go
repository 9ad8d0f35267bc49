package analysis

import (
	"maps"
	"sort"
	"strings"

	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// Effect is what the policies make of the platform's objects.
type Effect struct {
	// Token tells for each workload whether its pods get a token at admission.
	Token map[*Workload]bool
	// Hardened tells for each ServiceAccount object whether it ends with
	// automountServiceAccountToken: false.
	Hardened map[*render.Object]bool
	// Violations is what the validating policy reports afterwards, sorted.
	Violations []policy.Violation
}

// Simulate admits every ServiceAccount, workload and pod of the set through the
// mutating policies and validates what comes out, as the engine would. In the
// namespaces that its admission configuration skips nothing is mutated.
func Simulate(set *Set, workloads []*Workload, policies *policy.Policies, skipped []string) *Effect {
	s := &simulation{policies: policies, skipped: skipped, accounts: map[[2]string]map[string]any{},
		effect: &Effect{Token: map[*Workload]bool{}, Hardened: map[*render.Object]bool{}}}
	for _, r := range set.Releases {
		for _, o := range r.Objects {
			if o.Kind == "ServiceAccount" {
				s.admitAccount(o)
			}
		}
	}
	for _, w := range workloads {
		s.admitWorkload(w)
	}
	v := s.effect.Violations
	sort.Slice(v, func(i, k int) bool {
		a, b := v[i], v[k]
		if a.Namespace != b.Namespace {
			return a.Namespace < b.Namespace
		}
		if a.Rule != b.Rule {
			return a.Rule < b.Rule
		}
		if a.Kind != b.Kind {
			return a.Kind < b.Kind
		}
		return a.Name < b.Name
	})
	return s.effect
}

// SettledElsewhere tells whether the validating policy's own exclusions name the
// workload: its controller, or every pod that it makes.
func SettledElsewhere(w *Workload, policies *policy.Policies) bool {
	if policies.Excluded(policy.Manifest(w.Object)) {
		return true
	}
	for _, name := range w.Pods {
		if !policies.Excluded(podManifest(w, name, w.PodSpec)) {
			return false
		}
	}
	return len(w.Pods) > 0
}

type simulation struct {
	policies *policy.Policies
	skipped  []string
	accounts map[[2]string]map[string]any // namespace and name -> admitted manifest
	effect   *Effect
}

func (s *simulation) admitAccount(o *render.Object) {
	admitted := s.admit(policy.Manifest(o))
	s.accounts[[2]string{o.Namespace, o.Name}] = admitted
	off, ok := admitted["automountServiceAccountToken"].(bool)
	s.effect.Hardened[o] = ok && !off
	s.validate(admitted)
}

// admit applies the mutating rules, and the policy that changes default
// ServiceAccounts in place.
func (s *simulation) admit(obj map[string]any) map[string]any {
	meta, _ := obj["metadata"].(map[string]any)
	ns, _ := meta["namespace"].(string)
	if !policy.IsSkipped(s.skipped, ns) {
		obj = s.policies.Admit(obj)
	}
	if obj["kind"] == "ServiceAccount" && meta["name"] == "default" && s.policies.HardensDefault(ns) {
		obj = maps.Clone(obj)
		obj["automountServiceAccountToken"] = false
	}
	return obj
}

// account returns the admitted ServiceAccount that a workload runs as. One that no
// release renders is made up without the field, as Kubernetes or another tool
// would make it.
func (s *simulation) account(namespace, name string) map[string]any {
	key := [2]string{namespace, name}
	if s.accounts[key] == nil {
		s.accounts[key] = s.admit(map[string]any{"apiVersion": "v1", "kind": "ServiceAccount",
			"metadata": map[string]any{"namespace": namespace, "name": name}})
	}
	return s.accounts[key]
}

func (s *simulation) admitWorkload(w *Workload) {
	spec := w.PodSpec
	if spec == nil {
		spec = map[string]any{"serviceAccountName": w.ServiceAccount}
		if w.Automount != nil {
			spec["automountServiceAccountToken"] = *w.Automount
		}
	}
	specs := map[string]map[string]any{} // by the controller's name
	for _, controller := range controllerManifests(w, spec) {
		admitted := s.admit(controller)
		s.validate(admitted)
		specs[nameOf(admitted)] = templateSpec(admitted, spec)
	}
	account := s.account(w.Namespace, w.ServiceAccount)
	for _, name := range w.Pods {
		own := specs[controllerOf(w, name)]
		if own == nil {
			own = spec
		}
		pod := s.admit(podManifest(w, name, own))
		s.effect.Token[w] = s.effect.Token[w] || s.policies.TokenMounted(pod, account)
		if w.Kind == "Pod" {
			s.validate(pod)
		}
	}
}

// controllerManifests returns the Deployments and StatefulSets behind the workload:
// its own manifest, or what its operator would make, with the pod's spec as given.
func controllerManifests(w *Workload, spec map[string]any) []map[string]any {
	if len(w.Made) == 0 && len(w.controllers()) > 0 {
		return []map[string]any{policy.Manifest(w.Object)}
	}
	var out []map[string]any
	for _, name := range w.Made {
		out = append(out, map[string]any{"apiVersion": "apps/v1", "kind": w.madeKind(name),
			"metadata": map[string]any{"namespace": w.Namespace, "name": name},
			"spec":     map[string]any{"template": map[string]any{"metadata": podMetadata(w), "spec": spec}}})
	}
	return out
}

// madeKind is the kind of a controller that an operator makes: a StatefulSet's pods are numbered.
func (w *Workload) madeKind(name string) string {
	for _, p := range w.Pods {
		if p.Admission == name+"-0" {
			return "StatefulSet"
		}
	}
	return "Deployment"
}

// controllerOf names the controller that makes a pod: the one with the longest
// name that the pod's begins with.
func controllerOf(w *Workload, pod PodName) string {
	longest := ""
	for _, name := range w.controllers() {
		if strings.HasPrefix(pod.Admission, name+"-") && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

func nameOf(obj map[string]any) string {
	meta, _ := obj["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	return name
}

func (s *simulation) validate(obj map[string]any) {
	s.effect.Violations = append(s.effect.Violations, s.policies.Validate(obj)...)
}

func podManifest(w *Workload, name PodName, spec map[string]any) map[string]any {
	meta := podMetadata(w)
	meta["namespace"] = w.Namespace
	if name.Admission == name.Full {
		meta["name"] = name.Full
	} else {
		meta["generateName"] = name.Admission
	}
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

func podMetadata(w *Workload) map[string]any {
	meta := map[string]any{}
	if len(w.PodLabels) > 0 {
		labels := map[string]any{}
		for k, v := range w.PodLabels {
			labels[k] = v
		}
		meta["labels"] = labels
	}
	return meta
}

// templateSpec returns spec.template.spec of an admitted controller, or the spec
// that is given where it has none.
func templateSpec(obj map[string]any, otherwise map[string]any) map[string]any {
	spec, _ := obj["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	if pod, ok := template["spec"].(map[string]any); ok {
		return pod
	}
	return otherwise
}
