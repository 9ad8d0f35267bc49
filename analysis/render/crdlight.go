package render

import (
	"bytes"
	"slices"
)

// WithoutSchemas returns the chart with empty lines for what nobody here reads of the definitions of kinds in its
// files, and which is most of many a chart: see heavyKeys. Whatever a template has a hand in stays, and so do the lines.
func (c *Chart) WithoutSchemas() *Chart {
	out := &Chart{Dir: c.Dir, Name: c.Name, Files: make([]File, len(c.Files))}
	for i, f := range c.Files {
		if f.mentionsCRDs() {
			f.Data = withBlankSchemas(f.Data)
		}
		out.Files[i] = f
	}
	return out
}

// NamesSchemas tells whether a text may be about what WithoutSchemas leaves out.
func NamesSchemas(text []byte) bool {
	return slices.ContainsFunc(heavyKeys, func(key string) bool { return bytes.Contains(text, []byte(key)) })
}

// withBlankSchemas empties the lines of a file's definitions. Other documents stay as they are.
func withBlankSchemas(text []byte) []byte {
	out := make([]byte, 0, len(text)/4)
	for len(text) > 0 {
		end := len(text)
		if i := bytes.Index(text, []byte("\n---")); i >= 0 {
			end = i + 1 + len("---")
		}
		if doc := text[:end]; isDefinition(doc) {
			out = appendBlank(out, doc)
		} else {
			out = append(out, doc...)
		}
		text = text[end:]
	}
	return out
}

// isDefinition tells whether a document has one kind only, in a line of its own at the first column.
func isDefinition(doc []byte) bool {
	const key = "\nkind:"
	if bytes.HasPrefix(doc, []byte(key[1:])) {
		return bytes.Count(doc, []byte(key)) == 0 && topLevelKind(string(firstLine(doc))) == crdKind
	}
	i := bytes.Index(doc, []byte(key))
	return i >= 0 && bytes.Count(doc[i+1:], []byte(key)) == 0 && topLevelKind(string(firstLine(doc[i+1:]))) == crdKind
}

func firstLine(text []byte) []byte {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return text[:i+1]
	}
	return text
}

// appendBlank copies a definition, with empty lines below the heavy keys. What may be referred to from elsewhere stays.
// What follows such a part must be no action, for that might belong to it.
func appendBlank(out, doc []byte) []byte {
	for len(doc) > 0 {
		line := firstLine(doc)
		out, doc = append(out, line...), doc[len(line):]
		indent, heavy := heavyIndent(line)
		if !heavy {
			continue
		}
		lines, n := 0, 0
		for n < len(doc) {
			next := firstLine(doc[n:])
			if !isBelow(next, indent) {
				break
			}
			lines, n = lines+1, n+len(next)
		}
		if part, after := doc[:n], firstLine(doc[n:]); !bytes.HasSuffix(part, []byte("\n")) || hasAnchor(part) ||
			bytes.Contains(part, []byte("{{")) || bytes.Contains(after, []byte("{{")) {
			continue
		}
		for range lines {
			out = append(out, '\n')
		}
		doc = doc[n:]
	}
	return out
}

func hasAnchor(text []byte) bool {
	return bytes.Contains(text, []byte(": &")) || bytes.Contains(text, []byte("- &"))
}
