package analysis

// helmAction is how Flux does something to a release.
type helmAction struct {
	DisableSchemaValidation bool `json:"disableSchemaValidation"`
	DisableHooks            bool `json:"disableHooks"`
	PreserveValues          bool `json:"preserveValues"` // of upgrades
}

// disabledHooks lists the hooks that never run.
func (s helmReleaseSpec) disabledHooks() []string {
	var hooks []string
	for _, a := range []struct {
		action helmAction
		name   string
	}{{s.Install, "install"}, {s.Upgrade, "upgrade"}, {s.Rollback, "rollback"}, {s.Uninstall, "delete"}} {
		if a.action.DisableHooks {
			hooks = append(hooks, "pre-"+a.name, "post-"+a.name)
		}
	}
	return hooks
}
