package render

import (
	"bytes"
	"slices"
)

const crdKind = "CustomResourceDefinition"

// decodeCRD decodes a CustomResourceDefinition without what takes nearly all of
// its length and nobody here reads: schemas, columns and descriptions.
func decodeCRD(text []byte) (map[string]any, error) {
	fields, err := decodeYAML(withoutSchemas(text))
	if err == nil {
		if _, ok := readCRD(fields); ok {
			return fields, nil
		}
	}
	return decodeYAML(text) // written in another way than one key a line
}

// crdsIn reads the definitions that stand in a file.
func crdsIn(text []byte) []CRD {
	var crds []CRD
	for _, doc := range splitDocuments(string(text)) {
		if topLevelKind(doc.text) != crdKind {
			continue
		}
		if fields, err := decodeCRD([]byte(doc.text)); err == nil {
			if crd, ok := readCRD(fields); ok {
				crds = append(crds, crd)
			}
		}
	}
	return crds
}

// withoutSchemas drops everything that is indented deeper than one of the heavy keys.
func withoutSchemas(text []byte) []byte {
	out := make([]byte, 0, len(text)/8)
	drop := -1
	for line := range bytes.Lines(text) {
		if drop >= 0 {
			if isBelow(line, drop) {
				continue
			}
			drop = -1
		}
		if indent, heavy := heavyIndent(line); heavy {
			drop = indent
			// the key stays, for "- schema:" may begin an item of a list
			out = append(append(out, line[:bytes.IndexByte(line, ':')+1]...), '\n')
			continue
		}
		out = append(out, line...)
	}
	return out
}

// heavyIndent tells whether a line is a heavy key alone, and how far that is indented.
func heavyIndent(line []byte) (indent int, heavy bool) {
	trimmed := bytes.TrimLeft(line, " ")
	indent = len(line) - len(trimmed)
	if rest, ok := bytes.CutPrefix(trimmed, []byte("- ")); ok {
		deeper := bytes.TrimLeft(rest, " ")
		indent += 2 + len(rest) - len(deeper)
		trimmed = deeper
	}
	return indent, isHeavy(trimmed)
}

// isBelow tells whether a line belongs to a key that is indented so far.
func isBelow(line []byte, indent int) bool {
	trimmed := bytes.TrimLeft(line, " ")
	own := len(line) - len(trimmed)
	return own > indent || len(bytes.TrimSpace(trimmed)) == 0 || trimmed[0] == '#' || own == indent && bytes.HasPrefix(trimmed, []byte("- "))
}

// dropSchemas drops the same from a definition that is decoded already.
func dropSchemas(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			if isHeavyKey(key) {
				v[key] = nil
				continue
			}
			dropSchemas(e)
		}
	case []any:
		for _, e := range v {
			dropSchemas(e)
		}
	}
}

func isHeavy(line []byte) bool {
	key, rest, ok := bytes.Cut(line, []byte(":"))
	return ok && isHeavyKey(string(key)) && len(bytes.TrimSpace(rest)) == 0
}

// heavyKeys are those of a definition below which is nearly all of its length.
var heavyKeys = []string{"schema", "validation", "additionalPrinterColumns"}

func isHeavyKey(key string) bool { return slices.Contains(heavyKeys, key) }
