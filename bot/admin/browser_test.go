package admin

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browse runs a headless browser with the given arguments, or skips the test.
func browse(t *testing.T, args ...string) (out, log string) {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("no chromium and no google-chrome on the PATH: the pages are not tried in a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	raw, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v\n%s", program, err, stderr.String())
	}
	return string(raw), stderr.String()
}

// The pages work in a browser: their policy admits their own style and script and
// nothing complains. TOKENWARD_SCREENSHOTS=DIR keeps pictures of them, light and
// dark, wide and narrow.
func TestPagesInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser several times")
	}
	t.Parallel()
	dir := os.Getenv("TOKENWARD_SCREENSHOTS")
	evil := `</td><script>document.title="taken"</script><img src=x onerror="document.title='taken'">` + "\u202eothgir\u2066\u200b" + strings.Repeat("long", 400)
	for name, text := range map[string]string{"": "", "hostile ": evil} {
		_, c := bench(t, text)
		// A watcher that never hears of a change keeps the page as it is.
		c.Every = time.Hour
		server, _ := serve(t, c)
		for page, want := range map[string]string{"/": "Running now", "/namespaces/platform/ledger": "Evidence", "/runs/120": "push to"} {
			dom, log := browse(t, "--dump-dom", server.URL+page)
			if !strings.Contains(dom, want) || strings.Contains(dom, "<title>taken") || strings.Contains(dom, "<img src=\"x\"") || strings.Contains(log, "CONSOLE") {
				t.Errorf("%s%s is wrong in a browser:\n%s", name, page, log)
			}
		}
		if dir == "" {
			continue
		}
		for shot, args := range map[string][]string{
			"overview-light.png":       {"--window-size=1280,1120", server.URL + "/"},
			"overview-dark.png":        {"--window-size=1280,1120", "--force-dark-mode", "--blink-settings=preferredColorScheme=0", server.URL + "/"},
			"overview-narrow.png":      {"--window-size=500,1900", server.URL + "/"},
			"overview-narrow-dark.png": {"--window-size=500,1900", "--force-dark-mode", "--blink-settings=preferredColorScheme=0", server.URL + "/"},
			"namespace-light.png":      {"--window-size=1280,1000", server.URL + "/namespaces/platform/ledger"},
			"namespace-dark.png":       {"--window-size=1280,1000", "--force-dark-mode", "--blink-settings=preferredColorScheme=0", server.URL + "/namespaces/platform/ledger"},
			"run-light.png":            {"--window-size=1280,560", server.URL + "/runs/120"},
		} {
			browse(t, append([]string{"--screenshot=" + filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+shot)}, args...)...)
		}
	}
}
