package render

import "strings"

const crdKind = "CustomResourceDefinition"

// decodeCRD decodes a CustomResourceDefinition without what takes nearly all of
// its length and nobody here reads: schemas, columns and descriptions.
func decodeCRD(text string) (map[string]any, error) {
	fields, err := decodeYAML(withoutSchemas(text))
	if err == nil {
		if _, ok := readCRD(fields); ok {
			return fields, nil
		}
	}
	return decodeYAML(text) // written in another way than one key a line
}

// withoutSchemas drops everything that is indented deeper than one of the heavy keys.
func withoutSchemas(text string) string {
	var b strings.Builder
	drop := -1
	for line := range strings.Lines(text) {
		trimmed := strings.TrimLeft(line, " ")
		indent := len(line) - len(trimmed)
		if drop >= 0 {
			if strings.TrimSpace(line) == "" || indent > drop || indent == drop && strings.HasPrefix(trimmed, "- ") {
				continue
			}
			drop = -1
		}
		if rest, ok := strings.CutPrefix(trimmed, "- "); ok {
			deeper := strings.TrimLeft(rest, " ")
			indent += 2 + len(rest) - len(deeper)
			trimmed = deeper
		}
		if isHeavy(trimmed) {
			drop = indent
			// the key stays, for "- schema:" may begin an item of a list
			line = line[:strings.IndexByte(line, ':')+1] + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
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

func isHeavy(line string) bool {
	key, rest, ok := strings.Cut(line, ":")
	return ok && strings.TrimSpace(rest) == "" && isHeavyKey(key)
}

func isHeavyKey(key string) bool {
	switch key {
	case "schema", "validation", "additionalPrinterColumns":
		return true
	}
	return false
}
