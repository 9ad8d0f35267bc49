package edit_test

import (
	"testing"

	"tokenward/gitops/edit"
)

func TestHasAnchor(t *testing.T) {
	t.Parallel()
	cases := []struct {
		src  string
		want bool
	}{
		{"policies:\n  " + mutator + ":\n    enabled: true\n", true},
		{"policies:\r\n  " + mutator + ":\r\n", true},
		{"  \"" + mutator + "\": {}\n", true},
		{"  '" + mutator + "' : {}", true},
		{"policies: {" + mutator + ": {}}\n", false},
		{"{" + mutator + ": {}}\n", true},
		{"policies:\n  " + defaultMutator + ":\n", false},
		{"# " + mutator + ":\n", false},
		{"- " + mutator + "\n", false},
		{"a: " + mutator + ":\n", false},
		{mutator + ":x\n", false},
		{"\"" + mutator + ": x\n", false},
		{"", false},
	}
	for _, c := range cases {
		if got := edit.HasAnchor([]byte(c.src), mutator); got != c.want {
			t.Errorf("HasAnchor(%q) = %v", c.src, got)
		}
	}
}

func TestHasPolicies(t *testing.T) {
	t.Parallel()
	cases := []struct {
		src  string
		want bool
	}{
		{"policies:\n  a:\n    enabled: true\n", true},
		{"{{- define \"a\" }}\npolicies:\n  {{- if .b }}\n  a: {}\n  {{- end }}\n{{- end }}\n", true},
		{"policies: {}\n", true},
		{"policies:\n", true},
		{"policies:\n- a\n", false},
		{"policies: a\n", false},
		{"values:\n  policies:\n    a: {}\n", false},
		{"# policies:\n", false},
		{"a: b\n", false},
		{"policies: [\n", false},
	}
	for _, c := range cases {
		if got := edit.HasPolicies([]byte(c.src)); got != c.want {
			t.Errorf("HasPolicies(%q) = %v", c.src, got)
		}
	}
}
