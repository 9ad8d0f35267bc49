package edit

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// takeOutLines removes the lines of some of a list's items, with the comments that
// belong to them alone.
func (r *remover) takeOutLines(l entryList, out []*yaml.Node, gone map[*yaml.Node]bool) error {
	lines := map[int]bool{} // of removed items
	for _, n := range out {
		number, dash, err := r.itemStart(n)
		if err != nil {
			return err
		}
		if r.lastLine(number, dash, n) != number {
			return fmt.Errorf("%w: %s at line %d stands on more than one line", ErrForm, n.Value, n.Line)
		}
		if err := r.checkLine(number); err != nil {
			return err
		}
		lines[number] = true
	}
	for _, n := range out {
		if err := r.dropItem(lineOf(n), lines); err != nil {
			return err
		}
	}
	if len(out) == len(l.list.Content) {
		return nil
	}
	always := func(n *yaml.Node) bool {
		return !gone[n] && r.blockAt(lineOf(n)) == r.blockAt(lineOf(l.key))
	}
	if !slices.ContainsFunc(l.list.Content, always) {
		return fmt.Errorf("%w: only items inside template directives would be left below %s at line %d", ErrForm, l.key.Value, l.key.Line)
	}
	return r.checkBlocks(lines)
}

// checkLine refuses to drop a line that a template action stands on or reaches into.
func (r *remover) checkLine(number int) error {
	l := r.lines[number]
	if r.inAction[number] || r.isDynamic(l.start, l.end) || !bytes.Equal(l.of(r.text), l.of(r.masked)) || r.glued(number, r.indent(number)) {
		return fmt.Errorf("%w: a template action stands on line %d or trims it", ErrForm, number+1)
	}
	return nil
}

// checkBlocks refuses to leave a template block without any content.
func (r *remover) checkBlocks(gone map[int]bool) error {
	seen := map[*block]bool{nil: true}
	for _, number := range slices.Sorted(maps.Keys(gone)) {
		b := r.blockAt(number)
		if seen[b] {
			continue
		}
		seen[b] = true
		left := slices.ContainsFunc(r.contentOf(b, number), func(i int) bool { return !r.splice.removed[i] })
		if !left {
			return fmt.Errorf("%w: the template block around line %d would be left empty", ErrForm, number+1)
		}
	}
	return nil
}

// contentOf lists the lines with content in the block around a line.
func (r *remover) contentOf(b *block, number int) []int {
	var out []int
	add := func(i int) bool {
		if !r.blockAt(i).within(b) {
			return false
		}
		if r.kindOf(i) == content {
			out = append(out, i)
		}
		return true
	}
	for i := number; i >= 0 && add(i); i-- {
	}
	for i := number + 1; i < len(r.lines) && add(i); i++ {
	}
	return out
}

// dropItem drops the line of an item with the comments below it that stand deeper, and the comments above it, unless the items
// that follow it at once, without comments of their own, stay: then the comments may
// be about those, too. Where it stood between blank lines, one of them goes as well. It refuses
// to leave a comment of the template behind.
func (r *remover) dropItem(number int, gone map[int]bool) error {
	r.splice.drop(number)
	col := r.indent(number)
	last := number
	for last+1 < len(r.lines) && r.indent(last+1) > col && r.isComment(last+1, number) && !r.isCommentedOut(last+1) {
		last++
		r.splice.drop(last)
	}
	first := number
	if r.lastKept(number, gone) < number {
		var err error
		if first, err = r.dropComments(number); err != nil {
			return err
		}
	}
	r.dropBlank(first-1, last+1, col)
	return nil
}

// run is a part of the lines.
type run struct{ first, end int }

// lastKept returns the last line among the items that follow that of a line at once which stays, -1 where all go.
func (r *remover) lastKept(number int, gone map[int]bool) int {
	if number < r.items.first || number >= r.items.end {
		r.items, r.kept = run{number, number + 1}, -1
		for i := number + 1; i < len(r.lines) && r.isItem(i) && r.indent(i) == r.indent(number) && r.blockAt(i) == r.blockAt(number); i++ {
			if r.items.end = i + 1; !gone[i] {
				r.kept = i
			}
		}
	}
	return r.kept
}

// leftBefore returns the last line up to the given one that has not been removed, -1 where there is none.
func (r *remover) leftBefore(number int) int {
	passed := number + 1
	for number >= 0 && r.splice.removed[number] {
		if number == r.removed.end-1 {
			number = r.removed.first
		}
		number--
	}
	if number+1 < passed {
		r.removed = run{number + 1, passed}
	}
	return number
}

// dropBlank drops one of the blank lines around what stood between two lines, and the one that is left
// between a key and its first item.
func (r *remover) dropBlank(before, behind, col int) {
	apart := behind < len(r.lines) && r.kindOf(behind) == empty
	if before >= 0 && r.kindOf(before) == empty && !r.splice.removed[before] {
		switch {
		case apart:
			r.splice.drop(behind)
		case behind == len(r.lines) || r.kindOf(behind) == content && r.indent(behind) < col:
			r.splice.drop(before)
		}
		return
	}
	if !apart || r.looks[behind].below < col {
		return
	}
	if before = r.leftBefore(before); before >= 0 && r.kindOf(before) == content && !r.isItem(before) {
		r.splice.drop(behind)
	}
}

// dropComments drops the comments right above a line, at its indentation, and returns the first line that goes.
// What somebody took out by making it a comment is none. It refuses to leave a comment of the template behind.
func (r *remover) dropComments(number int) (first int, err error) {
	first = number
	for first > 0 && r.indent(first-1) == r.indent(number) && r.isComment(first-1, number) && !r.isCommentedOut(first-1) {
		first--
		r.splice.drop(first)
	}
	if first > 0 && r.isTemplateComment(first-1) {
		return first, fmt.Errorf("%w: a comment of the template stands above line %d", ErrForm, number+1)
	}
	return first, nil
}

// isCommentedOut tells whether a comment is an item or a key that somebody took out.
func (r *remover) isCommentedOut(number int) bool {
	return takenOut.Match(r.lines[number].of(r.text))
}

var takenOut = regexp.MustCompile(`^\s*#+\s*(-\s|(allow|deny|pods|namespaces?):(\s|$))`)

// isComment tells whether a line is a comment in the template block of the given line.
func (r *remover) isComment(i, number int) bool {
	l := r.lines[i]
	return r.kindOf(i) == comment && r.blockAt(i) == r.blockAt(number) && !r.inAction[i] && !r.isDynamic(l.start, l.end)
}

// isTemplateComment tells whether a line ends a comment of the template, and holds nothing else.
func (r *remover) isTemplateComment(number int) bool {
	if r.kindOf(number) != directive {
		return false
	}
	i := firstAction(r.actions, r.lines[number].start)
	return i < len(r.actions) && bytes.HasPrefix(bytes.TrimLeft(r.text[r.actions[i].start+2:], "- \t\r\n"), []byte("/*"))
}

// dropKey removes a key whose value has become empty from its mapping, with the comments above it. It refuses a
// key that shares its line with something else, and one below which template
// directives print something: that would be left without it.
func (r *remover) dropKey(mapping, key *yaml.Node) error {
	number := lineOf(key)
	if r.indent(number) != column(key) {
		return fmt.Errorf("%w: %s at line %d would be left empty, and shares its line", ErrForm, key.Value, key.Line)
	}
	if err := r.checkLine(number); err != nil {
		return err
	}
	if r.hasMore(number) {
		return fmt.Errorf("%w: only template directives would be left below %s at line %d", ErrForm, key.Value, key.Line)
	}
	if _, err := r.dropComments(number); err != nil {
		return err
	}
	r.splice.drop(number)
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i] == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			break
		}
	}
	return nil
}

// hasMore tells whether anything but comments stands below the key of a line, or may
// be printed there, that has not been removed.
func (r *remover) hasMore(number int) bool {
	home, col := r.blockAt(number), r.indent(number)
	deeper := func(indent int, item bool) bool { return indent > col || indent == col && item }
	for i := number + 1; i < len(r.lines); i++ {
		if r.splice.removed[i] || r.inAction[i] {
			continue
		}
		switch {
		case !r.blockAt(i).within(home):
			return false
		case r.kindOf(i) == content:
			return deeper(r.indent(i), r.isItem(i))
		case r.kindOf(i) != directive:
			continue
		case r.blockAt(i) == home && r.ends(i):
			return false
		}
		switch a := r.actions[firstAction(r.actions, r.lines[i].start)]; {
		case a.role == silent:
		case a.role == opens:
			return r.looks[i].below >= col && (r.looks[i].below > col || r.isItem(r.contentBehind(i)))
		case a.role == output && a.breaks && a.indent >= 0:
			return a.indent >= col
		case a.role == output:
			return r.directiveIndent(i) >= col
		}
	}
	return false
}

// contentBehind returns the first line with content behind the given one.
func (r *remover) contentBehind(number int) int {
	for number++; r.kindOf(number) != content; number++ {
	}
	return number
}

// takeOutOfFlow removes elements of a list in flow style from its text. A list that
// is left empty goes with its key where the two have a line of their own.
func (r *remover) takeOutOfFlow(l entryList, out []*yaml.Node, gone map[*yaml.Node]bool) error {
	f, ok := r.flow(l.list)
	number := lineOf(l.key)
	if !ok || r.isDynamic(f.open, f.close) || lineAt(r.lines, f.open) != lineAt(r.lines, f.close) {
		return fmt.Errorf("%w: the list at line %d is not in a form that can be shortened", ErrForm, l.key.Line)
	}
	if len(out) == len(l.list.Content) && !isFlow(l.parent) && lineAt(r.lines, f.open) == number && r.indent(number) == column(l.key) {
		l.list.Content = nil
		return r.dropKey(l.parent, l.key)
	}
	var kept []string
	for _, n := range l.list.Content {
		if !gone[n] {
			start := r.offsetOf(n)
			kept = append(kept, string(r.text[start:r.elementEnd(start, f.close)]))
		}
	}
	inside := r.text[f.open+1 : f.close]
	left := len(inside) - len(bytes.TrimLeft(inside, " "))
	right := len(inside) - len(bytes.TrimRight(inside, " "))
	if len(kept) == 0 {
		left, right = 0, 0
	}
	r.splice.replace(f.open+1, f.close, pad(left)+strings.Join(kept, ", ")+pad(right))
	return nil
}

// elementEnd returns the offset behind the scalar that starts at start in a list in flow style.
func (r *remover) elementEnd(start, closing int) int {
	if c := r.masked[start]; c == '"' || c == '\'' {
		if end := scalarEnd(r.masked, start); end >= 0 {
			return end + 1
		}
	}
	end := start
	for end < closing && r.masked[end] != ',' {
		end++
	}
	return start + len(bytes.TrimRight(r.text[start:end], " "))
}
