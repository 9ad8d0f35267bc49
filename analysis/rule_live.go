package analysis

import (
	"fmt"
	"slices"

	"tokenward/analysis/live"
	"tokenward/analysis/wildcard"
)

// findObserved asks the audit logs of a live platform, where they are given, what
// the workload's account really did. A call that a pod's own token names is the
// pod's; one that no pod is named for is its account's, and so the workload's only if
// it alone runs as the account.
func findObserved(ix *index, s *subject) []finding {
	if ix.observed == nil {
		return nil
	}
	var out []finding
	for _, name := range s.accounts() {
		calls, ok := ix.observed.Calls(s.Namespace, name)
		switch {
		case ok && len(calls.Pods) > 0 && calledBy(calls, s):
			out = append(out, here(s, seen, calls.Words()))
		case ok && len(calls.Pods) == 0 && calls.Unbound < calls.Count && ix.runsAlone(s):
			out = append(out, here(s, seen, calls.Words()))
		case ok && len(calls.Pods) == 0:
			out = append(out, here(s, hint, fmt.Sprintf("its ServiceAccount %s %s, by pods that the log does not name", name, calls.Words())))
		case !ok && s.runsForGood() && ix.observed.Silent(s.Namespace, name):
			out = append(out, here(s, silent, fmt.Sprintf("its ServiceAccount %s is silent: %s", name, ix.observed.Silence())))
		}
	}
	return out
}

// calledBy tells whether one of the pods that called is the workload's.
func calledBy(calls live.Calls, s *subject) bool {
	return slices.ContainsFunc(calls.Pods, wildcard.NewList(PodPatterns(s.Workload)).Match)
}

// runsForGood tells whether the workload's pods are there all the time, so that a log
// without calls says something about them.
func (s *subject) runsForGood() bool {
	return !s.isHook() && s.Kind != "Job" && s.Kind != "CronJob" && s.Kind != "Pod"
}
