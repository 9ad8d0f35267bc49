package edit

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// quoting is how a list writes its names: the quote to use where one is needed, and whether it is used always.
type quoting struct {
	mark   byte
	always bool
}

var (
	// plainName is what needs no quotes for its characters, in block style.
	plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./*?-]*$`)
	// numberLike is what some YAML reader or other takes for a number or a date.
	numberLike = regexp.MustCompile(`^[0-9._-]+$|^[0-9][0-9._]*[eE][0-9._+-]*$|^0[xXoObB][0-9a-fA-F_]*$`)
)

// write returns name as a YAML scalar that every reader of YAML 1.1 or 1.2 takes for that string.
func (q quoting) write(name string) string {
	if !q.always && !needsQuotes(name) {
		return name
	}
	if q.mark == '\'' {
		return "'" + strings.ReplaceAll(name, "'", "''") + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// writeInFlow is write for a collection in flow style, where a question mark can begin a key.
func (q quoting) writeInFlow(name string) string {
	q.always = q.always || strings.Contains(name, "?")
	return q.write(name)
}

func needsQuotes(name string) bool {
	if !plainName.MatchString(name) || numberLike.MatchString(name) {
		return true
	}
	// The parser behind IsValueNonString knows yes, no, on, off and the like, but not the short ones.
	return strings.EqualFold(name, "y") || strings.EqualFold(name, "n") || yaml.IsValueNonString(name)
}

// quotingOf returns how the given scalars are written. Where none is quoted, quotes are double.
func quotingOf(names []*yaml.Node) quoting {
	q := quoting{mark: '"'}
	plain, quoted := false, false
	for _, n := range names {
		if n.Kind != yaml.ScalarNode {
			continue
		}
		switch {
		case n.Style&yaml.SingleQuotedStyle != 0:
			q.mark, quoted = '\'', true
		case n.Style&yaml.DoubleQuotedStyle != 0:
			q.mark, quoted = '"', true
		default:
			plain = true
		}
	}
	q.always = quoted && !plain
	return q
}

// checkName refuses what no list may hold: a name that is empty, is not printable
// text on one line, or would be a template action.
func checkName(what, name string) error {
	if name == "" {
		return fmt.Errorf("%w: %s is empty", ErrName, what)
	}
	return checkText(what, name)
}

func checkText(what, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%w: %s %q is not UTF-8", ErrName, what, text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%w: %s %q holds the character %U", ErrName, what, text, r)
		}
	}
	if strings.Contains(text, "{{") {
		return fmt.Errorf("%w: %s %q holds a template action", ErrName, what, text)
	}
	return nil
}
