package edit

import (
	"bytes"
)

// HasAnchor says whether mutator stands as a key in src. It is a cheap look at
// the lines, made to choose among many files; Apply may still refuse the file.
func HasAnchor(src []byte, mutator string) bool { return hasKey(src, mutator) }

// HasPolicies says whether src has, at the top of its values, a mapping
// "policies" that can take a new policy. An empty one counts.
func HasPolicies(src []byte) bool {
	if !hasKey(src, policiesKey) {
		return false
	}
	_, err := readSource(src).locate("", "")
	return err == nil
}

// hasKey says whether a line of src begins with name as a YAML key.
func hasKey(src []byte, name string) bool {
	if name == "" {
		return false
	}
	for at := 0; ; {
		i := bytes.Index(src[at:], []byte(name))
		if i < 0 {
			return false
		}
		i += at
		start := bytes.LastIndexByte(src[:i], '\n') + 1
		end := i + len(name)
		if stop := bytes.IndexByte(src[end:], '\n'); stop >= 0 {
			end += stop
		} else {
			end = len(src)
		}
		if isKeyLine(src[start:end], name) {
			return true
		}
		at = end // only the begin of a line can be a key
	}
}

// isKeyLine says whether a line begins with name as a YAML key, which may be quoted.
func isKeyLine(text []byte, name string) bool {
	text = bytes.TrimLeft(text, " \t\ufeff{,")
	var quote byte
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		quote, text = text[0], text[1:]
	}
	rest, ok := bytes.CutPrefix(text, []byte(name))
	if !ok || name == "" {
		return false
	}
	if quote != 0 {
		if len(rest) == 0 || rest[0] != quote {
			return false
		}
		rest = rest[1:]
	}
	rest = bytes.TrimLeft(rest, " \t")
	return len(rest) > 0 && rest[0] == ':' && (len(rest) == 1 || isSpace(rest[1]))
}
