package render

import "bytes"

// nextAction finds the first action of a template's text: from two braces that open to the
// next two that close, over lines. It is what matches (?s)\{\{.*?\}\}, found much faster.
func nextAction(text []byte) (start, end int, ok bool) {
	start = bytes.Index(text, []byte("{{"))
	if start < 0 {
		return 0, 0, false
	}
	length := bytes.Index(text[start+2:], []byte("}}"))
	if length < 0 {
		return 0, 0, false
	}
	return start, start + 2 + length + 2, true
}

// anyAction tells whether one of a text's actions is as asked.
func anyAction(text []byte, is func(action []byte) bool) bool {
	for {
		start, end, ok := nextAction(text)
		if !ok {
			return false
		}
		if is(text[start:end]) {
			return true
		}
		text = text[end:]
	}
}

// replaceActions returns a copy of a text with other actions in it.
func replaceActions(text []byte, with func(action []byte) []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for {
		start, end, ok := nextAction(text)
		if !ok {
			return append(out, text...)
		}
		out = append(append(out, text[:start]...), with(text[start:end])...)
		text = text[end:]
	}
}
