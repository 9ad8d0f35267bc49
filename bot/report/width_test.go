package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A window of 1280 points, as laptops have it, shows the evidence beside the workloads without
// being scrolled sideways.
func TestWorkloadsFitALaptopInBrowser(t *testing.T) {
	t.Parallel()
	program := browser(t)
	const policy, measure = "http-equiv=\"Content-Security-Policy\"", `<script>addEventListener("load", () => {
		const s = document.querySelector("#workloads .scroll")
		document.title = s.scrollWidth + " of " + s.clientWidth
	})</script></body>`
	page := strings.Replace(strings.Replace(pageOf(t, false), policy, "name=\"none\"", 1), "</body>", measure, 1)
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	dom, _ := visit(t, program, "file://"+filepath.ToSlash(file), "--window-size=1280,900")
	_, title, _ := strings.Cut(dom, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	if wide, window, found := strings.Cut(title, " of "); !found || wide != window {
		t.Errorf("the table takes %q", title)
	}
}
