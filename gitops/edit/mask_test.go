package edit_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

func TestMask(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"no action", "a: b\n", "a: b\n"},
		{"directive alone", "{{- if .a }}\na: b\n  {{- end }}\n", "            \na: b\n            \n"},
		{"value", "a: {{ .b }}\n", "a: xxxxxxxx\n"},
		{"part of a value", "a: x-{{ .b }}-y\n", "a: x-xxxxxxxx-y\n"},
		{"in quotes", `a: "{{ .b | default "c" }}"` + "\n", `a: "xxxxxxxxxxxxxxxxxxxxxx"` + "\n"},
		{"key", "{{ .a }}: b\n", "xxxxxxxx: b\n"},
		{"item", "- {{ .a }}\n", "- xxxxxxxx\n"},
		{"flow", "a: [{{ .b }}, {{ .c }}]\n", "a: [xxxxxxxx, xxxxxxxx]\n"},
		{"own line after a key", "a: {{- include \"b\" . | nindent 2 }}\n  c: d\n", "a:                                 \n  c: d\n"},
		{"braces in strings", "a: {{ \"}}\" }}{{ `}}` }}{{ '}' }}\n", "a: xxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"},
		{"comment", "{{- /* it's }} \" */ -}}\na: b\n", "                       \na: b\n"},
		{"several lines", "{{- $a := dict\n  \"b\" 1\n-}}\na: b\n", "              \n       \n   \na: b\n"},
		{"value over two lines", "a: {{ dict\n  1 }}\nb: c\n", "a: xxxxxxx\n      \nb: c\n"},
		{"key over two lines", "{{ printf\n  `a` }}: c\n", "         \n  xxxxxx: c\n"},
		{"CR LF", "{{ if\r\n .a }}\r\na: b\r\n{{end}}", "     \r\n      \r\na: b\r\n       "},
		{"control in a line", "a: {{ if .b }}c{{ end }}\n", "a:            c         \n"},
		{"branches of quotes", "a: {{ if .b }}\"c\"{{ else }}\"d\"{{ end }}\n", "a: xxxxxxxxxxx\"c\"xxxxxxxxxx\"d\"xxxxxxxxx\n"},
		{"behind quotes", "a: \"b\" {{ .c }}\n", "a: \"b\"         \n"},
		{"in a YAML comment", "# {{ if .a }}\na: b\n# {{ end }}\n", "#            \na: b\n#          \n"},
		{"head of a block scalar", "a: |\n{{- if .b }}\n  c: d\n{{- end }}\n", "a: |\n  xxxxxxxxxx\n  c: d\n          \n"},
		{"head of a block scalar in a list", "- >-\n {{ .a }}\n  c: d\n", "- >-\n  xxxxxxx\n  c: d\n"},
		{"filler for text beyond ASCII", "a: {{ \"ü\" }}\n", "a: xxxxxxxxxx\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := edit.Mask([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("mask (-want +got):\n%s", diff)
			}
			checkMask(t, []byte(c.in), got)
			if err := parseAll(got); err != nil {
				t.Errorf("the mask does not parse: %v\n%s", err, got)
			}
		})
	}
}

func TestMaskRefusesWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"a: {{ .b", "a: {{ \"b }}\n\"}}", "{{/* a }}", "{{/* a */ b }}", "{{ `a }}", "a\n{{ 'b\n' }}"} {
		if got, err := edit.Mask([]byte(in)); err == nil {
			t.Errorf("Mask(%q) = %q, want an error", in, got)
		}
	}
	_, err := edit.Mask([]byte("a\nb\n{{ c"))
	if err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v, want an error that names line 3", err)
	}
}

// checkMask fails unless the mask is as long as its source, breaks lines where it
// does, and differs only where an action can be.
func checkMask(t testing.TB, src, masked []byte) {
	t.Helper()
	if len(src) != len(masked) {
		t.Fatalf("the mask of %d bytes has %d", len(src), len(masked))
	}
	open := bytes.Index(src, []byte("{{"))
	closed := bytes.LastIndex(src, []byte("}}")) + 2
	for i := range src {
		if (src[i] == '\n' || src[i] == '\r') && masked[i] != src[i] {
			t.Fatalf("the line break at %d has gone", i)
		}
		if src[i] == masked[i] {
			continue
		}
		if masked[i] != ' ' && masked[i] != 'x' || open < 0 || i < open || i >= closed {
			t.Fatalf("byte %d has become %q", i, masked[i])
		}
	}
}

func parseAll(text []byte) error {
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var n yaml.Node
		if err := d.Decode(&n); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
