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

// TestRequestsSayWhy holds that a request says of a pod in doubt what speaks on either side, and why a pod has a token that
// no entry gives.
func TestRequestsSayWhy(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for namespace, want := range map[string]string{
		"observability": "could not be judged for certain: its template sets automountServiceAccountToken to false; reads and watches ConfigMaps\n",
		"metrics":       "| `metrics-metrics-operator*` | needs-token (high) | yes, excluded from the validating policy |",
	} {
		p.only(namespace)
		_, r := p.propose(developer)
		if len(r.MergeRequests) == 0 || !strings.Contains(r.MergeRequests[0].Description, want) {
			t.Errorf("%s: it does not say %q: %+v", namespace, want, r)
		}
	}
}
