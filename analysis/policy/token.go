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
