package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"tokenward/analysis/wildcard"

	"tokenward/analysis/render"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// filterForm is one [kind,namespace,name] of the engine's resourceFilters.
var filterForm = regexp.MustCompile(`\[([^\[\]]*)\]`)

// SkippedNamespaces returns the namespaces, sorted, that the engine's own
// configuration takes out of admission, so that lists for them have no effect: from
// the resourceFilters that cover every Pod and ServiceAccount of a namespace, and from
// the webhooks' namespaceSelector on the namespace's name. An entry may be a pattern
// with wildcards. It returns nothing where no such configuration is rendered.
func SkippedNamespaces(objects []*render.Object) []string {
	var out []string
	for _, o := range objects {
		if o.Kind != "ConfigMap" || o.APIVersion != "v1" {
			continue
		}
		filters, isEngine := o.Text("data", "resourceFilters")
		if !isEngine {
			continue
		}
		webhooks, _ := o.Text("data", "webhooks")
		out = append(out, filteredNamespaces(filters)...)
		out = append(out, unselectedNamespaces(webhooks)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// IsSkipped reports whether one of the entries of SkippedNamespaces covers the namespace.
func IsSkipped(skipped []string, namespace string) bool { return matchesAny(skipped, namespace) }

func filteredNamespaces(filters string) []string {
	pods := map[string]bool{}
	accounts := map[string]bool{}
	for _, m := range filterForm.FindAllStringSubmatch(filters, -1) {
		parts := strings.Split(m[1], ",")
		if len(parts) != 3 || parts[2] != "*" || parts[1] == "" {
			continue
		}
		k := parseKind(parts[0])
		if !wildcard.Match(k.group, "") || !wildcard.Match(k.version, "v1") || !wildcard.Match(k.sub, "") {
			continue
		}
		pods[parts[1]] = pods[parts[1]] || wildcard.Match(k.kind, "Pod")
		accounts[parts[1]] = accounts[parts[1]] || wildcard.Match(k.kind, "ServiceAccount")
	}
	var out []string
	for namespace, covered := range pods {
		if covered && accounts[namespace] {
			out = append(out, namespace)
		}
	}
	return out
}

// unselectedNamespaces reads the webhooks setting, which is one object or, in older
// releases of the engine, a list of them. Text that is neither selects everything.
func unselectedNamespaces(setting string) []string {
	type webhook struct {
		NamespaceSelector metav1.LabelSelector `json:"namespaceSelector"`
	}
	var list []webhook
	var one webhook
	if json.Unmarshal([]byte(setting), &list) != nil && json.Unmarshal([]byte(setting), &one) == nil {
		list = []webhook{one}
	}
	var out []string
	for _, w := range list {
		for _, e := range w.NamespaceSelector.MatchExpressions {
			if e.Key == nameLabel && e.Operator == metav1.LabelSelectorOpNotIn {
				out = append(out, e.Values...)
			}
		}
	}
	return out
}
