package analysis

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// maker says where a built-in kind keeps its pod template.
type maker struct {
	kind     string
	groups   []string // API groups, "" for the core group
	template []string // path to the pod template; empty: the object is the pod
}

// makers lists the built-in kinds that make pods, and those of other API groups
// that make them in just the same way.
func makers() []maker {
	template := []string{"spec", "template"}
	return []maker{
		{"Deployment", []string{"apps", "extensions"}, template},
		{"StatefulSet", []string{"apps"}, template},
		{"DaemonSet", []string{"apps", "extensions"}, template},
		{"ReplicaSet", []string{"apps", "extensions"}, template},
		{"Job", []string{"batch"}, template},
		{"CronJob", []string{"batch"}, []string{"spec", "jobTemplate", "spec", "template"}},
		{"Pod", []string{""}, nil},
		{"ReplicationController", []string{""}, template},
		{"DeploymentConfig", []string{"apps.openshift.io", ""}, template},
		{"Rollout", []string{"argoproj.io"}, template},
	}
}

// subject is a workload with its pod read into types: what the rules look at.
type subject struct {
	*Workload
	pod      *pod
	operator *Operator // what is known of its kind, nil for a built-in one
	unknown  bool      // a kind that nobody taught us about
	err      error     // why its pod could not be read

	texts []snippet  // everything that its pod says or mounts
	env   []variable // of its containers
	own   []finding  // of the rules that look at it alone
}

// pod is what a pod template says. For a custom resource it is what the resource
// adds to the pods that its operator makes.
type pod struct {
	spec        corev1.PodSpec
	labels      map[string]string
	annotations map[string]string
	// bare tells that the pods hold containers that the manifest does not show.
	bare bool
}

// containers lists all containers, init containers first.
func (p *pod) containers() []corev1.Container {
	return append(append([]corev1.Container(nil), p.spec.InitContainers...), p.spec.Containers...)
}

// sources lists the set's objects with their releases.
func sources(set *Set) []rbac.Source {
	var out []rbac.Source
	add := func(release string, objects []*render.Object) {
		for _, o := range objects {
			out = append(out, rbac.Source{Object: o, Release: release})
		}
	}
	for _, r := range set.Releases {
		add(r.Name, r.Objects)
	}
	add("", set.Extra)
	return out
}

func subjects(objects []rbac.Source, table *operatorTable) []*subject {
	var out []*subject
	kinds := makers()
	for _, s := range objects {
		if m := makerOf(kinds, s.Object); m != nil {
			out = append(out, readBuiltIn(s, m))
		} else {
			out = append(out, table.read(s)...)
		}
	}
	sortSubjects(out)
	return out
}

func makerOf(kinds []maker, o *render.Object) *maker {
	for i, m := range kinds {
		if m.kind != o.Kind {
			continue
		}
		for _, group := range m.groups {
			if group == groupOf(o) {
				return &kinds[i]
			}
		}
	}
	return nil
}

func groupOf(o *render.Object) string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

func readBuiltIn(s rbac.Source, m *maker) *subject {
	o := s.Object
	w := &Workload{Namespace: o.Namespace, Release: s.Release, Kind: o.Kind, Name: o.Name, Object: o, ServiceAccount: "default"}
	out := &subject{Workload: w}
	fields := o.Fields()
	template, err := mapPath(fields, m.template)
	if err != nil {
		out.err = fmt.Errorf("read the pod template: %w", err)
		w.Pods = podNames(o.Kind, o.Name, "", 1)
		return out
	}
	meta, spec := mapAt(template, "metadata"), mapAt(template, "spec")
	w.PodSpec, w.PodLabels = spec, textsAt(meta, "labels")
	replicas := 1
	if n, ok := number(mapAt(fields, "spec")["replicas"]); ok {
		replicas = n
	}
	name, generateName := o.Name, textAt(mapAt(fields, "metadata"), "generateName")
	if o.Kind != "Pod" && generateName != "" && textAt(mapAt(fields, "metadata"), "name") == "" {
		name, w.stems = generated(generateName).Full, append(w.stems, generateName)
	}
	w.Pods = podNames(o.Kind, name, generateName, replicas)
	if o.Kind == "Job" && textAt(mapAt(fields, "spec"), "completionMode") == "Indexed" {
		completions, _ := number(mapAt(fields, "spec")["completions"])
		if w.Pods = indexedJobPods(name, completions); len(w.Pods) > 1 {
			w.stems = append(w.stems, commonPrefix(w.Pods[0].Admission, w.Pods[1].Admission))
		}
	}
	addLater(w, replicas)
	out.pod, out.err = readPod(o, spec, meta)
	if out.err != nil {
		return out
	}
	addImpliedLabels(out.pod, w)
	if sa := out.pod.spec.ServiceAccountName; sa != "" {
		w.ServiceAccount = sa
	} else if sa := out.pod.spec.DeprecatedServiceAccount; sa != "" {
		w.ServiceAccount = sa
	}
	w.Automount = out.pod.spec.AutomountServiceAccountToken
	return out
}

// addLater adds the names of the pods after an upgrade, where its revision is part of
// the object's name: patterns then end before it.
func addLater(w *Workload, replicas int) {
	later := w.Object.Later
	if later == "" {
		return
	}
	w.Pods = append(w.Pods, podNames(w.Kind, later, "", replicas)...)
	if stem := commonPrefix(w.Name, later); stem != "" {
		w.stems = append(w.stems, stem)
	}
}

// readPod reads a pod of which an object is the template.
func readPod(o *render.Object, spec, meta map[string]any) (*pod, error) {
	if spec == nil {
		return nil, errors.New("read the pod: it has no spec")
	}
	read, err := render.As[corev1.PodSpec](o, func() map[string]any { return spec })
	if err != nil {
		return nil, fmt.Errorf("read the pod's spec: %w", err)
	}
	return &pod{spec: *read, labels: textsAt(meta, "labels"), annotations: textsAt(meta, "annotations")}, nil
}

// addImpliedLabels adds the labels that a Job's controller gives its pods.
func addImpliedLabels(p *pod, w *Workload) {
	if w.Kind != "Job" {
		return
	}
	labels := map[string]string{"job-name": w.Name, "batch.kubernetes.io/job-name": w.Name}
	maps.Copy(labels, p.labels)
	p.labels = labels
}
