package analysis

import (
	"bytes"
	"strings"

	"tokenward/analysis/render"
)

// writtenIgnore is the spec.ignore that GitRepositories of the umbrella will most likely have: the one that its templates
// write out, as a literal block without actions; "" where there is none, or more than one.
func writtenIgnore(umbrella *render.Chart) string {
	found := ""
	for _, f := range umbrella.Files {
		if !strings.HasPrefix(f.Name, "templates/") {
			continue
		}
		for rest := f.Data; ; {
			_, after, ok := bytes.Cut(rest, []byte("ignore: |\n"))
			if !ok {
				break
			}
			rest = after
			switch block := literalBlock(rest); {
			case strings.Contains(block, "{{") || found != "" && block != "" && block != found:
				return ""
			case block != "":
				found = block
			}
		}
	}
	return found
}

// literalBlock is the block scalar that the lines of a text begin with: as many as are empty, or indented as far as the
// first, which is further than nothing. Of the line ends after the last that is not empty it has one.
func literalBlock(text []byte) string {
	indent := text[:len(text)-len(bytes.TrimLeft(text, " "))]
	var out strings.Builder
	for line := range bytes.Lines(text) {
		rest, in := bytes.CutPrefix(line, indent)
		if !in && len(bytes.TrimSpace(line)) == 0 {
			rest, in = []byte("\n"), true
		}
		if len(indent) == 0 || !in {
			break
		}
		out.Write(rest)
	}
	block := out.String()
	if end := strings.TrimRight(block, "\n"); end != block {
		return end + "\n"
	}
	return block
}
