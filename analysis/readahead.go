package analysis

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// readTables reads the embedded tables that Judge needs, which are read once. Judge says what is wrong with them.
func readTables() {
	_, _ = embeddedOperators()
	_, _ = loadSigns()
}

// readAhead begins to read what Judge will look at in a release's objects, while others are being rendered.
// Nobody may look at them until that has ended.
func (p *platform) readAhead(objects []*render.Object) {
	p.reading.Go(func() { readObjects(objects) })
}

// readObjects reads what Judge looks at in objects. What cannot be read is left to Judge.
func readObjects(objects []*render.Object) {
	kinds := makers()
	for _, o := range objects {
		m := makerOf(kinds, o)
		switch {
		case m != nil:
			fields := o.Fields()
			o.ReadFields = render.Held(fields) // its greatest part is held by a workload in any case
			if template, err := mapPath(fields, m.template); err == nil {
				render.ReadAhead[corev1.PodSpec](o, func() map[string]any { return mapAt(template, "spec") })
			}
		case rbac.IsRBAC(o):
			rbac.ReadAhead(o)
		case isNetworkPolicy(o):
			render.ReadAhead[networkingv1.NetworkPolicy](o, o.Fields)
		}
	}
}
