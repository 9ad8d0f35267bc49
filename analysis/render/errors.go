package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// TemplateError is a template that could not be parsed or executed: often one
// that asks for a value.
type TemplateError struct {
	// Source is the template's path in the repository and Line the line that
	// failed, "" and 0 where Helm does not say.
	Source string
	Line   int
	// Message is what the template says (fail, required), or what went wrong,
	// without the path through helpers that Helm puts before it.
	Message string
	// Err is Helm's own error.
	Err error
}

func (e *TemplateError) Error() string {
	if e.Source == "" {
		return e.Message
	}
	if e.Line == 0 {
		return e.Source + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.Source, e.Line, e.Message)
}

func (e *TemplateError) Unwrap() error { return e.Err }

// The forms of Helm's errors, see cleanupParseError and cleanupExecError in its engine.
var (
	atLocation = regexp.MustCompile(`(?s)^(?:execution|parse) error (?:at|in) \(([^():]+)(?::(\d+))?(?::\d+)?\): (.*)$`)
	stackFrame = regexp.MustCompile(`template: ([^\s:]+):(\d+)(?::\d+)?: executing "[^"]*" at <((?s:.*?))>: `)
	wrapped    = regexp.MustCompile(`(?s)HELM_ERR_START(.*?)HELM_ERR_END`)
)

// newTemplateError finds the place and the message in an error of Helm's engine.
func newTemplateError(err error, templates map[string]template) error {
	raw := err.Error()
	e := &TemplateError{Message: raw, Err: err}
	if m := atLocation.FindStringSubmatch(raw); m != nil {
		e.place(m[1], m[2], templates)
		e.Message = m[3]
	} else if frames := stackFrame.FindAllStringSubmatchIndex(raw, -1); frames != nil {
		first, last := frames[0], frames[len(frames)-1]
		e.place(raw[first[2]:first[3]], raw[first[4]:first[5]], templates)
		e.Message = fmt.Sprintf("%s: %s", raw[last[6]:last[7]], raw[last[1]:])
		if inner := raw[last[2]:last[3]]; inner != raw[first[2]:first[3]] {
			e.Message += fmt.Sprintf(" (in %s:%s)", sourceOf(inner, templates), raw[last[4]:last[5]])
		}
	}
	if m := wrapped.FindStringSubmatch(e.Message); m != nil {
		e.Message = m[1]
	}
	e.Message = oneLine(e.Message)
	return e
}

func (e *TemplateError) place(name, line string, templates map[string]template) {
	e.Source = sourceOf(name, templates)
	e.Line, _ = strconv.Atoi(line) // "" leaves 0, as wanted
}

func sourceOf(name string, templates map[string]template) string {
	if t, ok := templates[name]; ok {
		return t.source
	}
	return name
}

// oneLine puts a message into a single line of bearable length, without control characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s)
	const limit = 600
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + " …"
	}
	return s
}
