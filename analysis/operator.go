package analysis

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed operators.yaml
var operatorData []byte

// Need says whether the pods that an operator makes call the API.
type Need string

const (
	NeedYes    Need = "yes"     // always; the operator binds what they need
	NeedNo     Need = "no"      // never, whatever is bound to their account
	NeedByRBAC Need = "by-rbac" // where a role is bound to their account
	// NeedNotByItself is for programs that have no use for the API of their own:
	// only a role that is bound to their account speaks for a need.
	NeedNotByItself Need = "not-by-itself"
)

// Operator describes one custom resource whose operator makes pods, or that is
// known to make none. The paths are dotted, relative to the manifest; "[]" steps
// into every item of a list (spec.nodeSets[].name), "\." is a dot inside a key.
type Operator struct {
	Group string `json:"group"` // API group; "*.example.com" takes its subgroups, too
	Kind  string `json:"kind"`  // "*" for every kind of the group
	// Part tells the entries of one kind apart whose pods have needs of their own; each
	// gives a workload of its own, called after the resource and the part.
	Part string `json:"part,omitempty"`
	// NoPods tells that no pods come from it, whatever it looks like.
	NoPods bool `json:"noPods,omitempty"`
	// Namespace is the path at which the pods' namespace may stand, where it can
	// differ from the resource's own.
	Namespace string `json:"namespace,omitempty"`
	// ServiceAccount are the paths of the account's name; Account is what the
	// operator takes where none is given, with {name} for the resource's name.
	ServiceAccount []string `json:"serviceAccount,omitempty"`
	Account        string   `json:"account,omitempty"`
	// Automount are the paths of the automount field; AutomountDefault is what the
	// operator writes into the pods where it is absent, nil if it writes nothing. A path
	// with "!" before it is of a field that switches the token off where it is true.
	Automount        []string `json:"automount,omitempty"`
	AutomountDefault *bool    `json:"automountDefault,omitempty"`
	// PodSpecs are the paths of mappings that hold parts of a pod's spec
	// (containers, volumes...); PodMeta those of the pods' labels and annotations.
	PodSpecs []string `json:"podSpecs,omitempty"`
	PodMeta  []string `json:"podMeta,omitempty"`
	// Labels are labels that the operator gives the pods, with {name}.
	Labels map[string]string `json:"labels,omitempty"`
	Pods   []OperatorPods    `json:"pods,omitempty"`
	Needs  Need              `json:"needsAPI,omitempty"`
	// Reason is a sentence that explains Needs, as a predicate of the pod.
	Reason string `json:"reason,omitempty"`
}

// OperatorPods is one controller that an operator makes.
type OperatorPods struct {
	// Kind is Deployment, StatefulSet, DaemonSet, Job, CronJob or Pod, or Prefix for
	// pods of which only the beginning of the name is known.
	Kind string `json:"kind"`
	// Name is the controller's name: {name} and {namespace} are the resource's,
	// {path} a value inside it ({spec.pools[].name}), {path|word} with a default, in
	// which # is the item's number and @ the resource's name. A name whose path is
	// missing is left out.
	Name string `json:"name"`
	// When is the condition under which the controller is made: path (true or not
	// empty), !path, path=value or path!=value, joined by & and |, where & binds tighter.
	When string `json:"when,omitempty"`
}

// Operators returns the embedded table, which is read once.
func Operators() ([]Operator, error) {
	table, err := embeddedOperators()
	return slices.Clone(table), err
}

var embeddedOperators = sync.OnceValues(func() ([]Operator, error) {
	var table struct {
		Operators []Operator `json:"operators"`
	}
	if err := yaml.UnmarshalStrict(operatorData, &table); err != nil {
		return nil, fmt.Errorf("read the embedded operator table: %w", err)
	}
	return table.Operators, nil
})

// Validate says what is wrong with an entry that a user adds.
func (o Operator) Validate() error {
	switch {
	case o.Group == "":
		return fmt.Errorf("operator of kind %q: group must not be empty", o.Kind)
	case o.Kind == "":
		return fmt.Errorf("operator of group %q: kind must not be empty", o.Group)
	case o.NoPods:
		return nil
	case len(o.Pods) == 0:
		return fmt.Errorf("operator %s/%s: pods must name at least one controller", o.Group, o.Kind)
	case !slices.Contains([]Need{NeedYes, NeedNo, NeedByRBAC, NeedNotByItself}, o.Needs):
		return fmt.Errorf("operator %s/%s: needsAPI must be yes, no, by-rbac or not-by-itself (got %q)", o.Group, o.Kind, o.Needs)
	case o.Reason == "":
		return fmt.Errorf("operator %s/%s: reason must say why", o.Group, o.Kind)
	}
	for _, p := range o.Pods {
		if podNames(p.Kind, "x", "", 1) == nil {
			return fmt.Errorf("operator %s/%s: %q is no kind of controller", o.Group, o.Kind, p.Kind)
		}
		if strings.Count(p.Name, "{") != strings.Count(p.Name, "}") || p.Name == "" {
			return fmt.Errorf("operator %s/%s: name %q of the pods is not well-formed", o.Group, o.Kind, p.Name)
		}
	}
	return nil
}

// operatorTable finds the entries of a custom resource.
type operatorTable struct {
	entries []Operator
	added   int   // how many of them are the user's
	err     error // the embedded table could not be read
}

// newOperatorTable puts the user's entries before the embedded ones, so that
// they win.
func newOperatorTable(added []Operator) *operatorTable {
	embedded, err := Operators()
	return &operatorTable{entries: append(slices.Clone(added), embedded...), added: len(added), err: err}
}

// find returns the entries of a kind, one for each of its parts: the user's, if
// there are any, else the embedded ones, else the first for every kind of the group.
func (t *operatorTable) find(group, kind string) []*Operator {
	var found []*Operator
	var all *Operator
	for i := range t.entries {
		o := &t.entries[i]
		if i == t.added && len(found) > 0 {
			break
		}
		switch {
		case !groupMatches(o.Group, group):
		case o.Kind == kind:
			found = append(found, o)
		case o.Kind == "*" && all == nil:
			all = o
		}
	}
	if len(found) == 0 && all != nil {
		found = append(found, all)
	}
	return found
}

func groupMatches(pattern, group string) bool {
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix("."+group, suffix)
	}
	return pattern == group
}
