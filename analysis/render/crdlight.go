package render

import (
	"bytes"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

// WithoutSchemas returns the chart with empty lines for the greatest part of the definitions of kinds in its
// files, which nobody here reads: see heavyKeys. A definition stays as it is where a template may look at its file, or has
// a hand in that part; and all lines stay where they are.
func (c *Chart) WithoutSchemas() *Chart {
	seen := c.filesSeen()
	out := &Chart{Dir: c.Dir, Name: c.Name, Files: make([]File, len(c.Files))}
	for i, f := range c.Files {
		if f.mentionsCRDs() && !seen(f) {
			f.Data = withBlankSchemas(f.Data)
		}
		out.Files[i] = f
	}
	return out
}

// filesSeen tells of a file of a chart whether a template may look at its text: by its name, by .Files, or by what it
// defines. Templates may put names together: any end of one counts. Where they say more than maxWords, it may be any file.
func (c *Chart) filesSeen() func(f File) bool {
	ends, anyFile := map[string]bool{}, false
	for _, f := range c.Files {
		template := inTemplates(f.Name)
		if strings.HasPrefix(ownPath(f.Name), "crds/") || !template && !mayName(f) {
			continue
		}
		if !template {
			for end := range endsOfNames(f.Data) {
				if len(ends) <= maxWords && end[0] != '.' { // values are names, or are put behind something
					ends[string(end)] = true
				}
			}
		}
		anyAction(f.Data, func(action []byte) bool {
			for end := range endsOfNames(action) {
				if len(ends) <= maxWords {
					ends[string(end)] = true
				}
			}
			anyFile = anyFile || usesAnyFile(action)
			return false
		})
	}
	return func(f File) bool {
		if len(ends) > maxWords || !inTemplates(f.Name) && anyFile || bytes.Contains(f.Data, []byte("define")) && anyAction(f.Data, defines) {
			return true
		}
		base := path.Base(f.Name)
		for i := range base {
			if ends[base[i:]] {
				return true
			}
		}
		return false
	}
}

// mayName tells whether a file that is no template may be executed as one, or hold the names of some.
func mayName(f File) bool {
	return path.Base(f.Name) == "values.yaml" || bytes.Contains(f.Data, []byte("{{"))
}

func defines(action []byte) bool { return says(action, "define") || says(action, "block") }

// endsOfNames yields the words that may be the end of the name of a file with YAML, without what printf puts before.
func endsOfNames(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for at, known := 0, 0; ; { // known is where the word before ended: words share nothing
			i := bytes.IndexByte(text[at:], '.')
			if i < 0 {
				return
			}
			dot := at + i
			at = dot + 1
			end := at
			for end < len(text) && isWordByte(text[end]) {
				end++
			}
			switch string(text[dot:end]) {
			case ".yaml", ".yml", ".tpl", ".txt":
			default:
				continue
			}
			begin := dot
			for begin > known && (isWordByte(text[begin-1]) || text[begin-1] == '-' || text[begin-1] == '.') {
				begin--
			}
			if begin > 0 && text[begin-1] == '%' && begin < dot {
				begin++
			}
			if known = end; !yield(text[begin:end]) {
				return
			}
		}
	}
}

// usesAnyFile tells whether an action uses .Files but for those that it names in other folders than crds.
func usesAnyFile(action []byte) bool {
	const files = "Files"
	for {
		i := bytes.Index(action, []byte(files))
		if i < 0 {
			return false
		}
		within := i > 0 && isWordByte(action[i-1])
		action = action[i+len(files):]
		if within || len(action) > 0 && isWordByte(action[0]) {
			continue // of a longer word
		}
		if m := namedFiles.FindSubmatch(action[:min(len(action), 256)]); m == nil || string(m[1]) == "crds" {
			return true
		}
	}
}

// namedFiles is what follows .Files where it takes a file or the files of a folder, with the begin of the name.
var namedFiles = regexp.MustCompile(`^\.(?:Get|GetBytes|Lines|Glob)\s+"([^"/*?{\[\\%.]+)[/."]`)

// NamesSchemas tells whether a text may be about what WithoutSchemas leaves out.
func NamesSchemas(text []byte) bool {
	return slices.ContainsFunc(heavyKeys, func(key string) bool { return bytes.Contains(text, []byte(key)) })
}

// withBlankSchemas empties the lines of a file's definitions. Other documents stay as they are.
func withBlankSchemas(text []byte) []byte {
	var out []byte
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

// appendBlank copies a definition, with empty lines below the heavy keys. What may be referred to from elsewhere stays,
// and so does what an action or a comment may begin or end in, or right behind. A definition stays as it is that may have a
// text of several lines elsewhere, which may look like such a key.
func appendBlank(out, doc []byte) []byte {
	before, whole := len(out), doc
	for len(doc) > 0 {
		line := firstLine(doc)
		out, doc = append(out, line...), doc[len(line):]
		indent, heavy := heavyIndent(line)
		if !heavy {
			if goesOn(line) {
				return append(out[:before], whole...)
			}
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
		part, after := doc[:n], firstLine(doc[n:])
		doc = doc[n:]
		if !bytes.HasSuffix(part, []byte("\n")) || hasAnchor(part) || hasAction(part) || hasAction(after) {
			out = append(out, part...) // whole: nothing within it is looked at again
			continue
		}
		for range lines {
			out = append(out, '\n')
		}
	}
	return out
}

// goesOn tells whether a text, a list or map in brackets or an action may begin in a line and end in another.
func goesOn(line []byte) bool {
	if bytes.Count(line, []byte("{{")) != bytes.Count(line, []byte("}}")) || bytes.Contains(line, []byte(`"|`)) || bytes.Contains(line, []byte(`">`)) {
		return true // the last two may be how an action begins a text
	}
	line = replaceActions(line, func([]byte) []byte { return nil })
	quote, depth := byte(0), 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '#' && (i == 0 || line[i-1] == ' '):
			line = line[:i]
		}
	}
	return quote != 0 || depth != 0 || blockText.Match(line)
}

// blockText is how a line ends below which a literal or folded text stands.
var blockText = regexp.MustCompile(`[|>][-+0-9]*\s*$`)

func hasAction(text []byte) bool {
	return bytes.Contains(text, []byte("{{")) || bytes.Contains(text, []byte("}}"))
}

// hasAnchor tells whether a word may begin with &.
func hasAnchor(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return false
		}
		if i == 0 || bytes.IndexByte([]byte(" \t\n[{,:"), text[i-1]) >= 0 {
			if i+1 < len(text) && bytes.IndexByte([]byte(" \t\n&"), text[i+1]) < 0 {
				return true
			}
		}
		text = text[i+1:]
	}
}
