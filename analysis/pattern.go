package analysis

import "tokenward/analysis/wildcard"

// Covers tells whether the pattern matches every pod of the workload, both as
// admission sees it and by its final name.
func Covers(pattern string, w *Workload) bool {
	for _, p := range w.Pods {
		if !wildcard.Match(pattern, p.Admission) || !wildcard.Match(pattern, p.Full) {
			return false
		}
	}
	return len(w.Pods) > 0
}

// Hits tells whether the pattern matches any pod of the workload, or a controller
// of them where the mutator matches controllers: Deployments and StatefulSets, those
// that an operator makes included.
func Hits(pattern string, w *Workload) bool {
	pods, controller := Matches(pattern, w)
	return pods || controller
}

// coversControllers tells whether the patterns name every Deployment and
// StatefulSet behind the workload (rules enable- and disable-statefulset-and-deployments).
func coversControllers(patterns []string, w *Workload) bool {
	for _, name := range w.controllers() {
		if !anyMatch(patterns, name) {
			return false
		}
	}
	return true
}

// setsTrue tells whether the pod template sets automountServiceAccountToken to
// true, so that the object that holds it breaks the validating policy itself.
func setsTrue(w *Workload) bool { return w.Automount != nil && *w.Automount }

// MatchesName tells whether the pattern matches one name, as the policy engine does.
func MatchesName(pattern, name string) bool { return wildcard.Match(pattern, name) }

// coveredBy tells whether the patterns together match every pod of the workload.
func coveredBy(patterns []string, w *Workload) bool {
	for _, p := range w.Pods {
		if !anyMatch(patterns, p.Admission) || !anyMatch(patterns, p.Full) {
			return false
		}
	}
	return len(w.Pods) > 0
}

// hitBy returns the first of the patterns that hits the workload, "" if none does.
func hitBy(patterns []string, w *Workload) string {
	for _, p := range patterns {
		if Hits(p, w) {
			return p
		}
	}
	return ""
}

func anyMatch(patterns []string, name string) bool {
	for _, p := range patterns {
		if wildcard.Match(p, name) {
			return true
		}
	}
	return false
}
