package decision

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	// maxBytes is how large a file of decisions may be.
	maxBytes = 1 << 20
	// maxDecisions is how many it may hold: each is held against every workload.
	maxDecisions = 2000
)

const decisionsKey = "decisions"

// Parse reads a file of decisions; an empty one has none. It is strict, so that a
// decision with a typing error is not passed over in silence: the error is one
// sentence that names the line.
func Parse(raw []byte) (*File, error) {
	f := &File{}
	root, err := parseNode(raw)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return f, nil
	}
	list, err := listOf(root)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return f, nil
	}
	if n := len(list.Content); n > maxDecisions {
		return nil, fmt.Errorf("the file has %d decisions: the most is %d", n, maxDecisions)
	}
	for _, item := range list.Content {
		d, err := parseItem(item)
		if err != nil {
			return nil, err
		}
		f.Decisions = append(f.Decisions, d)
	}
	return f, nil
}

// parseNode reads the one YAML document of the file and returns its root, nil if
// there is none.
func parseNode(raw []byte) (*yaml.Node, error) {
	if len(raw) > maxBytes {
		return nil, fmt.Errorf("the file has %d bytes: the most is %d", len(raw), maxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var document, second yaml.Node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("not readable as YAML: %w", err)
	}
	if err := d.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: a second YAML document begins here: give one only", second.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not readable as YAML: %w", err)
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return nil, nil
	}
	return document.Content[0], nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == yaml.NodeTagNull }

// listOf finds the sequence of decisions, nil if it is empty and has no brackets.
func listOf(root *yaml.Node) (*yaml.Node, error) {
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: the file must be a mapping with the key %q", root.Line, decisionsKey)
	}
	var list *yaml.Node
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Value != decisionsKey:
			return nil, fmt.Errorf("line %d: unknown key %q: %q is the only one", key.Line, shortened(key.Value), decisionsKey)
		case list != nil || i > 0:
			return nil, fmt.Errorf("line %d: the key %q stands here a second time", key.Line, decisionsKey)
		case isNull(value):
		case value.Kind != yaml.SequenceNode:
			return nil, fmt.Errorf("line %d: %q must be a list", value.Line, decisionsKey)
		default:
			list = value
		}
	}
	return list, nil
}

func parseItem(item *yaml.Node) (Decision, error) {
	d := Decision{Line: item.Line}
	if item.Kind != yaml.MappingNode {
		return d, fmt.Errorf("line %d: a decision must be a mapping with namespace and one of ignore, allow and deny", item.Line)
	}
	seen := map[string]bool{}
	for i := 0; i < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		if seen[key.Value] {
			return d, fmt.Errorf("line %d: the key %q stands here a second time", key.Line, shortened(key.Value))
		}
		seen[key.Value] = true
		if value.Kind != yaml.ScalarNode || value.ShortTag() != yaml.NodeTagString {
			return d, fmt.Errorf("line %d: %q must be a text: put it in quotes", value.Line, shortened(key.Value))
		}
		if err := d.set(key, value); err != nil {
			return d, err
		}
	}
	if d.Kind == "" {
		return d, fmt.Errorf("line %d: the decision has none of ignore, allow and deny", item.Line)
	}
	if err := d.check(); err != nil {
		return d, fmt.Errorf("line %d: %w", item.Line, err)
	}
	return d, nil
}

func (d *Decision) set(key, value *yaml.Node) error {
	switch text := oneLine(value.Value); key.Value {
	case "namespace":
		d.Namespace = text
	case "reason":
		d.Reason = text
	case "by":
		d.By = text
	case "note":
		d.Note = text
	case string(Ignore), string(Allow), string(Deny):
		if d.Kind != "" {
			return fmt.Errorf("line %d: a decision is one of ignore, allow and deny: this one has %s, too", key.Line, key.Value)
		}
		d.Kind, d.Pattern = Kind(key.Value), text
	default:
		return fmt.Errorf("line %d: unknown key %q: give namespace, one of ignore, allow and deny, reason, by and note", key.Line, shortened(key.Value))
	}
	return nil
}
