package render

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// slowMap is what mapOfNodes must return where it returns anything.
func slowMap(n *kyaml.Node) (map[string]any, error) {
	text, err := kyaml.NewRNode(n).MarshalJSON()
	if err != nil {
		return nil, err
	}
	return decodeJSON(text)
}

func compareNodes(t *testing.T, n *kyaml.Node) bool {
	t.Helper()
	got, ok := mapOfNodes(n)
	if !ok {
		return false
	}
	written, _ := kyaml.NewRNode(n).String()
	want, err := slowMap(n)
	if err != nil {
		t.Fatalf("%s: %v, but it was taken as certain", written, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s:\n%s", written, diff)
	}
	return true
}

// FuzzNodes holds that nodes that are taken as they are say what they say once written and read again.
func FuzzNodes(f *testing.F) {
	for _, seed := range []string{
		"a: 1", "a: 007", "a: yes\nb: no\nc: true\nd: ~\ne: null\nf:\n", "a: |\n  x\n   y\n\n  z\n", "a: >\n  x\n  y\n", "a: |2-\n    x\n", "a: {b: , c: [1, '', \"x\\ny\"]}",
		"a: &x 1\nb: *x", "1: a", "a: 1\na: 2", "? a\n: b", "a: 1.0\nb: 1e3\nc: 2020-01-01", "a: !!str 1\nb: !x 2", "a: '1'\n\"b\": \"2\"", "a: b # c", "a: |-\n  x\n\n\nb: |+\n  x\n\n",
		"- a", "a: 'x\n\n  y'", "a: \"\\u00e9\\t\"", "<<: {a: b}", "a: '<<'\n'<<': b", "a: 0x10\nb: -5\nc: -0\nd: 12345678901234567890", "{\"a\": \"line\\nline\\n\", \"b\": null}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := kyaml.Parse(text)
		if err != nil {
			return
		}
		compareNodes(t, n.YNode())
	})
}

// Patches make nodes, too, of other styles and tags than parsing does.
func TestNodesOfPatches(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	styles := []kyaml.Style{0, 0, kyaml.SingleQuotedStyle, kyaml.DoubleQuotedStyle, kyaml.LiteralStyle, kyaml.FoldedStyle, kyaml.FlowStyle, kyaml.TaggedStyle}
	text := func() string {
		var b strings.Builder
		for range random.IntN(6) {
			b.WriteString(pick("a", "word", " ", "  ", "\n", "\n", ": ", " #", "- ", "'", "\"", "\\", "1", "0", "true", "null", "~", "<<", "{", "]", "%", "&x", "*", "!", "|", ">", "@", "`", "---", "...", "?", ",", "\t", "é", "yes"))
		}
		return b.String()
	}
	var node func(depth int) *kyaml.Node
	scalar := func() *kyaml.Node {
		value := pick("1", "true", "no", "", "null", "2.5", text(), text(), text(), text())
		return &kyaml.Node{Kind: kyaml.ScalarNode, Value: value, Style: styles[random.IntN(len(styles))], Tag: pick("", "", "!!str", "!!str", "!!str", "!!int", "!!bool", "!!null")}
	}
	node = func(depth int) *kyaml.Node {
		n := &kyaml.Node{Kind: kyaml.MappingNode, Tag: pick("", "!!map")}
		if random.IntN(4) == 0 {
			n.Style = kyaml.FlowStyle
		}
		list := depth > 0 && random.IntN(2) == 0
		if list {
			n.Kind, n.Tag = kyaml.SequenceNode, pick("", "!!seq")
		}
		for range random.IntN(3) {
			if !list {
				n.Content = append(n.Content, scalar())
			}
			if depth < 3 && random.IntN(2) == 0 {
				n.Content = append(n.Content, node(depth+1))
				continue
			}
			n.Content = append(n.Content, scalar())
		}
		return n
	}
	certain := 0
	for range 30_000 {
		if n := node(0); compareNodes(t, n) && len(n.Content) > 0 {
			certain++
		}
	}
	if certain < 1_000 {
		t.Errorf("of 30,000 nodes %d were taken as certain", certain)
	}
}
