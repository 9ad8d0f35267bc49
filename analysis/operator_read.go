package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// read turns a custom resource into subjects, one for each of its parts; none where
// no pods come from it.
func (t *operatorTable) read(s rbac.Source) []*subject {
	group := groupOf(s.Object)
	if !strings.Contains(group, ".") {
		return nil
	}
	entries := t.find(group, s.Object.Kind)
	var out []*subject
	if len(entries) == 0 {
		out = append(out, readUnknown(s))
	}
	for _, o := range entries {
		if !o.NoPods {
			out = append(out, o.read(s))
		}
	}
	return slices.DeleteFunc(out, func(s *subject) bool { return s == nil })
}

func (o *Operator) read(s rbac.Source) *subject {
	fields, name := s.Object.Fields(), s.Object.Name
	w := &Workload{Namespace: s.Object.Namespace, Release: s.Release, Kind: s.Object.Kind, Name: name, Object: s.Object}
	if o.Namespace != "" {
		if ns := firstText(fields, []string{o.Namespace}); ns != "" {
			w.Namespace = ns
		}
	}
	for _, p := range o.Pods {
		if !holds(p.When, fields) {
			continue
		}
		if o.Part == "" {
			w.stems = append(w.stems, p.stems(fields, name, w.Namespace)...)
		}
		for _, made := range expand(p.Name, fields, name, w.Namespace) {
			w.Pods = append(w.Pods, podNames(p.Kind, made, "", 1)...)
			if p.Kind == "Deployment" || p.Kind == "StatefulSet" {
				w.Made = append(w.Made, made)
			}
		}
	}
	if len(w.Pods) == 0 {
		return nil // nothing is switched on
	}
	o.readAccount(w, fields)
	if o.Part != "" {
		w.Name = name + "/" + o.Part
	}
	out := &subject{Workload: w, operator: o}
	out.pod, out.err = o.readPod(w, fields)
	return out
}

// stems are the beginnings that the names of the pods keep when a list in the
// resource grows: what stands before its first item's name.
func (p OperatorPods) stems(fields map[string]any, name, namespace string) []string {
	list := strings.Index(p.Name, "[].")
	if list < 0 {
		return nil
	}
	hole := strings.LastIndexByte(p.Name[:list], '{')
	if hole < 1 || p.Name[hole-1] != '-' {
		return nil
	}
	return expand(p.Name[:hole], fields, name, namespace)
}

func (o *Operator) readAccount(w *Workload, fields map[string]any) {
	accounts := textsAtPaths(fields, o.ServiceAccount)
	if len(accounts) == 0 && o.Account != "" {
		accounts = expand(o.Account, fields, w.Name, w.Namespace)
	}
	if len(accounts) == 0 {
		accounts = []string{"default"}
	}
	w.ServiceAccount, w.OtherAccounts = accounts[0], accounts[1:]
	for _, path := range o.Automount {
		path, off := strings.CutPrefix(path, "!")
		for _, v := range valuesAt(fields, path) {
			b, ok := v.(bool)
			if b = b != off; ok && (w.Automount == nil || b) {
				w.Automount = &b
			}
		}
	}
	if w.Automount == nil && o.AutomountDefault != nil {
		w.Automount = o.AutomountDefault
	}
}

// podKeys are the parts of a pod's spec that the rules look at.
func podKeys() []string { return []string{"containers", "initContainers", "volumes"} }

func (o *Operator) readPod(w *Workload, fields map[string]any) (*pod, error) {
	out := &pod{labels: map[string]string{}, annotations: map[string]string{}, bare: true}
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		for _, v := range expand(o.Labels[key], fields, w.Object.Name, w.Namespace) {
			out.labels[key] = v
		}
	}
	for _, path := range o.PodMeta {
		for _, v := range valuesAt(fields, path) {
			meta, _ := v.(map[string]any)
			maps.Copy(out.labels, textsAt(meta, "labels"))
			maps.Copy(out.annotations, textsAt(meta, "annotations"))
		}
	}
	w.PodLabels = out.labels
	for _, path := range o.PodSpecs {
		for _, v := range valuesAt(fields, path) {
			spec, ok := v.(map[string]any)
			if !ok {
				continue
			}
			part, err := render.Convert[corev1.PodSpec](pick(spec, podKeys()))
			if err != nil {
				return out, fmt.Errorf("read the pod's spec: %w", err)
			}
			out.spec.Containers = append(out.spec.Containers, part.Containers...)
			out.spec.InitContainers = append(out.spec.InitContainers, part.InitContainers...)
			out.spec.Volumes = append(out.spec.Volumes, part.Volumes...)
		}
	}
	return out, nil
}

func pick(m map[string]any, keys []string) map[string]any {
	out := map[string]any{}
	for _, k := range keys {
		if v, ok := m[k].([]any); ok {
			out[k] = v
		}
	}
	return out
}

// readUnknown notices a custom resource that the table does not know and that
// looks as if pods came from it: it holds containers with images or settings that
// only pods have, or names an account to run as.
func readUnknown(s rbac.Source) *subject {
	spec := mapAt(s.Object.Fields(), "spec")
	found := lookForPods(spec, 0)
	if !found.pods && found.account == "" {
		return nil
	}
	w := &Workload{Namespace: s.Object.Namespace, Release: s.Release, Kind: s.Object.Kind, Name: s.Object.Name, Object: s.Object,
		ServiceAccount: found.account, Automount: found.automount}
	if w.ServiceAccount == "" {
		w.ServiceAccount = "default"
	}
	return &subject{Workload: w, unknown: true, pod: &pod{bare: true}}
}

type podLook struct {
	pods      bool
	account   string
	automount *bool
}

// podSettings are names of fields that say how pods are made, whatever the kind.
func podSettings() []string {
	return []string{"podTemplate", "podTemplateSpec", "podSpec", "podSecurityContext", "imagePullSecrets", "tolerations", "topologySpreadConstraints", "automountServiceAccountToken"}
}

// maxDepth bounds how deep a foreign manifest is searched.
const maxDepth = 24

func lookForPods(v any, depth int) (out podLook) {
	if depth > maxDepth {
		return out
	}
	join := func(more podLook) {
		out.pods = out.pods || more.pods
		if out.account == "" {
			out.account = more.account
		}
		if out.automount == nil {
			out.automount = more.automount
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"serviceAccountName", "serviceAccount"} {
			if name, ok := v[key].(string); ok && name != "" {
				join(podLook{account: name})
			}
		}
		if template := mapAt(v, "template"); template["pod"] != nil {
			join(podLook{pods: true})
		}
		for _, key := range podSettings() {
			if v[key] != nil {
				join(podLook{pods: true})
			}
		}
		if b, ok := v["automountServiceAccountToken"].(bool); ok {
			join(podLook{automount: &b})
		}
		if list, ok := v["containers"].([]any); ok && slices.ContainsFunc(list, looksLikeContainer) {
			join(podLook{pods: true})
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			join(lookForPods(v[key], depth+1))
		}
	case []any:
		for _, item := range v {
			join(lookForPods(item, depth+1))
		}
	}
	return out
}

func looksLikeContainer(v any) bool {
	m, _ := v.(map[string]any)
	return textAt(m, "name") != "" && textAt(m, "image") != ""
}
