package bot

import (
	"testing"

	"tokenward/analysis"
)

// Whoever asks for a namespace into which nothing is deployed is told what nobody could look at: it may be that.
func TestNamespaceThatIsNotDeployed(t *testing.T) {
	t.Parallel()
	b := &Bot{cfg: Config{Namespaces: []string{"velero"}}}
	for want, problems := range map[string][]analysis.Problem{
		"no release of the umbrella is deployed into namespace velero":                                                      nil,
		"no release of the umbrella is deployed into namespace velero; what addons.velero deploys, and where, is not known": {{Package: "addons.velero"}, {Package: "addons.db", Apart: true}},
	} {
		if err := b.known(&Scan{Discovery: &analysis.Discovery{Problems: problems}}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
