package edit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tokenward/gitops/edit"
)

// TestHostileText edits texts that take an editor minutes whose work grows with
// the square of their size. Each must be edited or refused; how long it takes is logged, as a
// limit would fail on a busy machine.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const n = 5000
	values := func(list string) string {
		return "policies:\n  " + mutator + ":\n    namespaces:\n" + list
	}
	item := "    - namespace: shop\n"
	times := strings.Repeat
	policy := edit.PolicyEdit{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: "new", Harden: true, HardenDefault: true, Allow: []edit.Entry{{Pattern: "a-*"}}}
	section := documented().edit()
	log := released().edit()
	var contents, sections, entries, spaced strings.Builder
	removal := edit.PolicyRemoval{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: "shop"}
	for i := range 10 * n {
		pattern := fmt.Sprintf("a-worker-of-the-shop-%d-*", i)
		fmt.Fprintf(&entries, "        - %s\n", pattern)
		fmt.Fprintf(&spaced, "        - %s\n\n", pattern)
		removal.Allow = append(removal.Allow, edit.Removal{Pattern: pattern})
	}
	for i := range n {
		fmt.Fprintf(&contents, "%d. [s%d](#s%d)\n", i+1, i, i)
		fmt.Fprintf(&sections, "\n## s%d\n", i)
	}
	cases := []struct {
		name, text string
		edit       edit.Edit
	}{
		{"actions in lines", values(times("    - namespace: {{ .a }}{{ if .b }}\"{{ end }}\n", n)), policy},
		{"conditions in conditions", values(item + times("{{ if .a }}\n", n) + times("{{ end }}\n", n)), policy},
		{"conditions that trim", values(times("    {{- if .a }}\n"+item+"    {{- end -}}\n", n)), policy},
		{"comments", values(item + times("    # more\n", n)), policy},
		{"defines", times("{{ define \"a\" }}\npolicies:\n  a: b\n{{ end }}\n", n), policy},
		{"policies again and again", times("policies:\n  "+mutator+": [\n", n), policy},
		{"a list in one line", values("")[:len(values(""))-1] + " [" + times("{namespace: new, pods: [a-*]}, ", n) + "]\n", policy},
		{"brackets in brackets", values(times("    - "+times("[", 500)+times("]", 500)+"\n", n/500)), policy},
		{"brackets without end", values("    - " + times("[", n) + "\n"), policy},
		{"the same namespace", values(times("    - namespace: new\n      pods:\n        allow: [a-*, \"{{ .x }}\"]\n", n)), policy},
		{"block scalars", times("a: |\n{{ if .a }}\n", n) + values(item), policy},
		{"a long line", values(item) + "# " + times("x", 100*n), policy},
		{"aliases", "a: &a [" + times("*a,", n) + "]\n" + values(item), policy},
		{"entries to take out", values(item + "      pods:\n        allow:\n        - a-*\n" + entries.String()), removal},
		{"entries to take out among blank lines", values(item + "      pods:\n        allow:\n\n" + spaced.String() + "        - a-*\n"), removal},
		{"headings", "# a\n" + sections.String(), section},
		{"contents", "# a\n\n" + contents.String() + sections.String(), section},
		{"breaks", times("---\n\n", n) + "## License\n", section},
		{"releases", times("## 1.0.0 - 2026-01-01\n### Changed\n\n---\n", n), log},
		{"headings in a release", "## 1.0.0\n" + times("### a\n", n), log},
		{"breaks behind a release", "## 1.0.0\n- a\n" + times("\n---\n", n), log},
		{"aliases in a chart", "version: 1.0.0\na: &a [" + times("*a,", n) + "]\n", edit.VersionEdit{Version: "1.0.1"}},
		{"link definitions", "# a\n\n" + times("[a]: b\n", n), section},
		{"quotes in quotes", "# a\n" + times(">", n), section},
		{"links that do not end", "# a\n\n" + times("[a](", 50*n) + "\n\n- " + times("[a](", 50*n) + "\n", section},
		{"a title of links that do not end", "# " + times("[a](", 50*n) + "\n", section},
		{"emphasis that does not end", "# a\n\n" + times("*a_ ", 50*n), section},
		{"blocks of a template that do not end", "# a\n" + times("{{if a}}", 80*n), section},
		{"branches of a template", "# a\n{{if a}}" + times("{{else if a}}", 50*n) + "{{end}}\n", section},
		{"a large text", times("# a\n\ntext\n", 100*n), section},
		{"markers", "## " + section.Heading + "\n" + times(section.Marker+"\n<!-- "+section.Marker+" -->\n", n) + "<!-- /" + section.Marker + " -->\n", section},
		{"blocks in a template", times("{{ if .a }}\n## License\n", n) + times("{{ end }}\n", n), section},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			dst, changes, err := c.edit.Apply([]byte(c.text))
			took := time.Since(start)
			if err != nil && !isRefusal(err) {
				t.Errorf("not a refusal: %v", err)
			}
			if err == nil && (len(changes) == 0 || string(dst) == c.text) {
				t.Error("neither edited nor refused")
			}
			t.Logf("%d bytes: %v, %d changes, error %.120v", len(c.text), took.Round(time.Millisecond), len(changes), err)
		})
	}
}

// TestHostileAnchor looks for a key in a long line that says its name again and again.
func TestHostileAnchor(t *testing.T) {
	t.Parallel()
	line := "# " + strings.Repeat(mutator+" ", 200_000) + "\n"
	if edit.HasAnchor([]byte(line), mutator) || !edit.HasAnchor([]byte(line+mutator+":\n"), mutator) {
		t.Error("a key is found within a line, or not at the begin of one")
	}
}
