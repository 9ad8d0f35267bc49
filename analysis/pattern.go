package analysis

import (
	"slices"

	"tokenward/analysis/wildcard"
)

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
func coversControllers(patterns *wildcard.List, w *Workload) bool {
	for _, name := range w.controllers() {
		if !patterns.Match(name) {
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
func coveredBy(patterns *wildcard.List, w *Workload) bool {
	for _, p := range w.Pods {
		if !patterns.Match(p.Admission) || !patterns.Match(p.Full) {
			return false
		}
	}
	return len(w.Pods) > 0
}

// hitNames are the names of which a pattern hits the workload if it matches one, see Hits.
func hitNames(w *Workload) []string {
	names := slices.Clone(w.controllers())
	for _, p := range w.Pods {
		names = append(names, p.Admission, p.Full)
	}
	return names
}

// HitsOf returns the places of the patterns that hit the workload, the first of them first.
func HitsOf(patterns *wildcard.List, w *Workload) []int {
	var places []int
	for _, name := range hitNames(w) {
		places = slices.AppendSeq(places, patterns.Matching(name))
	}
	slices.Sort(places)
	return slices.Compact(places)
}
