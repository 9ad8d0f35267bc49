package main

import (
	"strings"
	"testing"

	"tokenward/bot"
)

// TestTokensThatPeopleGaveAreTakenByDrafts holds that a request that takes a token away which an
// entry of people's gives is a draft, and asks about it.
func TestTokensThatPeopleGaveAreTakenByDrafts(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		list, unit, asks string
	}{
		"a deny within a wider pattern":        {"- logbook-logbook-*", "logbook", "does it really do without the API?"},
		"an entry for pods that need no token": {"- logbook-logbook-index-*", "logbook (stale)", "loses its token"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.list(c.list)
			p.environment = map[string]string{"TOKENWARD_DRIFT_REMOVE": "propose", "TOKENWARD_NAMESPACES": "logbook"}
			_, r := p.propose(developer)
			for _, m := range r.MergeRequests {
				if m.Unit != c.unit || m.Role != bot.RoleUmbrella {
					continue
				}
				if !strings.HasPrefix(m.Title, "Draft: ") || !strings.Contains(m.Description, c.asks) {
					t.Errorf("%q does not ask about it as a draft:\n%s", m.Title, m.Description)
				}
				return
			}
			t.Errorf("nothing is proposed: %+v", r)
		})
	}
}

// TestWhatIsInDoubtIsSaidFromBothSides holds that a request says of a pod that was not judged for
// certain what speaks against what its verdict begins with.
func TestWhatIsInDoubtIsSaidFromBothSides(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment = map[string]string{"TOKENWARD_NAMESPACES": "observability"}
	_, r := p.propose(developer)
	const want = "could not be judged for certain: its template sets automountServiceAccountToken to false; reads and watches ConfigMaps\n"
	if len(r.MergeRequests) == 0 || !strings.Contains(r.MergeRequests[0].Description, want) {
		t.Errorf("it does not say %q: %+v", want, r)
	}
}

// TestTokensByExclusionAreExplained holds that a request says why a pod has a token that no entry gives.
func TestTokensByExclusionAreExplained(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment = map[string]string{"TOKENWARD_NAMESPACES": "metrics"}
	_, r := p.propose(developer)
	const want = "| `metrics-metrics-operator*` | needs-token (high) | yes, excluded from the validating policy |"
	if len(r.MergeRequests) == 0 || !strings.Contains(r.MergeRequests[0].Description, want) {
		t.Errorf("it does not say %q: %+v", want, r)
	}
}
