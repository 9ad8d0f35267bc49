package analysis

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// standardPath is where the kubelet mounts the token, and where clients look.
const standardPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// findOwnToken looks for projected tokens. One for the API server replaces the
// automounted one if it is mounted where clients look, or if automounting is
// switched off; one of another audience gives no access to the API.
func findOwnToken(_ *index, s *subject) []finding {
	if s.pod == nil {
		return nil
	}
	var out []finding
	for _, v := range s.pod.spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, p := range v.Projected.Sources {
			if p.ServiceAccountToken == nil {
				continue
			}
			out = append(out, judgeProjected(s, v.Name, p.ServiceAccountToken.Audience))
		}
	}
	return out
}

func judgeProjected(s *subject, volume, audience string) finding {
	if !isAPIAudience(audience) {
		return here(s, picture, fmt.Sprintf("mounts a token of audience %s from volume %s, which gives no access to the API", audience, volume))
	}
	where := mountedAt(s.pod, volume)
	off := s.Automount != nil && !*s.Automount
	switch {
	case where == standardPath && (off || mountedByAll(s.pod, volume)):
		return here(s, ownToken, fmt.Sprintf("brings its own token for the API from volume %s, mounted at %s: the automounted one is not needed", volume, where))
	case off && where != "":
		return here(s, ownToken, fmt.Sprintf("brings its own token for the API from volume %s, mounted at %s, and switches the automounted one off", volume, where))
	}
	return here(s, picture, fmt.Sprintf("mounts a token for the API of its own from volume %s, but not in all containers, or not where clients look", volume))
}

// isAPIAudience tells whether the API server accepts a token of the audience by
// default: none given, or its own names.
func isAPIAudience(audience string) bool {
	host := strings.TrimPrefix(audience, "https://")
	return audience == "" || audience == "api" || audience == "kubernetes" || host == "kubernetes.default" ||
		strings.HasPrefix(host, "kubernetes.default.svc") || strings.HasPrefix(host, "kubernetes.svc")
}

// mountedAt returns where a volume is mounted, the standard path first.
func mountedAt(p *pod, volume string) string {
	found := ""
	for _, c := range p.containers() {
		for _, m := range c.VolumeMounts {
			if m.Name != volume {
				continue
			}
			at := path.Clean(m.MountPath)
			if at == standardPath || "/var"+at == standardPath {
				return standardPath
			}
			found = at
		}
	}
	return found
}

// mountedByAll tells whether no container is left to which the automounted token would go.
func mountedByAll(p *pod, volume string) bool {
	return !p.bare && !slices.ContainsFunc(p.containers(), func(c corev1.Container) bool {
		return !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			at := path.Clean(m.MountPath)
			return m.Name == volume && (at == standardPath || "/var"+at == standardPath)
		})
	})
}

// isGiven tells whether the automount field is the manifest's own word and not an
// operator's default.
func (s *subject) isGiven() bool {
	return s.Automount != nil && (s.operator == nil || s.Automount != s.operator.AutomountDefault)
}

func findExplicitTrue(ix *index, s *subject) []finding {
	if !s.isGiven() || !*s.Automount {
		return nil
	}
	if all := ix.givenBy(s); all.on == all.workloads && all.on > 1 {
		return []finding{here(s, blanket, fmt.Sprintf("its template sets automountServiceAccountToken to true, as its chart does on all its %d workloads", all.workloads))}
	}
	return []finding{here(s, mayAsk, "its template sets automountServiceAccountToken to true")}
}

// chart is a chart, or subchart, of one release.
type chart struct{ namespace, release, folder string }

// given counts the workloads of a chart, and those that set automountServiceAccountToken to true.
type given struct{ workloads, on int }

// givenBy counts the workloads that the same chart of the same release renders,
// the subject and no tests among them.
func (ix *index) givenBy(s *subject) given {
	all := ix.charts[chartKey(s)]
	if s.isTest() {
		all.add(s)
	}
	return all
}

func chartKey(s *subject) chart { return chart{s.Namespace, s.Release, chartOf(s)} }

func (g *given) add(s *subject) {
	if s.operator != nil {
		return
	}
	g.workloads++
	if s.Automount != nil && *s.Automount {
		g.on++
	}
}

// chartOf is the folder of the chart, or subchart, that renders a workload.
func chartOf(s *subject) string {
	source := s.Object.Source
	if at := strings.LastIndex(source, "/templates/"); at >= 0 {
		return source[:at]
	}
	return path.Dir(source)
}

func findExplicitFalse(_ *index, s *subject) []finding {
	switch {
	case s.Automount == nil || *s.Automount:
		return nil
	case !s.isGiven():
		return []finding{here(s, turnedOff, "its operator sets automountServiceAccountToken to false where the resource does not ask for it")}
	}
	return []finding{here(s, turnedOff, "its template sets automountServiceAccountToken to false")}
}

// findChecked recognises gateways of a service mesh: the injector fills the pod
// with a proxy that brings a token of the mesh's audience, and the control plane
// asks the API what the pod's account may do before it hands out Secrets.
// Source: istio/istio issues 24667 and 53124.
func findChecked(_ *index, s *subject) []finding {
	if s.pod == nil || len(s.pod.spec.Containers) == 0 {
		return nil
	}
	for _, c := range s.pod.spec.Containers {
		if c.Image != "auto" && !isProxy(c) {
			return nil
		}
	}
	return []finding{here(s, checked, "is a proxy of the mesh, which brings a token of its own audience; the control plane looks at the account's rights on its behalf")}
}

func isProxy(c corev1.Container) bool {
	return c.Name == "istio-proxy" && strings.Contains(imageName(c.Image), "proxy")
}
