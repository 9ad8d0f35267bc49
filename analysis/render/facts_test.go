package render

import (
	"slices"
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
