package decision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const header = `# Decisions about ServiceAccount tokens. tokenward writes them here when somebody
# decides in a merge request, and follows them; people may edit them as they like.
#
# Each item is about the pods of one namespace whose names match a pattern, with the
# wildcards * and ? as in the policies, and says one of
#   ignore: propose no entry for them ("*" leaves the whole namespace as it is)
#   allow:  give them a token
#   deny:   give them none
# reason says why, by who decided, note where it was said. Of two items about the
# same pods the later wins. To lift a decision, take its item out.
`

// ErrForm means that the file says its decisions in a form that none can be added to.
var ErrForm = errors.New("no decision can be added in this form")

// Add returns the file with one more decision at its end, in the style of those
// before it; every byte of src stays. It returns src as it is if the file says the
// same already, and begins the file with its explanation if src is empty. It fails
// if src cannot be parsed, if d can match nothing, or with ErrForm.
func Add(src []byte, d Decision) (dst []byte, err error) {
	d.Reason, d.By, d.Note = oneLine(d.Reason), oneLine(d.By), oneLine(d.Note)
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("add the decision %s: %w", d, err)
	}
	f, err := Parse(src)
	if err != nil {
		return nil, err
	}
	if f.Has(d) {
		return src, nil
	}
	if dst, err = splice(src, d); err != nil {
		return nil, err
	}
	return dst, proven(f, d, dst)
}

// proven refuses a result that says anything else than the file and the decision.
func proven(f *File, d Decision, dst []byte) error {
	got, err := Parse(dst)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	want := append(slices.Clone(f.Decisions), d)
	if len(got.Decisions) != len(want) {
		return fmt.Errorf("%w: the file would hold %d decisions instead of %d", ErrForm, len(got.Decisions), len(want))
	}
	for i, w := range want {
		g := got.Decisions[i]
		g.Line, w.Line = 0, 0
		if g != w {
			return fmt.Errorf("%w: it would read %q instead of %q", ErrForm, g, w)
		}
	}
	return nil
}

// splice writes the decision behind the last line that is not blank: the list is all
// that the file holds, so that it ends there.
func splice(src []byte, d Decision) ([]byte, error) {
	eol := lineEnd(src)
	if len(bytes.TrimSpace(src)) == 0 {
		return []byte(header + "\n" + decisionsKey + ":\n" + strings.Join(d.lines(2, 2), "\n") + "\n"), nil
	}
	root, err := parseNode(src)
	if err != nil {
		return nil, err
	}
	if root == nil {
		return appendLines(src, eol, append([]string{"", decisionsKey + ":"}, d.lines(2, 2)...)), nil
	}
	list, err := listOf(root)
	if err != nil {
		return nil, err
	}
	switch {
	case root.Style&yaml.FlowStyle != 0:
		return nil, fmt.Errorf("%w: line %d: write the file as a list with dashes instead of braces", ErrForm, root.Line)
	case list == nil, len(list.Content) == 0:
		return fillEmpty(src, root.Content[1], eol, d)
	case list.Style&yaml.FlowStyle != 0:
		return nil, fmt.Errorf("%w: line %d: write the decisions as a list with dashes instead of brackets", ErrForm, list.Line)
	}
	dash, key := styleOf(list)
	lines := d.lines(dash, key)
	if spaced(src, list) {
		lines = append([]string{""}, lines...)
	}
	return appendLines(src, eol, lines), nil
}

// emptyValue is an empty list or a null, with what may stand behind it.
var emptyValue = regexp.MustCompile(`^(\[[ \t]*\]|null|~)?([ \t]*)(#[^\r\n]*)?$`)

// fillEmpty puts the first item below a key whose value says that there is none.
func fillEmpty(src []byte, value *yaml.Node, eol string, d Decision) ([]byte, error) {
	at, ok := offset(src, value.Line, value.Column)
	if !ok {
		return nil, fmt.Errorf("%w: line %d: the empty list is not found", ErrForm, value.Line)
	}
	end := at + len(src[at:])
	if n := bytes.IndexAny(src[at:], "\r\n"); n >= 0 {
		end = at + n
	}
	m := emptyValue.FindSubmatchIndex(src[at:end])
	if m == nil {
		return nil, fmt.Errorf("%w: line %d: write the decisions as a list with dashes", ErrForm, value.Line)
	}
	head, tail := bytes.Clone(src[:at]), src[at:]
	if m[2] >= 0 {
		tail = src[at+m[3]:]
		if m[6] < 0 { // no comment behind it: the space before it goes, too
			head = bytes.TrimRight(head, " \t")
		}
	}
	return appendLines(append(head, tail...), eol, d.lines(2, 2)), nil
}

// styleOf tells how far the dashes are indented, and the keys behind them.
func styleOf(list *yaml.Node) (dash, key int) {
	last := list.Content[len(list.Content)-1]
	dash, key = list.Column-1, 2
	if n := last.Column - list.Column; n >= 2 && n <= 8 && last.Style&yaml.FlowStyle == 0 {
		key = n
	}
	return dash, key
}

// spaced tells whether a blank line stands before the last of several items.
func spaced(src []byte, list *yaml.Node) bool {
	if len(list.Content) < 2 {
		return false
	}
	lines := bytes.Split(src, []byte("\n"))
	for i := list.Content[len(list.Content)-1].Line - 2; i >= 0 && i < len(lines); i-- {
		text := bytes.TrimSpace(lines[i])
		if len(text) == 0 {
			return true
		}
		if text[0] != '#' {
			return false
		}
	}
	return false
}

// appendLines adds lines behind the last line that is not blank. A missing line end
// of the last line stays missing.
func appendLines(src []byte, eol string, lines []string) []byte {
	text := bytes.TrimRight(src, " \t\r\n")
	if n := bytes.IndexByte(src[len(text):], '\n'); n >= 0 {
		text = src[:len(text)+n+1] // with what stands at its end
	} else {
		text = src
	}
	rest := src[len(text):]
	out := bytes.Clone(text)
	if !bytes.HasSuffix(text, []byte("\n")) {
		return append(append(out, eol...), strings.Join(lines, eol)...)
	}
	return append(append(append(out, strings.Join(lines, eol)...), eol...), rest...)
}

func lineEnd(src []byte) string {
	if n := bytes.IndexByte(src, '\n'); n > 0 && src[n-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// offset finds a line and column as the parser counts them, in bytes.
func offset(src []byte, line, column int) (int, bool) {
	at := 0
	for range line - 1 {
		n := bytes.IndexByte(src[at:], '\n')
		if n < 0 {
			return 0, false
		}
		at += n + 1
	}
	return at + column - 1, at+column-1 <= len(src)
}

// lines writes the decision as an item of a list.
func (d Decision) lines(dash, key int) []string {
	out := []string{"namespace: " + scalar(d.Namespace), string(d.Kind) + ": " + scalar(d.Pattern)}
	for _, field := range [][2]string{{"reason", d.Reason}, {"by", d.By}, {"note", d.Note}} {
		if field[1] != "" {
			out = append(out, field[0]+": "+scalar(field[1]))
		}
	}
	for i, text := range out {
		if i == 0 {
			out[i] = strings.Repeat(" ", dash) + "-" + strings.Repeat(" ", key-1) + text
			continue
		}
		out[i] = strings.Repeat(" ", dash+key) + text
	}
	return out
}

// plain is text that needs no quotes for its characters.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./*?!#+-]*( [A-Za-z0-9_./*?!+-][A-Za-z0-9_./*?!#+-]*)*$`)

// scalar writes text so that every reader of YAML takes it for that text.
func scalar(s string) string {
	short := strings.EqualFold(s, "y") || strings.EqualFold(s, "n")
	if plain.MatchString(s) && !short && !yaml.IsValueNonString(s) {
		return s
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out) // a text in JSON is one in YAML
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("encode a string: " + err.Error()) // cannot happen
	}
	return strings.TrimSuffix(out.String(), "\n")
}
