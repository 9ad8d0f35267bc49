package render

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

const (
	// maxMetadata bounds a Chart.yaml or requirements.yaml.
	maxMetadata = 1 << 20
	// maxExpanded bounds what a document may become when its aliases are replaced by what they stand for.
	maxExpanded = 16 << 20
)

var errExpands = fmt.Errorf("its anchors and aliases expand to more than %d MiB", maxExpanded>>20)

// checkAliases refuses a YAML document that grows beyond bearing when its aliases are
// resolved. It is for what is decoded outside of the render workers. What is no YAML passes: its decoder tells.
func checkAliases(data []byte) error {
	_, err := expanded(data)
	return err
}

// expanded is how large a YAML document becomes when its aliases are resolved, 0 where it has none.
func expanded(data []byte) (int, error) {
	if !bytes.Contains(data, []byte("&")) || !bytes.Contains(data, []byte("*")) {
		return 0, nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return 0, nil
	}
	m := measure{sizes: map[*yaml.Node]int{}}
	return m.size(&doc), m.err
}

// measure adds up how large nodes are once they are expanded; each is looked at once.
type measure struct {
	sizes map[*yaml.Node]int // -1 for a node that is being measured
	err   error
}

func (m *measure) size(n *yaml.Node) int {
	if s, ok := m.sizes[n]; ok {
		if s < 0 {
			m.err = errors.New("an anchor contains itself")
		}
		return max(s, 0)
	}
	m.sizes[n] = -1
	total := len(n.Value) + 1
	if n.Alias != nil {
		total += m.size(n.Alias)
	}
	for _, c := range n.Content {
		if m.err != nil {
			break
		}
		total += m.size(c)
		if total > maxExpanded {
			m.err = errExpands
		}
	}
	m.sizes[n] = total
	return total
}
