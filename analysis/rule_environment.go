package analysis

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"tokenward/analysis/rbac"
)

func findEnvironment(ix *index, s *subject) []finding {
	if ix.signs == nil {
		return nil
	}
	var out []finding
	for _, v := range s.env {
		for _, sign := range ix.signs.Env {
			if sign.match.MatchString(v.name) && sign.value.MatchString(v.value) {
				out = append(out, at(v.source, sign.says(), fmt.Sprintf("%s (%s) in container %s", sign.Words, v.name, v.container)))
				break
			}
		}
	}
	return dedupe(out)
}

// variable is an environment variable of a container whose value is known.
type variable struct {
	name, value string
	container   string
	source      rbac.Source
}

// environment collects the variables of all containers: given ones, and those
// from ConfigMaps that the platform renders. Values from the downward API, which only say who
// the pod is, and those from Secrets are left out.
func (ix *index) environment(s *subject, m *meter) []variable {
	if s.pod == nil {
		return nil
	}
	own := rbac.Source{Object: s.Object, Release: s.Release}
	var out []variable
	add := func(v variable) bool {
		if !m.take(v.value) {
			return false
		}
		out = append(out, v)
		return true
	}
	for _, c := range s.pod.containers() {
		given := map[string]bool{} // which win over those of a whole ConfigMap
		for _, e := range c.Env {
			given[e.Name] = given[e.Name] || !mayBeMissing(e.ValueFrom)
		}
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef == nil {
				continue
			}
			for _, f := range ix.keys("ConfigMap", s.Namespace, from.ConfigMapRef.Name, nil) {
				if name := from.Prefix + f.path; !given[name] && !add(variable{name, f.text, c.Name, f.source}) {
					return out
				}
			}
		}
		for _, e := range c.Env {
			for _, f := range ix.valueOf(s, e, own) {
				if !add(variable{e.Name, f.text, c.Name, f.source}) {
					return out
				}
			}
		}
	}
	return out
}

// valueOf is what a variable is given, and by whom; none where that is not known.
func (ix *index) valueOf(s *subject, e corev1.EnvVar, own rbac.Source) []file {
	switch {
	case e.ValueFrom == nil:
		return []file{{text: e.Value, source: own}}
	case e.ValueFrom.ConfigMapKeyRef != nil:
		ref := e.ValueFrom.ConfigMapKeyRef
		return ix.keys("ConfigMap", s.Namespace, ref.Name, []corev1.KeyToPath{{Key: ref.Key, Path: ref.Key}})
	}
	return nil
}

// mayBeMissing tells whether a container starts without a variable where what it refers to is not there.
func mayBeMissing(from *corev1.EnvVarSource) bool {
	optional := func(b *bool) bool { return b != nil && *b }
	return from != nil && (from.ConfigMapKeyRef != nil && optional(from.ConfigMapKeyRef.Optional) || from.SecretKeyRef != nil && optional(from.SecretKeyRef.Optional))
}
