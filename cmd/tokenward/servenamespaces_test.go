package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServeUmbrellaWithoutNamespaces holds that an umbrella which deploys none of the configuration's namespaces
// has been looked at after its run, like any other: its runs are no errors, and it does not wake up at every event.
// What none of the umbrellas deploys is told once all of them were looked at.
func TestServeUmbrellaWithoutNamespaces(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.platform.now = nil
	values := filepath.Join(t.TempDir(), "values.yaml")
	g.must(os.WriteFile(values, []byte("bulletin: {enabled: false}\n"), 0o600))
	g.several(strings.Replace(fleetUmbrella, "}", ", valuesFiles: ["+values+"]}", 1))
	s := g.serveHere(map[string]string{"TOKENWARD_CONFIG": g.environment["TOKENWARD_CONFIG"], "TOKENWARD_NAMESPACES": "bulletin,attic"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=\d+ result=done`)
	s.says(`msg="run ends" umbrella=fleet namespace="" run=\d+ result=done`)
	if page := s.page("/metrics"); !strings.Contains(page, `tokenward_last_success_timestamp_seconds{umbrella="fleet"}`) {
		t.Error("the metrics do not know of a run of the umbrella that went well")
	}
	s.says(`msg="run ends" .* result=done message="no release of any umbrella is deployed into namespace attic of the configuration"`)
	status, err := push(s.ctx, s.address(), serveSecret, "platform/packages/unknown", "unknown")
	if err != nil || status != http.StatusOK {
		t.Errorf("a push is answered with %d, %v", status, err)
	}
	if n := value(s.page("/metrics"), `tokenward_webhook_deliveries_total{event="push",outcome="ignored"}`); n != 1 {
		t.Errorf("a push to an unknown project is not passed over:\n%s", s.log)
	}
}
