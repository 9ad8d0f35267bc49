package policy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// The engine turns a rule about Pods into rules about the controllers that make them,
// but only in a policy of which no rule filters by name, selector or annotation and no
// filter names other kinds beside Pod.

const controllersAnnotation = "pod-policies.kyverno.io/autogen-controllers"

// controllerKinds returns the kinds for which rules are generated, except CronJob,
// with the form in which the engine writes them.
func controllerKinds() map[string]string {
	return map[string]string{
		"DaemonSet": "apps/v1/DaemonSet", "Deployment": "apps/v1/Deployment", "Job": "batch/v1/Job",
		"ReplicaSet": "apps/v1/ReplicaSet", "ReplicationController": "v1/ReplicationController", "StatefulSet": "apps/v1/StatefulSet",
	}
}

// withControllerRules appends the rules that the engine generates. Where there are any,
// rules that are called like them mutate nothing. For validation the engine looks at the
// rules anew for each kind: at generated ones only for a controller that is wanted, and at
// those that are called like them only for other kinds.
func withControllerRules(specs []*ruleSpec, annotations map[string]string) []*ruleSpec {
	kinds, cronJob := wantedControllers(annotations)
	if !canGenerate(specs) || len(kinds) == 0 && !cronJob {
		return specs
	}
	isController := func(kind string) bool {
		return slices.ContainsFunc(kinds, func(k string) bool { return strings.HasSuffix(k, "/"+kind) })
	}
	isCronJob := func(kind string) bool { return cronJob && kind == "CronJob" }
	isOther := func(kind string) bool { return !isController(kind) && !isCronJob(kind) }
	var out, generated []*ruleSpec
	for _, s := range specs {
		if strings.HasPrefix(s.Name, "autogen-") {
			if s.Mutate == nil {
				out = append(out, s.validatingOnly(isOther))
			}
			continue
		}
		out = append(out, s)
		if !isAboutPods(s) {
			continue
		}
		if len(kinds) > 0 {
			generated = append(generated, s.forController("autogen-", kinds, "template", false).validatingOnly(isController))
		}
		if cronJob {
			pods := s.forController("", []string{"Pod"}, "template", false)
			generated = append(generated, pods.forController("autogen-cronjob-", []string{"batch/v1/CronJob"}, "jobTemplate", true).validatingOnly(isCronJob))
		}
	}
	if len(generated) == 0 {
		return specs
	}
	return append(out, generated...)
}

// validatingOnly returns the rule as one that validates resources of some kinds only.
func (s *ruleSpec) validatingOnly(ofKind func(string) bool) *ruleSpec {
	out := *s
	out.validates = ofKind
	return &out
}

// wantedControllers reads the annotation by which a policy chooses the controllers;
// without it, it is all of them.
func wantedControllers(annotations map[string]string) (kinds []string, cronJob bool) {
	known := controllerKinds()
	chosen, ok := annotations[controllersAnnotation]
	if !ok {
		for _, kind := range known {
			kinds = append(kinds, kind)
		}
		slices.Sort(kinds)
		return kinds, true
	}
	for _, name := range strings.Split(chosen, ",") {
		if kind, ok := known[name]; ok {
			kinds = append(kinds, kind)
		}
		cronJob = cronJob || name == "CronJob"
	}
	return kinds, cronJob
}

func canGenerate(specs []*ruleSpec) bool {
	needed := false
	for _, s := range specs {
		for _, r := range s.everyFilter() {
			mixed := len(r.Kinds) > 1 && namesKind(r.Kinds, "Pod")
			if r.Name != "" || len(r.Names) > 0 || r.Selector != nil || r.Annotations != nil || mixed {
				return false
			}
			needed = needed || slices.ContainsFunc(r.Kinds, func(k string) bool {
				return k == "Pod" || k == "CronJob" || controllerKinds()[k] != ""
			})
		}
	}
	return needed
}

func (s *ruleSpec) everyFilter() []*resourcesSpec {
	out := s.Match.pointers()
	if s.Exclude != nil {
		out = append(out, s.Exclude.pointers()...)
	}
	return out
}

// pointers returns all filters of the block, to be read or changed.
func (m *matchSpec) pointers() []*resourcesSpec {
	out := []*resourcesSpec{&m.Resources}
	for i := range m.Any {
		out = append(out, &m.Any[i].Resources)
	}
	for i := range m.All {
		out = append(out, &m.All[i].Resources)
	}
	return out
}

func isAboutPods(s *ruleSpec) bool {
	if !slices.ContainsFunc(s.Match.pointers(), func(r *resourcesSpec) bool { return namesKind(r.Kinds, "Pod") }) {
		return false
	}
	if s.Exclude == nil {
		return true
	}
	excludes := s.Exclude.pointers()
	return !slices.ContainsFunc(excludes, func(r *resourcesSpec) bool { return len(r.Kinds) > 0 }) ||
		slices.ContainsFunc(excludes, func(r *resourcesSpec) bool { return namesKind(r.Kinds, "Pod") })
}

// namesKind reports whether a list of kinds names kind in whatever form.
func namesKind(kinds []string, kind string) bool {
	return slices.ContainsFunc(kinds, func(k string) bool {
		name := parseKind(k).kind
		return name == kind
	})
}

// forController returns the rule as it reads for a controller: its pattern or patch and
// the variables of its preconditions moved below spec.<template>, its kinds replaced. Filters that do not name Pod keep
// their kinds, unless every says otherwise.
func (s *ruleSpec) forController(prefix string, kinds []string, template string, every bool) *ruleSpec {
	out := *s
	out.Name = prefix + strings.TrimPrefix(s.Name, "autogen-")
	out.Name = out.Name[:min(len(out.Name), 63)]
	out.Match = s.Match.withKinds(kinds, every)
	if s.Exclude != nil {
		exclude := s.Exclude.withKinds(kinds, every)
		out.Exclude = &exclude
	}
	out.Preconditions = belowTemplate(s.Preconditions, template)
	below := func(v any) map[string]any {
		return map[string]any{"spec": map[string]any{template: v}}
	}
	if s.Mutate != nil {
		out.Mutate = &mutateSpec{PatchStrategicMerge: below(s.Mutate.PatchStrategicMerge)}
	}
	if s.Validate != nil {
		validate := *s.Validate
		if validate.Pattern != nil {
			validate.Pattern = below(validate.Pattern)
		}
		validate.AnyPattern = nil
		for _, pattern := range s.Validate.AnyPattern {
			validate.AnyPattern = append(validate.AnyPattern, below(pattern))
		}
		out.Validate = &validate
	}
	return &out
}

// belowTemplate moves what variables read of the object into spec.<template>, in the text
// as the engine does it.
func belowTemplate(preconditions json.RawMessage, template string) json.RawMessage {
	below := "request.object.spec." + template + "."
	out := bytes.ReplaceAll(preconditions, []byte("request.object.spec"), []byte(below+"spec"))
	return bytes.ReplaceAll(out, []byte("request.object.metadata"), []byte(below+"metadata"))
}

func (m *matchSpec) withKinds(kinds []string, every bool) matchSpec {
	out := matchSpec{Any: slices.Clone(m.Any), All: slices.Clone(m.All), Resources: m.Resources}
	for i, r := range out.pointers() {
		plain := i == 0
		if plain && len(r.Kinds) > 0 || !plain && (every || namesKind(r.Kinds, "Pod")) {
			r.Kinds = kinds
		}
	}
	return out
}
