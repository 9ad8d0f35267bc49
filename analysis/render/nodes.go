package render

import (
	"slices"
	"strconv"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Kustomize makes JSON of a resource by way of YAML: it writes its nodes, reads them again and writes what they
// say. Where what it writes is certain to be read as what is there, the nodes are taken as they are.

// maxPlainKey is how long a key may be that is written in front of its value.
const maxPlainKey = 128

// mapOfNodes returns what decodeJSON makes of a node's JSON. ok is false where that is not certain: for
// aliases, comments, tags, numbers but plain whole ones, and texts that are not plain letters.
func mapOfNodes(n *kyaml.Node) (fields map[string]any, ok bool) {
	if n == nil || n.Kind != kyaml.MappingNode {
		return nil, false
	}
	v, ok := valueOfNode(n, false)
	fields, _ = v.(map[string]any)
	return fields, ok
}

// valueOfNode is of a node that stands between brackets or does not.
func valueOfNode(n *kyaml.Node, inFlow bool) (any, bool) {
	if n.Anchor != "" || n.Alias != nil || n.HeadComment != "" || n.LineComment != "" || n.FootComment != "" || n.Style&kyaml.TaggedStyle != 0 {
		return nil, false
	}
	inFlow = inFlow || n.Style&kyaml.FlowStyle != 0
	switch n.Kind {
	case kyaml.MappingNode:
		return valueOfMapping(n, inFlow)
	case kyaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, e := range n.Content {
			v, ok := valueOfNode(e, inFlow)
			if !ok {
				return nil, false
			}
			list[i] = v
		}
		return list, n.ShortTag() == kyaml.NodeTagSeq
	case kyaml.ScalarNode:
		return valueOfScalar(n, inFlow)
	}
	return nil, false
}

func valueOfMapping(n *kyaml.Node, inFlow bool) (any, bool) {
	if n.ShortTag() != kyaml.NodeTagMap || len(n.Content)%2 != 0 {
		return nil, false
	}
	fields := make(map[string]any, len(n.Content)/2)
	for pair := range slices.Chunk(n.Content, 2) {
		key, ok := valueOfNode(pair[0], inFlow)
		name, isText := key.(string)
		if _, double := fields[name]; !ok || !isText || double || len(name) > maxPlainKey || name == "<<" || strings.Contains(name, "\n") {
			return nil, false
		}
		if fields[name], ok = valueOfNode(pair[1], inFlow); !ok {
			return nil, false
		}
	}
	return fields, true
}

func valueOfScalar(n *kyaml.Node, inFlow bool) (any, bool) {
	tag, plain := n.ShortTag(), n.Style == 0
	switch {
	case tag == kyaml.NodeTagString:
		return n.Value, isCertainText(n.Value, n.Style)
	case tag == kyaml.NodeTagInt && plain:
		i, err := strconv.ParseInt(n.Value, 10, 64)
		return i, err == nil && strconv.FormatInt(i, 10) == n.Value
	case tag == kyaml.NodeTagBool && plain:
		return n.Value == "true", n.Value == "true" || n.Value == "false"
	case tag == kyaml.NodeTagNull && plain:
		return nil, n.Value == "null" || n.Value == "" && !inFlow
	}
	return nil, false
}

// isCertainText tells whether a text is read as it is written: ASCII between double quotes, a line of it,
// or lines that are written as they are, none of which ends in a space.
func isCertainText(text string, style kyaml.Style) bool {
	lines := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\n':
			lines++
		case c < ' ' || c > '~':
			return false
		}
	}
	block := style&(kyaml.LiteralStyle|kyaml.FoldedStyle) != 0
	switch {
	case style&kyaml.DoubleQuotedStyle != 0, lines == 0 && !block:
		return true
	case lines > 0 && style&(kyaml.SingleQuotedStyle|kyaml.FoldedStyle) != 0:
		return false
	}
	return text != "" && text[0] != ' ' && text[0] != '\n' && text[len(text)-1] != ' ' &&
		!strings.Contains(text, " \n") && !strings.HasSuffix(text, "\n\n")
}
