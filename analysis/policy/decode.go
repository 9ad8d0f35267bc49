package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenward/analysis/render"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The specs mirror the fields of the engine's API that are understood here. Any
// other field is an error, so nothing that changes an answer goes unnoticed.
type ruleSpec struct {
	Name                   string          `json:"name"`
	Match                  matchSpec       `json:"match"`
	Exclude                *matchSpec      `json:"exclude"`
	Preconditions          json.RawMessage `json:"preconditions"`
	Mutate                 *mutateSpec     `json:"mutate"`
	Validate               *validateSpec   `json:"validate"`
	SkipBackgroundRequests any             `json:"skipBackgroundRequests"` // of background scans only
	ReportProperties       any             `json:"reportProperties"`       // of reports only

	validates func(kind string) bool // nil: whatever the kind; see withControllerRules
}

type matchSpec struct {
	Any       []filterSpec  `json:"any"`
	All       []filterSpec  `json:"all"`
	Resources resourcesSpec `json:"resources"`
}

type filterSpec struct {
	Resources resourcesSpec `json:"resources"`
}

type resourcesSpec struct {
	Kinds             []string              `json:"kinds"`
	Name              string                `json:"name"`
	Names             []string              `json:"names"`
	Namespaces        []string              `json:"namespaces"`
	Annotations       map[string]string     `json:"annotations"`
	Selector          *metav1.LabelSelector `json:"selector"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	Operations        []string              `json:"operations"`
}

type mutateSpec struct {
	PatchStrategicMerge          map[string]any `json:"patchStrategicMerge"`
	Targets                      []targetSpec   `json:"targets"`
	MutateExistingOnPolicyUpdate bool           `json:"mutateExistingOnPolicyUpdate"`
}

type targetSpec struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
}

type validateSpec struct {
	Pattern                 any   `json:"pattern"`
	AnyPattern              []any `json:"anyPattern"`
	Message                 any   `json:"message"`
	FailureAction           any   `json:"failureAction"`
	FailureActionOverrides  any   `json:"failureActionOverrides"`
	AllowExistingViolations any   `json:"allowExistingViolations"`
}

type exceptionSpec struct {
	Exceptions []struct {
		PolicyName string   `json:"policyName"`
		RuleNames  []string `json:"ruleNames"`
	} `json:"exceptions"`
	Match      matchSpec `json:"match"`
	Background any       `json:"background"`
}

// policyFields are the fields of a policy's spec that say how the engine runs or
// reports, not what its rules answer.
func policyFields() []string {
	return []string{
		"background", "emitWarning", "failurePolicy", "generateExisting", "schemaValidation",
		"useServerSideApply", "validationFailureAction", "validationFailureActionOverrides", "webhookTimeoutSeconds",
	}
}

// droppedError says why the engine does not take an object at all.
type droppedError struct{ reason string }

func (e *droppedError) Error() string { return e.reason }

func droppedf(format string, args ...any) error { return &droppedError{fmt.Sprintf(format, args...)} }

// addPolicy loads one policy. A policy that the engine would not take becomes a
// warning and is left out.
func (p *Policies) addPolicy(o *render.Object) error {
	pol, err := decodePolicy(o)
	var dropped *droppedError
	if errors.As(err, &dropped) {
		p.warnings = append(p.warnings, fmt.Sprintf("%s is not taken by the policy engine and has no effect: %s", o.ID(), err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", o.ID(), err)
	}
	p.policies = append(p.policies, pol)
	return nil
}

func decodePolicy(o *render.Object) (*policy, error) {
	fields := o.Fields()
	spec, _ := fields["spec"].(map[string]any)
	pol := &policy{name: o.Name}
	if o.Kind == "Policy" {
		pol.namespace = o.Namespace
	}
	onUpdate := false
	for _, field := range slices.Sorted(maps.Keys(spec)) {
		value := spec[field]
		switch {
		case field == "rules", slices.Contains(policyFields(), field):
		case field == "applyRules" && (value == "One" || value == "All"):
			pol.applyOne = value == "One"
		case field == "mutateExistingOnPolicyUpdate":
			onUpdate = value == true
		case field == "admission" && value == true:
		default:
			return nil, fmt.Errorf("spec.%s is not understood", field)
		}
	}
	annotations := stringMap(dig(fields, "metadata", "annotations"))
	if annotations[controllersAnnotation] == "all" {
		return nil, droppedf("its annotation %s is all, which the engine does not take any more", controllersAnnotation)
	}
	list, _ := spec["rules"].([]any)
	if len(list) == 0 {
		return nil, droppedf("it has no rules")
	}
	var specs []*ruleSpec
	for i, raw := range list {
		s, err := decodeRule(i, raw)
		if err != nil {
			return nil, err
		}
		if err := s.check(onUpdate, o.Kind == "Policy"); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(specs, func(other *ruleSpec) bool { return other.Name == s.Name }) {
			return nil, droppedf("two rules are called %s", s.Name)
		}
		specs = append(specs, s)
	}
	for _, s := range withControllerRules(specs, annotations) {
		r, err := s.compile()
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", s.Name, err)
		}
		pol.rules = append(pol.rules, r)
	}
	return pol, nil
}

func decodeRule(i int, raw any) (*ruleSpec, error) {
	name, _ := dig(raw, "name").(string)
	if name == "" {
		name = fmt.Sprintf("number %d", i+1)
	}
	for _, block := range []string{"match", "exclude"} {
		m, _ := dig(raw, block).(map[string]any)
		_, hasAny := m["any"]
		_, hasAll := m["all"]
		if hasAny && hasAll {
			return nil, droppedf("rule %s: %s has both any and all", name, block)
		}
	}
	s := &ruleSpec{}
	if err := decodeStrict(raw, s); err != nil {
		return nil, fmt.Errorf("rule %s: %w", name, err)
	}
	return s, nil
}

// decodeStrict fills into from raw. A field that into lacks is an error; a value of
// the wrong type is what the engine's schema rejects, so it is a droppedError.
func decodeStrict(raw, into any) error {
	data, err := json.Marshal(raw)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err = dec.Decode(into)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		hint := ""
		if wrongType.Type.Kind().String() == "string" {
			hint = "; a name that YAML reads as something else must be quoted"
		}
		return droppedf("%s holds a %s where %s is wanted%s", wrongType.Field, wrongType.Value, wrongType.Type, hint)
	}
	if err != nil {
		return fmt.Errorf("field %s is not understood", strings.TrimPrefix(err.Error(), "json: unknown field "))
	}
	return nil
}
