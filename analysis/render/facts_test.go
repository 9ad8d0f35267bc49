package render

import (
	"slices"
	"strings"
	"testing"
)

func TestOpenQuestionsTakeEveryVersion(t *testing.T) {
	t.Parallel()
	for text, open := range map[string]bool{
		`{{ .Capabilities.APIVersions.Has "a/v1" }}`:                    false,
		`{{ if semverCompare ">1" .Capabilities.KubeVersion.Version }}`: false,
		`{{ .Capabilities.APIVersions.Has .v }}`:                        true,
		`{{ $c := .Capabilities }}{{ $c.APIVersions.Has "a/v1" }}`:      true,
		`{{ .Capabilities.APIVersions | toYaml }}`:                      true,
		`{{ has "a/v1" .Capabilities.APIVersions }}`:                    true,
	} {
		f := mustLoad(t, simple(map[string]string{"templates/a.yaml": text}), "").Facts()
		if f.AsksOpenly != open {
			t.Errorf("%s: asks openly %v, want %v", text, f.AsksOpenly, open)
		}
		want := []string{"a/v1"}
		if open {
			want = []string{"a/v1", "b/v1"}
		}
		if got := f.AskedVersions([]string{"a/v1", "b/v1"}, nil); len(f.Asks) > 0 && !slices.Equal(got, want) {
			t.Errorf("%s: of two versions %v matter, want %v", text, got, want)
		}
	}
}

// A template may execute any file of its chart.
func TestFilesAskForVersions(t *testing.T) {
	t.Parallel()
	const template, asks = `{{ tpl (.Files.Get "files/a.yaml") . }}`, `{{ .Capabilities.APIVersions.Has "a.example/v1" }}`
	for name, tc := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"by name":             {map[string]string{"templates/a.yaml": template, "files/a.yaml": asks}, true},
		"in a subchart":       {map[string]string{"charts/s/Chart.yaml": "{apiVersion: v2, name: s, version: 1.0.0}", "charts/s/templates/a.yaml": template, "charts/s/files/a.yaml": asks}, true},
		"openly":              {map[string]string{"templates/a.yaml": template, "files/a.yaml": `{{ $g := "a.example/v1" }}{{ .Capabilities.APIVersions.Has $g }}`}, true},
		"openly, for another": {map[string]string{"templates/a.yaml": template, "files/a.yaml": `{{ $g := "b.example/v1" }}{{ .Capabilities.APIVersions.Has $g }}`}, false},
		"in prose":            {map[string]string{"templates/a.yaml": template, "CHANGES.md": asks}, false},
		"of a pod":            {map[string]string{"templates/a.yaml": template, "files/a.yaml": "# Capabilities of a.example pods"}, false},
	} {
		if got := mustLoad(t, simple(tc.files), "").Facts().AsksFor([]string{"a.example/v1"}); got != tc.want {
			t.Errorf("%s: asks %v, want %v", name, got, tc.want)
		}
	}
}

// A group's name must be found in the words of a text wherever it stands in it.
func FuzzDottedWords(f *testing.F) {
	f.Add("apiVersion: monitoring.coreos.com/v1\nx: .Values.a.b .. a..b v1.2-3 EXAMPLE.example.com", 3, 9)
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		var words []string
		for w := range dottedWords([]byte(text)) {
			words = append(words, string(w))
		}
		if from < 0 || to > len(text) || from >= to {
			return
		}
		group := text[from:to]
		facts := Facts{AsksOpenly: true, Words: wordList(words)}
		if !facts.mentions(group) {
			t.Errorf("%q stands in the text, and in none of %q", group, words)
		}
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%q is no word of the text", w)
			}
		}
	})
}
