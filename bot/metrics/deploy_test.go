package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

var (
	ours     = regexp.MustCompile(`\btokenward_\w+`)
	selector = regexp.MustCompile(`\b((?:tokenward|process|go)_\w+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`^\s*(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"\s*$`)
	grouping = regexp.MustCompile(`\b(?:by|on|without)\s*\(([^)]*)\)`)
)

// check holds an expression against the definitions: every metric is one of ours (or
// the process's), every label that selects or groups is one that it has.
func check(t *testing.T, where, expr string) {
	t.Helper()
	if expr == "" || strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		t.Errorf("%s: %q is no expression", where, expr)
	}
	labels := []string{"le", "job", "instance", "version"}
	found := selector.FindAllStringSubmatch(expr, -1)
	for _, m := range found {
		name, matchers := m[1], m[2]
		known := []string{"job", "instance"}
		if ours.MatchString(name) {
			d, ok := lookUp(name)
			if !ok {
				t.Errorf("%s: there is no metric %s", where, name)
				continue
			}
			known = append(known, d.Labels...)
			labels = append(labels, d.Labels...)
		}
		for _, one := range strings.Split(matchers, ",") {
			if one == "" {
				continue
			}
			parts := matcher.FindStringSubmatch(one)
			if parts == nil || !slices.Contains(known, parts[1]) {
				t.Errorf("%s: %s has no label for %q", where, name, one)
			}
		}
	}
	if len(found) == 0 {
		t.Errorf("%s: %q asks for no metric", where, expr)
	}
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		for _, l := range strings.Split(g[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(l)) {
				t.Errorf("%s: groups by %q, which none of its metrics has", where, l)
			}
		}
	}
}

// lookUp finds the metric of a series' name.
func lookUp(name string) (Definition, bool) {
	for _, d := range Definitions() {
		series := []string{d.Name}
		if d.Type == histogram {
			series = []string{d.Name + "_bucket", d.Name + "_sum", d.Name + "_count"}
		}
		if slices.Contains(series, name) {
			return d, true
		}
	}
	return Definition{}, false
}

func TestAlertsMatchTheMetrics(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			check(t, r.Alert, r.Expr)
			if r.For != "" {
				if _, err := time.ParseDuration(r.For); err != nil {
					t.Errorf("%s: for %q: %v", r.Alert, r.For, err)
				}
			}
			if seen[r.Alert] || !regexp.MustCompile(`^Tokenward\w+$`).MatchString(r.Alert) || r.Annotations["summary"] == "" || r.Annotations["description"] == "" ||
				!slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("alert %q lacks a summary, a description or a severity, or is there twice", r.Alert)
			}
			for _, text := range r.Annotations {
				for _, used := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(text, -1) {
					if !regexp.MustCompile(`by \([^)]*\b` + used[1] + `\b`).MatchString(r.Expr) {
						t.Errorf("%s: its text names the label %s, which its expression drops", r.Alert, used[1])
					}
				}
			}
			seen[r.Alert] = true
		}
	}
	if len(seen) == 0 {
		t.Error("there are no alerts")
	}
}

func TestDashboardMatchesTheMetrics(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../deploy/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID, Title string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, RefID string }
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	variables := []string{"__rate_interval"}
	for _, v := range board.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" {
			check(t, "variable "+v.Name, v.Query)
		}
	}
	ids, used := map[int]bool{}, ""
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q has another's number, no query, or does not fit", p.Title)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			check(t, p.Title, target.Expr)
			used += target.Expr + "\n"
			for _, v := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				if !slices.Contains(variables, v[1]) {
					t.Errorf("panel %q uses the variable %s, which there is none of", p.Title, v[1])
				}
			}
		}
	}
	for _, d := range Definitions() {
		if !strings.Contains(used, d.Name) {
			t.Errorf("no panel shows %s", d.Name)
		}
	}
}
