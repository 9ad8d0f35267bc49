package yaml

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	goyaml "go.yaml.in/yaml/v2"
)

const (
	// maxLine is the column from which on go-yaml folds a text at its spaces.
	maxLine = 80
	// maxDigits is how many digits make no number for certain any more.
	maxDigits = 300
	// maxNumber is how many digits of a number in a key go-yaml can count.
	maxNumber = 18
)

// emitter writes what go-yaml writes of the values that charts are made of, without its events. Its methods return
// false where go-yaml may write something else.
type emitter struct{ out []byte }

// emit writes a map or a list that is not empty.
func emit(v any) (text []byte, ok bool) {
	var e emitter
	switch v := v.(type) {
	case map[string]any:
		ok = len(v) > 0 && e.entries(v, 0)
	case []any:
		ok = len(v) > 0 && e.items(v, 0)
	}
	return e.out, ok
}

// entries writes a map whose first key is where the output ends, and the others indented so far.
func (e *emitter) entries(m map[string]any, indent int) bool {
	keys, ok := sortedKeys(m)
	if !ok || indent > maxDepth {
		return false
	}
	for i, k := range keys {
		if i > 0 {
			e.indent(indent)
		}
		if len(k) > maxKey || !e.text(k, 0, 0) {
			return false
		}
		e.out = append(e.out, ':')
		switch v := m[k].(type) {
		case map[string]any:
			if len(v) > 0 {
				e.out = append(e.out, '\n')
				e.indent(indent + 2)
				if !e.entries(v, indent+2) {
					return false
				}
				continue
			}
		case []any:
			if len(v) > 0 {
				e.out = append(e.out, '\n')
				e.indent(indent)
				if !e.items(v, indent) {
					return false
				}
				continue
			}
		}
		e.out = append(e.out, ' ')
		if !e.scalar(m[k], indent+2, indent+len(k)+4) {
			return false
		}
		e.out = append(e.out, '\n')
	}
	return true
}

// items writes a list in the same way.
func (e *emitter) items(l []any, indent int) bool {
	if indent > maxDepth {
		return false
	}
	for i, v := range l {
		if i > 0 {
			e.indent(indent)
		}
		e.out = append(e.out, '-', ' ')
		switch v := v.(type) {
		case map[string]any:
			if len(v) > 0 {
				if !e.entries(v, indent+2) {
					return false
				}
				continue
			}
		case []any:
			if len(v) > 0 {
				if !e.items(v, indent+2) {
					return false
				}
				continue
			}
		}
		if !e.scalar(v, indent+2, indent+2) {
			return false
		}
		e.out = append(e.out, '\n')
	}
	return true
}

func (e *emitter) indent(n int) {
	for range n {
		e.out = append(e.out, ' ')
	}
}

// scalar writes a value without entries that begins at a column, or before it. Further lines are indented so far.
func (e *emitter) scalar(v any, indent, column int) bool {
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case int:
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case int64:
		e.out = strconv.AppendInt(e.out, v, 10)
	case float64:
		if v != math.Trunc(v) || math.Abs(v) >= maxWhole {
			return false
		}
		e.out = strconv.AppendInt(e.out, int64(v), 10)
	case string:
		return e.text(v, indent, column)
	case map[string]any:
		if v == nil {
			return e.scalar(nil, indent, column)
		}
		e.out = append(e.out, "{}"...)
	case []any:
		if v == nil {
			return e.scalar(nil, indent, column)
		}
		e.out = append(e.out, "[]"...)
	default:
		return false
	}
	return true
}

func (e *emitter) text(s string, indent, column int) bool {
	switch {
	case strings.Contains(s, "\n"):
		return e.literal(s, indent)
	case isPlain(s):
		e.out = append(e.out, s...)
		return column+len(s) <= maxLine || !strings.Contains(s, " ")
	case s == "true" || s == "false" || isWhole(strings.TrimPrefix(s, "-")):
		e.quoted(s, '"')
		return true
	case s[:min(len(s), 1)] == "*" && isName(s[1:]):
		e.quoted(s, '\'')
		return true
	}
	if strings.ContainsAny(s, "\u2028\u2029") {
		return false // it may go on in another line
	}
	text, err := goyaml.Marshal(s)
	text = bytes.TrimSuffix(text, []byte("\n"))
	e.out = append(e.out, text...)
	return err == nil && certain(s) && (column+len(text) <= maxLine || !strings.Contains(s, " "))
}

func (e *emitter) quoted(s string, quote byte) {
	e.out = append(append(append(e.out, quote), s...), quote)
}

// literal writes a text of several lines.
func (e *emitter) literal(s string, indent int) bool {
	s, ended := strings.CutSuffix(s, "\n")
	if s == "" || s[0] == ' ' || s[0] == '\n' || s[len(s)-1] == '\n' || strings.Contains(s+"\n", " \n") || !isASCII(strings.ReplaceAll(s, "\n", "")) {
		return false
	}
	e.out = append(e.out, '|')
	if !ended {
		e.out = append(e.out, '-')
	}
	for _, line := range strings.Split(s, "\n") {
		e.out = append(e.out, '\n')
		if line != "" {
			e.indent(indent)
			e.out = append(e.out, line...)
		}
	}
	return true
}

// isASCII tells whether a text has nothing but visible letters and spaces.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// otherwise are the words that are something else than texts.
var otherwise = []string{"y", "yes", "n", "no", "on", "off", "true", "false", "null"}

// isWhole tells whether a text is digits, and certainly a number.
func isWhole(s string) bool {
	return s != "" && len(s) < maxDigits && strings.Trim(s, "0123456789") == ""
}

// isName tells whether a text is letters, digits, dots, slashes and dashes.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '.' && c != '/' && c != '-' {
			return false
		}
	}
	return true
}

// isAmount tells whether a text is a number with a unit, as Kubernetes writes sizes and times.
func isAmount(s string) bool {
	digits := strings.TrimRight(s, "KMGTmshi")
	switch s[len(digits):] {
	case "h", "m", "s", "ms", "Ki", "Mi", "Gi", "Ti":
		return isWhole(digits)
	}
	return false
}

// isDotted tells whether a text, which is not empty, is digits with at least two dots or one slash behind the first: a
// version, an address.
func isDotted(s string) bool {
	return isDigit(s[0]) && strings.Trim(s, "0123456789./") == "" && (strings.Count(s, ".") > 1 || strings.Contains(s, "/"))
}

// isPlain tells whether a text certainly stands for itself without quotes.
func isPlain(s string) bool {
	if s == "" {
		return false
	}
	if isAmount(s) || isDotted(s) {
		return true
	}
	if !isLetter(s[0]) && !strings.Contains("/_$(", s[:1]) || !isASCII(s) || s[len(s)-1] == ' ' || s[len(s)-1] == ':' ||
		strings.Contains(s, ": ") || strings.Contains(s, " #") {
		return false
	}
	return len(s) > len("false") || !slices.Contains(otherwise, strings.ToLower(s))
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// sortedKeys sorts as go-yaml does: letters behind all else, and numbers by what they are worth. Its order has no
// end where a number goes on in one key and is followed by a letter in another; such keys are left to it.
func sortedKeys(m map[string]any) (keys []string, ok bool) {
	keys, ok = make([]string, 0, len(m)), true
	for k := range m {
		keys, ok = append(keys, k), ok && isASCII(k)
	}
	numbers := false
	slices.SortFunc(keys, func(a, b string) int {
		for i := range min(len(a), len(b)) {
			x, y := a[i], b[i]
			switch {
			case x == y:
				continue
			case isLetter(x) && isLetter(y):
				return int(x) - int(y)
			case isLetter(y):
				return -1
			case isLetter(x):
				return 1
			case isDigit(x) || isDigit(y):
				numbers = true
				if n := digits(a[i:]) - digits(b[i:]); n != 0 {
					return n
				}
			}
			return int(x) - int(y)
		}
		return len(a) - len(b)
	})
	return keys, ok && !(numbers && slices.ContainsFunc(keys, oddNumber))
}

// digits counts those that a text begins with.
func digits(s string) (n int) {
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// oddNumber tells whether a key has a number that a letter follows, that begins with 0 or that is too long for go-yaml.
func oddNumber(key string) bool {
	for i := 0; i < len(key); {
		n := digits(key[i:])
		if n > 0 && (n > maxNumber || n > 1 && key[i] == '0' || i+n < len(key) && isLetter(key[i+n])) {
			return true
		}
		i += max(n, 1)
	}
	return false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
