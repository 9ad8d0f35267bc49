package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"

	"tokenward/bot"
)

const (
	evilProject = "platform/packages/evil"
	escaping    = "a\x1b[31m\x1b]0;owned\x07\u202egnp"
)

// hostileNames are what a chart may call its objects to break out of YAML, Markdown, HTML, a
// terminal, or a line of a log.
var hostileNames = []string{
	"a: b # c", "a\n      - namespace: kube-system", "a\r\nlevel=ERROR msg=forged", "{{ .Values.secret }}", "{{- end }}", "*", "*a", "&a b", "!!binary x", "'a", "\"a\\", "a\"\n- b", "- a", "? a", "~", "null", "1e3", "[a]", "{a: b}", "|", "%TAG", "@all",
	"<!-- tokenward -->", "--> <script>alert(1)</script>", "</details></code><img src=x onerror=alert(1)>", "\n/close\n/merge", "[x](javascript:alert(1))", "![x](http://127.0.0.1:1/a.png)", "```\n# Heading\n```", "`a`", "a|b|c", "Closes #1", "$(touch x)", "<%= x %>",
	escaping, "\u2028a\u0085b", "a\u202egnp", strings.Repeat("long", 2000), "../../etc/passwd", "a/b", "-rf", "\x00", "",
}

// evilChart has a needy pod per name: once called so, once in a namespace that is called so, and
// once with the name in everything else that is shown of it.
func evilChart() map[string][]byte {
	var out strings.Builder
	add := func(namespace, name, other string) {
		q := strconv.QuoteToASCII
		fmt.Fprintf(&out, `---
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[3]s, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[3]s, namespace: %[1]s}
rules: [{apiGroups: [""], resources: [%[3]s, pods], verbs: [list, %[3]s]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[3]s, namespace: %[1]s}
roleRef: {kind: Role, name: %[3]s, apiGroup: rbac.authorization.k8s.io}
subjects: [{kind: ServiceAccount, name: %[3]s, namespace: %[1]s}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec: {template: {metadata: {labels: {app: %[3]s}}, spec: {serviceAccountName: %[3]s, containers: [{name: %[3]s, image: %[3]s, args: ["kubectl", %[3]s], env: [{name: %[3]s, value: %[3]s}]}]}}}
`, q(namespace), q(name), q(other))
	}
	for i, name := range hostileNames {
		add(fmt.Sprintf("named-%d", i), name, "web")
		add(name, "web", "web")
		add(fmt.Sprintf("other-%d", i), "web", name)
	}
	return map[string][]byte{
		"README.md":              []byte("# Evil\n\n<!-- tokenward: -->\n{{ .x }}\n\x1b[31m\n```\n"),
		"chart/Chart.yaml":       []byte("apiVersion: v2\nname: evil\nversion: 1.0.0\n"),
		"chart/evil.yaml":        []byte(out.String()),
		"chart/templates/a.yaml": []byte("{{ .Files.Get \"evil.yaml\" }}\n"),
	}
}

func newEvilPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, dir: t.TempDir(), environment: map[string]string{"TOKENWARD_CACHE_DIR": t.TempDir()}}
	p.must(layoutSample(policiesProject, filepath.Join(p.dir, policiesProject+".git")))
	umbrella := maps.Clone(smallUmbrella)
	releases := strings.Replace(string(umbrella["chart/templates/releases.yaml"]), "{{- if .Values.bulletin.enabled }}\n", "{{- if true }}\n", 1)
	umbrella["chart/templates/releases.yaml"] = []byte(strings.Replace(strings.ReplaceAll(releases, `"bulletin"`, `"evil"`), ".Values.bulletin.tag", `"1.0.0"`, 1))
	layoutCommit(t, filepath.Join(p.dir, umbrellaProject+".git"), umbrella)
	layoutCommit(t, filepath.Join(p.dir, evilProject+".git"), evilChart())
	repo, err := git.PlainOpen(filepath.Join(p.dir, evilProject+".git"))
	p.must(err)
	head, err := repo.Reference(sampleBranch, true)
	p.must(err)
	_, err = repo.CreateTag("1.0.0", head.Hash(), nil)
	p.must(err)
	box, err := startSandbox(p.dir, "127.0.0.1:0", nil)
	p.must(err)
	p.box = box
	t.Cleanup(func() {
		if err := box.close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// addedLine is what may be added to the policies' values: a plain or quoted name in a list, the keys around
// it, comments.
var addedLine = regexp.MustCompile(`^\+\s*(- (namespace: )?([\w./?*-]+|"([^"\\]|\\.)*"|'([^']|'')*')|(pods|allow|deny|namespaces):|#( .*)?)?$`)

// codeSpan is text in which Markdown looks for nothing.
var codeSpan = regexp.MustCompile("`[^`\n]+`|``[^\n]+?``|```[^\n]+?```|````[^\n]+?````")

// liveTag is a chart's HTML that is not escaped.
var liveTag = regexp.MustCompile(`(^|[^\\])<(script>alert\(1|img src=x)`)

// TestHostileNames proposes for a package that calls its objects what nobody should, and looks
// at all that comes out: files, requests, logs, and every form of report.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	p := newEvilPlatform(t)
	code, report := p.propose(developer)
	if len(report.MergeRequests) == 0 {
		t.Fatalf("nothing is proposed: exit code %d, %+v", code, report.Failed)
	}
	for _, m := range report.MergeRequests {
		checkRequest(t, p, m)
	}
	for _, f := range report.Failed {
		if strings.ContainsAny(f.Reason, "\x1b\x00\x07\u202e") {
			t.Errorf("%q: %q", f.Unit, f.Reason)
		}
	}
	t.Logf("%d requests, %d refusals", len(report.MergeRequests), len(report.Failed))
	formats := []string{"table", "markdown", "html", "sarif", "codequality", "json"}
	if testing.Short() {
		formats = formats[:3]
	}
	for _, format := range formats {
		_, stdout, stderr := p.run(developer, "scan", "--format", format, "--log-level", "debug")
		checkShown(t, format, stdout, stderr)
	}
	_, stdout, stderr := p.run(developer, "propose", "--log-level", "debug", "--dry-run")
	checkShown(t, "propose", stdout, stderr)
	_, stdout, stderr = p.run(developer, "explain", "other-34", "--log-level", "debug", "--log-format", "json")
	checkShown(t, "explain", stdout, stderr)
}

// checkRequest looks at what one merge request changes and says.
func checkRequest(t *testing.T, p *platform, m bot.MergeRequestReport) {
	t.Helper()
	if strings.ContainsAny(m.Title+m.Description+m.Diff, "\x00\x1b\x07\u202e\u2028") {
		t.Errorf("%s: control characters in %q", m.Unit, m.Title)
	}
	for line := range strings.Lines(codeSpan.ReplaceAllString(m.Description, "``")) {
		if strings.HasPrefix(line, "/") || liveTag.MatchString(line) || strings.Contains(line, "kube-system") {
			t.Errorf("%q: the description has the line %q", m.Unit, line)
		}
	}
	if m.Project != umbrellaProject {
		return
	}
	for line := range strings.Lines(m.Diff) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") && !addedLine.MatchString(line) {
			t.Errorf("%q adds the line %q", m.Unit, line)
		}
		if strings.HasPrefix(line, "+") && !strings.Contains(line, "#") && strings.Contains(line, "- namespace: kube-system") {
			t.Errorf("%q lists another namespace:\n%s", m.Unit, m.Diff)
		}
	}
	if got := p.git(umbrellaProject, "log", "-1", "--format=%s%n%b", m.SourceBranch); strings.ContainsAny(got, "\x1b\x00\x07\u202e") {
		t.Errorf("%q commits with %q", m.Unit, got)
	}
}

// checkShown looks at what the program prints and logs.
func checkShown(t *testing.T, what, stdout, stderr string) {
	t.Helper()
	if what == "json" { // it has all as it is, escaped by its own rules
		stdout = strings.ReplaceAll(stdout, "\u202e", "")
	}
	for name, text := range map[string]string{"prints": stdout, "logs": stderr} {
		if i := strings.IndexAny(text, "\x00\x1b\x07\u202e"); i >= 0 {
			t.Errorf("%s %s %q", what, name, text[max(0, i-200):min(len(text), i+100)])
		}
	}
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "level=ERROR msg=forged") {
			t.Errorf("%s: a line of the log is forged", what)
		}
	}
	if what == "html" || what == "markdown" {
		if tag := liveTag.FindString(codeSpan.ReplaceAllString(stdout, "``")); tag != "" {
			t.Errorf("%s holds %s", what, tag)
		}
	}
	if what == "markdown" && slices.ContainsFunc(strings.Split(stdout, "\n"), func(l string) bool { return strings.HasPrefix(l, "/") }) {
		t.Error("a line of the Markdown is a quick action")
	}
}
