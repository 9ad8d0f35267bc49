package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// allowed is the import table: what each package of ours may import of ours. A
// trailing /... stands for the package and everything below it.
var allowed = map[string][]string{
	"cmd/tokenward":        {"bot/...", "gitops/...", "analysis/...", "templates"},
	"bot":                  {"bot/decision", "bot/redact", "gitops/git", "gitops/forge", "gitops/edit", "gitops/codeowners", "analysis/...", "templates"},
	"bot/decision":         {"analysis", "analysis/wildcard"},
	"bot/admin":            {"bot", "bot/board", "bot/redact", "bot/report"},
	"bot/board":            {"bot"},
	"bot/cache":            {},
	"bot/metrics":          {"bot", "bot/board", "gitops/forge"},
	"bot/redact":           {},
	"bot/queue":            {"bot"},
	"bot/queue/storetest":  {},
	"bot/service":          {"bot", "bot/queue", "analysis"},
	"bot/report":           {"bot", "templates"},
	"bot/traces":           {"bot"},
	"bot/webhook":          {"bot"},
	"bot/webhook/hooktest": {},
	"analysis":             {"analysis/rbac", "analysis/policy", "analysis/render", "analysis/live", "analysis/wildcard"},
	"analysis/rbac":        {"analysis/render"},
	"analysis/policy":      {"analysis/render", "analysis/wildcard"},
	"analysis/render":      {},
	"analysis/live":        {},
	"analysis/wildcard":    {},
	"gitops/codeowners":    {},
	"gitops/git":           {},
	"gitops/forge":         {},
	"gitops/edit":          {},
	"gitops/forge/sandbox": {},
	"templates":            {},

	"analysis/render/cached": {"analysis", "analysis/render", "analysis/render/wire"},
	"analysis/render/wire":   {"analysis/render"},
	"analysis/render/worker": {"analysis", "analysis/render", "analysis/render/wire"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "tokenward/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	onlyImporter := map[string]string{"github.com/xanzy/go-gitlab": "gitops/forge"}
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "tokenward/")
		rules, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the import table", name)
		}
		for _, imported := range p.Imports {
			if owner := onlyImporter[imported]; owner != "" && owner != name {
				t.Errorf("%s imports %s, which only %s may", name, imported, owner)
			}
			ours, ok := strings.CutPrefix(imported, "tokenward/")
			if ok && !mayImport(rules, ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
		}
	}
}

func mayImport(rules []string, imported string) bool {
	for _, r := range rules {
		base, tree := strings.CutSuffix(r, "/...")
		if imported == base || tree && strings.HasPrefix(imported, base+"/") {
			return true
		}
	}
	return false
}
