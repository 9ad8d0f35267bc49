package edit

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template/parse"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gmtext "github.com/yuin/goldmark/text"
)

// markdown is a Markdown text with its structure. Where the text is a template (a
// README.md.gotmpl), its actions are blanked for the reader of the structure, and so is front matter.
type markdown struct {
	src      *source
	text     []byte
	root     ast.Node
	context  parser.Context // with the link definitions
	lines    []line
	headings []heading
}

// heading is a heading at the top level of a document.
type heading struct {
	level  int
	title  string // without markup
	line   int    // index of its first line
	setext bool   // underlined instead of marked with #
}

// Bounds of what is read. Markdown comes from whoever can push to a package, and is read outside of
// the render workers; people keep nothing by hand that comes near them.
const (
	maxMarkdown = 4 << 20
	maxActions  = 10_000 // in a template: the parser of templates calls itself for blocks in blocks
	maxQuotes   = 1000   // around each other: quotes in quotes take quadratic time
	maxInline   = 1 << 9 // of a heading or an entry of a table of contents
)

// readMarkdown fails with ErrForm for a text beyond bearing.
func readMarkdown(src []byte) (*markdown, error) {
	m := &markdown{text: src, lines: textLines(src), context: parser.NewContext()}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.src = &source{text: src, masked: src}
	if isTemplate(src) {
		m.src = readSource(src)
	}
	m.src.masked = withoutFrontMatter(m.src.masked)
	m.root = blocksOnly().Parse(gmtext.NewReader(m.src.masked), parser.WithContext(m.context))
	for n := m.root.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || n.Pos() < 0 {
			continue
		}
		number := m.lineAt(n.Pos())
		head := bytes.TrimLeft(m.lines[number].of(m.src.masked), " ")
		m.headings = append(m.headings, heading{h.Level, m.plainText(n), number, !bytes.HasPrefix(head, []byte("#"))})
	}
	return m, nil
}

func (m *markdown) check() error {
	if len(m.text) > maxMarkdown {
		return fmt.Errorf("%w: it is larger than %d MiB", ErrForm, maxMarkdown>>20)
	}
	if bytes.Count(m.text, []byte("{{")) > maxActions {
		return fmt.Errorf("%w: it has more than %d template actions", ErrForm, maxActions)
	}
	for i, l := range m.lines {
		quotes := 0
		for _, c := range l.of(m.text) {
			if c == '>' {
				quotes++
			} else if c != ' ' && c != '\t' {
				break
			}
		}
		if quotes > maxQuotes {
			return fmt.Errorf("%w: at line %d quotes stand in quotes more than %d times", ErrForm, i+1, maxQuotes)
		}
	}
	return nil
}

// blocksOnly reads the structure of a text and leaves the text of its blocks alone: links that
// do not end take quadratic time, and few blocks are asked for theirs.
var blocksOnly = sync.OnceValue(func() parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...), parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...))
})

// linkContext is a fresh context, since one keeps what it has found at which place of a text, that knows the link definitions of another.
type linkContext struct {
	parser.Context
	links parser.Context
}

// Reference implements parser.Context.
func (c linkContext) Reference(label string) (parser.Reference, bool) {
	return c.links.Reference(label)
}

var wholeParser = sync.OnceValue(goldmark.DefaultParser)

// inline reads the text of a block, the first line of a long one, and returns it with the node that holds it.
func (m *markdown) inline(n ast.Node) (text []byte, content ast.Node) {
	lines := n.Lines()
	for i := range lines.Len() {
		segment := lines.At(i)
		if text = append(text, segment.Value(m.src.masked)...); len(text) > maxInline {
			text = text[:maxInline]
			break
		}
	}
	// As the text of a heading: it would be another block by itself where it begins with a number or a mark.
	text = append([]byte("# "), bytes.ReplaceAll(bytes.TrimSpace(text), []byte("\n"), []byte(" "))...)
	root := wholeParser().Parse(gmtext.NewReader(text), parser.WithContext(linkContext{parser.NewContext(), m.context}))
	return text, root.FirstChild()
}

// frontMatter is what the first line of front matter looks like.
var frontMatter = regexp.MustCompile(`^(\[|[\w"'. -]+[:=])`)

// withoutFrontMatter blanks what static site generators read before a text: it would be a break and a heading.
func withoutFrontMatter(text []byte) []byte {
	body := bytes.TrimPrefix(text, []byte("\uFEFF"))
	begin := len(text) - len(body)
	seen := false // a line of it
	for i, l := range textLines(body) {
		line := string(bytes.TrimRight(l.of(body), " \t"))
		switch {
		case i == 0 && line != "---" && line != "+++", i > 0 && !seen && line != "" && line[0] != '#' && !frontMatter.MatchString(line):
			return text
		case i > 0 && (line == string(body[:3]) || line == "..." && body[0] == '-'):
			masked := bytes.Clone(text)
			blank(masked[begin : begin+l.end])
			return masked
		}
		seen = seen || i > 0 && line != "" && line[0] != '#'
	}
	return text
}

// isTemplate says whether src holds template actions and is a valid template.
func isTemplate(src []byte) bool {
	if !bytes.Contains(src, []byte("{{")) {
		return false
	}
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	_, err := tree.Parse(string(src), "", "", map[string]*parse.Tree{})
	return err == nil
}

// textLines splits text at its line feeds, as Markdown and diffs do.
func textLines(src []byte) []line {
	var lines []line
	for start := 0; start < len(src); {
		end, next := len(src), len(src)
		if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
			end, next = start+i, start+i+1
		}
		if end > start && end < next && src[end-1] == '\r' {
			end--
		}
		lines = append(lines, line{start, end, next})
		start = next
	}
	return lines
}

func (m *markdown) lineAt(offset int) int {
	return min(lineAt(m.lines, offset), len(m.lines)-1)
}

func (m *markdown) line(number int) string { return string(m.lines[number].of(m.text)) }

func (m *markdown) blankLine(number int) bool { return isBlank(m.lines[number].of(m.text)) }

// plainText returns the text of a block without its markup.
func (m *markdown) plainText(n ast.Node) string {
	src, content := m.inline(n)
	var out strings.Builder
	_ = ast.Walk(content, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				out.Write(n.Segment.Value(src))
			case *ast.String:
				out.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(out.String())
}

// sectionLevel returns the level of the document's sections: the second, unless its
// headings of the first level are sections themselves.
func (m *markdown) sectionLevel() int {
	first := 0
	for _, h := range m.headings {
		if h.level == 1 {
			first++
		}
	}
	if first > 1 {
		return 1
	}
	return 2
}

// sections returns the indexes of the headings of a level, the document's title aside.
func (m *markdown) sections(level int) []int {
	var found []int
	for i, h := range m.headings {
		if h.level == level && (level > 1 || i > 0) {
			found = append(found, i)
		}
	}
	return found
}

// sectionEnd returns the index of the line behind the section of a heading.
func (m *markdown) sectionEnd(index int) int {
	for _, h := range m.headings[index+1:] {
		if h.level <= m.headings[index].level {
			return m.above(h.line)
		}
	}
	return len(m.lines)
}

// above returns the line where what belongs to the heading on the given line
// begins: an anchor or a comment directly above it, an anchor over a blank line, a break across the page.
func (m *markdown) above(number int) int {
	at := number
	for at > 0 && m.belongs(at-1, number) {
		at--
	}
	if at == number && at > 1 && m.blankLine(at-1) && isAnchor(m.line(at-2)) {
		at -= 2
	}
	before := at
	for before > 0 && m.blankLine(before-1) {
		before--
	}
	if before > 0 && m.isBreak(before-1) {
		return before - 1
	}
	return at
}

var (
	lineComment = regexp.MustCompile(`^<!--\s*(.*?)\s*-->$`)
	notLetters  = regexp.MustCompile(`[^\pL\pN]+`)
)

// toolComment is a comment that tells a tool something of what is below.
var toolComment = regexp.MustCompile(`(?i)^<!--\s*(omit (in|from) toc\b|prettier-ignore(-start)?\s*-->|\S*lint-(disable|capture))`)

// isAttached tells whether a line is an anchor or a comment for a tool, which belong to what is below.
func isAttached(text string) bool {
	return isAnchor(text) || toolComment.MatchString(strings.TrimSpace(text))
}

// belongs tells whether a line belongs to the heading on the line below: it is attached, or a comment that names it.
func (m *markdown) belongs(number, head int) bool {
	comment := lineComment.FindStringSubmatch(strings.TrimSpace(m.line(number)))
	return isAttached(m.line(number)) || comment != nil && slices.ContainsFunc(m.headings, func(h heading) bool {
		title := lettersOf(h.title)
		return h.line == head && title != "" && strings.HasPrefix(lettersOf(comment[1]), title)
	})
}

// lettersOf is a text without anything but its letters and digits, in lower case.
func lettersOf(text string) string { return strings.ToLower(notLetters.ReplaceAllString(text, "")) }

func isAnchor(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "<a ") }

// isBreak says whether a thematic break stands on a line.
func (m *markdown) isBreak(number int) bool {
	for n := m.root.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() == ast.KindThematicBreak && n.Pos() >= 0 && m.lineAt(n.Pos()) == number {
			return true
		}
	}
	return false
}

// comments returns the lines of the HTML comments at the top level of the document that say exactly what.
func (m *markdown) comments(what string) []int {
	var found []int
	for n := m.root.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindHTMLBlock || n.Pos() < 0 {
			continue
		}
		first := m.lineAt(n.Pos())
		if strings.TrimSpace(m.line(first)) == what {
			found = append(found, first)
		}
	}
	return found
}
