package policy

// TokenMounted reports whether the kubelet mounts the ServiceAccount's token into a
// pod. The pod's own field wins over the ServiceAccount's, and both default to true. pod
// is a Pod or a controller with a pod template, sa its ServiceAccount or nil where that
// is not known, each after Admit. Projected volumes are not looked at: they mount a
// token whatever these fields say.
func (p *Policies) TokenMounted(pod, sa map[string]any) bool {
	if own, ok := podSpec(pod)["automountServiceAccountToken"].(bool); ok {
		return own
	}
	if account, ok := sa["automountServiceAccountToken"].(bool); ok {
		return account
	}
	return true
}

// PodOf returns the Pod that a controller's manifest makes, as admission sees it: the
// pod template's labels, annotations and spec in the controller's namespace, under name
// or, where a name is given later, generateName. It returns a Pod unchanged, and nil
// for a manifest without a pod template.
func PodOf(obj map[string]any, name, generateName string) map[string]any {
	if obj["kind"] == "Pod" {
		return obj
	}
	template := podTemplate(obj)
	if template == nil {
		return nil
	}
	metadata := map[string]any{}
	for _, field := range []string{"labels", "annotations"} {
		if v := dig(template, "metadata", field); v != nil {
			metadata[field] = v
		}
	}
	for field, text := range map[string]string{"name": name, "generateName": generateName} {
		if text != "" {
			metadata[field] = text
		}
	}
	if namespace := dig(obj, "metadata", "namespace"); namespace != nil {
		metadata["namespace"] = namespace
	}
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": podSpec(obj)}
}

// podTemplate finds the pod template of a controller, nil where there is none.
func podTemplate(obj map[string]any) map[string]any {
	path := []string{"spec", "template"}
	if obj["kind"] == "CronJob" {
		path = []string{"spec", "jobTemplate", "spec", "template"}
	}
	template, _ := dig(obj, path...).(map[string]any)
	return template
}

func podSpec(obj map[string]any) map[string]any {
	if obj["kind"] != "Pod" {
		obj = podTemplate(obj)
	}
	spec, _ := obj["spec"].(map[string]any)
	return spec
}
