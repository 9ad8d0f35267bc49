package report

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// browser finds a browser to run headless, or skips the test.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Skip("no chromium and no google-chrome on the PATH: the page is not tried in a browser")
	return ""
}

// visit opens a page, with further flags if any, and returns what its document is after its script ran, and what
// the browser logs.
func visit(t *testing.T, program, address string, flags ...string) (dom, log string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--enable-logging=stderr", "--user-data-dir=" + t.TempDir(), "--dump-dom"}, flags...)
	cmd := exec.CommandContext(ctx, program, append(args, address)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v\n%s", program, err, stderr.String())
	}
	return string(out), stderr.String()
}

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	program := browser(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(pageOf(t, false)), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "file://" + filepath.ToSlash(file)
	all := []string{"ledger-rotate-keys", "ledger-api", "ledger-worker", "ledger-postgresql", "observatory-node-exporter", "observatory-grafana",
		"observatory-kube-state-metrics", "observatory-metrics", "storefront-cart", "storefront-gateway-controller-for-regional-traffic", "storefront-web", "storefront-migrate"}
	for _, c := range []struct {
		fragment       string
		rows, sections []string
		count          string
	}{
		{fragment: "#q=kubectl", rows: []string{"ledger-rotate-keys", "storefront-migrate"}, sections: []string{"ledger", "storefront"}, count: "2 of 12 workloads"},
		{fragment: "#q=OBSERVATORY+Prometheus", rows: []string{"observatory-metrics"}, sections: []string{"observatory"}, count: "1 of 12 workloads"},
		{fragment: "#q=storefront&sort=-workload", rows: []string{"storefront-web", "storefront-migrate", "storefront-gateway-controller-for-regional-traffic", "storefront-cart"}, sections: []string{"storefront"}, count: "4 of 12 workloads"},
		{fragment: "#q=mailroom", rows: nil, sections: []string{"mailroom"}, count: "0 of 12 workloads"},
		{fragment: "#verdict=review", rows: []string{"ledger-worker"}, sections: []string{"ledger"}, count: "1 of 12 workloads"},
		{fragment: "#q=storefront&moves=1", rows: []string{"storefront-cart", "storefront-gateway-controller-for-regional-traffic"}, sections: []string{"storefront"}, count: "2 of 12 workloads"},
		{fragment: "#ns-observatory", rows: all, sections: []string{"ledger", "mailroom", "observatory", "storefront"}, count: "12 workloads"},
	} {
		dom, log := visit(t, program, address+c.fragment)
		rows := shown(dom, regexp.MustCompile(`<tr data-verdict="[^>]*>(?s:.*?)<td><b>([^<]*)</b>`))
		if diff := cmp.Diff(c.rows, rows); diff != "" {
			t.Errorf("%q: rows (-want +got):\n%s", c.fragment, diff)
		}
		sections := shown(dom, regexp.MustCompile(`<details class="namespace" id="[^"]*" data-name="([^"]*)"[^>]*>`))
		if diff := cmp.Diff(c.sections, sections); diff != "" {
			t.Errorf("%q: namespaces (-want +got):\n%s", c.fragment, diff)
		}
		if !strings.Contains(dom, ">"+c.count+"</output>") {
			t.Errorf("%q: the page does not say %q", c.fragment, c.count)
		}
		if strings.Contains(log, "CONSOLE") {
			t.Errorf("%q: the page complains:\n%s", c.fragment, log)
		}
	}
}

// shown returns the names of the elements that are not hidden.
func shown(dom string, element *regexp.Regexp) []string {
	var out []string
	for _, m := range element.FindAllStringSubmatch(dom, -1) {
		tag, _, _ := strings.Cut(m[0], ">")
		if !slices.Contains(strings.Fields(tag), `hidden=""`) {
			out = append(out, m[1])
		}
	}
	return out
}

// Whatever charts call their objects, the browser sees nothing but text.
func TestHostilePageInBrowser(t *testing.T) {
	t.Parallel()
	program := browser(t)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(pageOf(t, true)), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, log := visit(t, program, "file://"+filepath.ToSlash(file)+"#q=storefront")
	if strings.Contains(dom, "<img") || strings.Count(dom, "<script") != 1 {
		t.Error("foreign text became an element")
	}
	if !strings.Contains(dom, ">4 of 12 workloads</output>") {
		t.Error("the page's own script did not run")
	}
	if strings.Contains(log, "CONSOLE") {
		t.Errorf("the page complains:\n%s", log)
	}
}
