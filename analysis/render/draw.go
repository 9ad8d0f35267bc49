package render

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"helm.sh/helm/v3/pkg/chart"
)

// draws tells whether the names of what the chart renders, or of its namespaces, may differ from render to render.
func (c *Chart) draws() bool {
	return slices.ContainsFunc(c.Files, func(f File) bool { return inTemplates(f.Name) && drawsIn(f.Data) })
}

// drawsIn tells whether a template says one of the functions that names are made with and whose results
// differ from call to call. Keys, certificates and passwords differ, too, but name nothing.
func drawsIn(text []byte) bool {
	for _, function := range []string{"shuffle", "uuidv4", "now", "ago"} {
		if says(text, function) {
			return true
		}
	}
	return hasWord(text, "rand", func(before byte, after []byte) bool { // randAlpha, randInt, ...
		return !isNameByte(before) && len(after) > 0 && 'A' <= after[0] && after[0] <= 'Z'
	})
}

// says tells whether a word stands in a text by itself.
func says(text []byte, word string) bool {
	return hasWord(text, word, func(before byte, after []byte) bool { return !isNameByte(before) && endsName(after) })
}

// hasWord looks for a word behind a certain byte, which is a space at the text's begin, and before a certain text.
func hasWord(text []byte, word string, is func(before byte, after []byte) bool) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(word))
		if i < 0 {
			return false
		}
		before, end := byte(' '), at+i+len(word)
		if at+i > 0 {
			before = text[at+i-1]
		}
		if is(before, text[end:]) {
			return true
		}
		at = end
	}
}

// endsName tells whether a name is complete before a text.
func endsName(text []byte) bool { return len(text) == 0 || !isNameByte(text[0]) }

func isNameByte(c byte) bool { return isWordByte(c) && c < 0x80 }

// texts calls use for every key and text among values.
func texts(v any, use func(string)) {
	switch v := v.(type) {
	case string:
		use(v)
	case map[string]any:
		for key, e := range v {
			use(key)
			texts(e, use)
		}
	case []any:
		for _, e := range v {
			texts(e, use)
		}
	}
}

// The times that templates see in place of now, one for each of the two renders that are compared. They are
// neither in a January nor Mondays: these stand in templates as the format of a date, and would be known words.
var drawnTimes = [2]string{"2026-03-11", "2027-04-22"}

// setSurroundings lets the templates of a chart see a certain time, so that what they render
// does not differ from day to day, and ready-made keys.
func setSurroundings(ch *chart.Chart, date string) {
	for _, t := range ch.Templates {
		if says(t.Data, "now") {
			t.Data = withTime(t.Data, date)
		}
		t.Data = withoutHardWork(t.Data)
	}
	for _, d := range ch.Dependencies() {
		setSurroundings(d, date)
	}
}

// withTime replaces the function now where a template's actions call it. Lines stay where they are.
func withTime(text []byte, date string) []byte {
	return replaceActions(text, func(a []byte) []byte {
		if !says(a, "now") {
			return a
		}
		return nowOrText.ReplaceAllFunc(a, func(m []byte) []byte {
			if i := bytes.LastIndex(m, []byte("now")); i >= 0 && m[0] != '"' && m[0] != '`' {
				return append(slices.Clone(m[:i]), `(toDate "2006-01-02" "`+date+`")`...)
			}
			return m
		})
	})
}

// nowOrText finds the word now, or a text that may hold it.
var nowOrText = regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`]*`|(?:[\\s(|=,]|\\{\\{-?)now\\b")

// steady puts * for what differs between two renders of the same objects: in their
// names, in the namespaces that they name, and in their fields. The data of Secrets and ConfigMaps and what Flux
// reads stay as drawn first: there a text must remain what it is for. Objects that
// have no counterpart stay, too.
func steady(out, again *Output) {
	if len(out.Objects) != len(again.Objects) {
		return
	}
	for i, o := range out.Objects {
		p := again.Objects[i]
		if o.Kind != p.Kind || o.APIVersion != p.APIVersion || o.Source != p.Source {
			continue
		}
		o.Name = steadyText(o.Name, p.Name)
		if strings.Contains(groupOf(o.APIVersion), "fluxcd.io") {
			continue
		}
		o.Own = steadyText(o.Own, p.Own)
		fields, others := o.Fields(), p.Fields()
		for key, v := range fields {
			if key != "data" && key != "stringData" && key != "binaryData" {
				fields[key] = steadyValue(v, others[key])
			}
		}
	}
}

// steadyValue changes maps and lists in place.
func steadyValue(a, b any) any {
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return steadyText(a, b)
		}
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			for key := range a {
				a[key] = steadyValue(a[key], b[key])
			}
		}
	case []any:
		if b, ok := b.([]any); ok && len(a) == len(b) {
			for i := range a {
				a[i] = steadyValue(a[i], b[i])
			}
		}
	}
	return a
}

// maxName is how long a name may be; longer texts that differ on a line are keys and certificates.
// Source: IsDNS1123Subdomain of k8s.io/apimachinery/pkg/util/validation.
const maxName = 253

// steadyText puts * for what differs between two texts, line by line where they have
// as many lines, and from mark to mark: that two draws begin with the same letter is chance.
func steadyText(a, b string) string {
	if a == b {
		return a
	}
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(x) != len(y) {
		return "*"
	}
	for i := range x {
		x[i] = steadyLine(x[i], y[i])
	}
	return strings.Join(x, "\n")
}

func steadyLine(a, b string) string {
	if a == b {
		return a
	}
	if max(len(a), len(b)) > maxName {
		return "*"
	}
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && isWord(a[n-1]) {
		n--
	}
	end := 0
	for end < min(len(a), len(b))-n && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for end > 0 && isWord(a[len(a)-end]) {
		end--
	}
	return a[:n] + "*" + a[len(a)-end:]
}

// isWord tells what a draw is made of, base64 included.
func isWord(c byte) bool {
	return c == '+' || c == '/' || c == '=' || c >= 0x80 || unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c))
}
