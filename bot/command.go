package bot

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	goldmarkutil "github.com/yuin/goldmark/util"

	decisions "tokenward/bot/decision"
)

// The commands that people give in notes.
const (
	verbRescan  = "rescan"
	verbRebase  = "rebase"
	verbIgnore  = "ignore"
	verbAllow   = "allow"
	verbDeny    = "deny"
	verbExplain = "explain"
	verbClose   = "close"
)

const knownCommands = "rescan, rebase, rebase discard, ignore PATTERN REASON, allow PATTERN REASON, deny PATTERN REASON, explain POD, close"

// Command is one line of a note that is meant for the bot.
type Command struct {
	Verb string
	// Pattern is what ignore, allow, deny and explain are about.
	Pattern string
	Reason  string // one line, "" if none was given
	Discard bool   // rebase even over people's commits
	// Err is a sentence that says why the command cannot be followed, "" if it
	// can. It may hold foreign text.
	Err string
}

const (
	commandWord = "/tokenward"
	maxNote     = 64 << 10 // what follows in a longer note is not read
	maxCommands = 10
	maxReason   = 500
)

// nested matches a line that begins a hundred quotes and lists in each other. To read such
// a note takes time that grows with the square of their number; no person writes one.
var nested = regexp.MustCompile(`(?m)^(?:[ \t]*(?:>|[-+*][ \t]|\d+[.)][ \t])){100}`)

// ParseCommands finds the commands in a note: lines that begin with /tokenward
// where Markdown sees plain text, so that nothing in code, quotes, lists, HTML and
// comments is one, and none in a note that is nested beyond reason. It never fails: what is
// wrong with a command stands in its Err.
func ParseCommands(note string) []Command {
	if len(note) > maxNote {
		note = note[:maxNote]
	}
	if !strings.Contains(strings.ToLower(note), commandWord) || nested.MatchString(note) {
		return nil
	}
	var out []Command
	for _, line := range plainLines([]byte(strings.ToValidUTF8(note, "\uFFFD"))) {
		words, ok := commandWords(line)
		if !ok {
			continue
		}
		if len(out) == maxCommands {
			return append(out, Command{Err: fmt.Sprintf("a note may hold %d commands: the others are left out", maxCommands)})
		}
		out = append(out, parseCommand(words))
	}
	return out
}

// commandWords returns the words behind /tokenward, or false for another line.
func commandWords(line string) ([]string, bool) {
	words := strings.Fields(line)
	if len(words) == 0 || !strings.EqualFold(words[0], commandWord) {
		return nil, false
	}
	return words[1:], true
}

func parseCommand(words []string) Command {
	if len(words) == 0 {
		return Command{Err: "a command is missing: give one of " + knownCommands}
	}
	c, rest := Command{Verb: strings.ToLower(words[0])}, words[1:]
	switch c.Verb {
	case verbRescan:
		if len(rest) > 0 {
			c.Err = "rescan takes nothing more"
		}
	case verbRebase:
		c.Discard = len(rest) == 1 && strings.EqualFold(rest[0], "discard")
		if len(rest) > 0 && !c.Discard {
			c.Err = "rebase takes nothing more but the word discard"
		}
	case verbClose:
		c.Reason = reason(rest)
	case verbIgnore, verbAllow, verbDeny, verbExplain:
		if len(rest) == 0 {
			c.Err = c.Verb + " needs the name of a pod, or a pattern with * and ?"
			break
		}
		c.Pattern, c.Reason = pattern(rest[0]), reason(rest[1:])
		if err := decisions.CheckPattern(c.Pattern); err != nil {
			c.Err = err.Error()
		}
	default:
		c = Command{Err: fmt.Sprintf("%q is not known: give one of %s", short(words[0]), knownCommands)}
	}
	return c
}

// pattern takes off what people put round a pattern to keep Markdown from reading it.
func pattern(s string) string {
	s = strings.Trim(s, "`\"'")
	return strings.ToLower(strings.NewReplacer(`\*`, "*", `\?`, "?", `\-`, "-").Replace(s))
}

// reason makes one printable line of words, and cuts it where it becomes a letter.
func reason(words []string) string {
	s := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.Join(words, " "))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:maxReason], ""))
	}
	return s
}

// short keeps foreign text in a sentence short.
func short(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// plainLines lists the lines of the paragraphs that stand in nothing else. Lines
// that begin inside code, HTML or a comment are left out.
func plainLines(source []byte) []string {
	blocks := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(
			goldmarkutil.Prioritized(parser.NewCodeSpanParser(), 100),
			goldmarkutil.Prioritized(parser.NewRawHTMLParser(), 200),
		),
	).Parse(text.NewReader(source))
	quoted := quotes(source, blocks)
	var out []string
	for n := blocks.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindParagraph {
			continue
		}
		inside := spans(n)
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			if !within(inside, line.Start) && !within(quoted, line.Start) {
				out = append(out, string(line.Value(source)))
			}
		}
	}
	return out
}

// span is a part of a note.
type span struct{ start, end int }

func within(spans []span, at int) bool {
	for _, s := range spans {
		if s.start < at && at < s.end {
			return true
		}
	}
	return false
}

// spans lists the code and HTML within a paragraph.
func spans(paragraph ast.Node) []span {
	var out []span
	for n := paragraph.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.CodeSpan:
			first, last := n.FirstChild(), n.LastChild()
			if f, ok := first.(*ast.Text); ok {
				if l, ok := last.(*ast.Text); ok {
					out = append(out, span{f.Segment.Start - 1, l.Segment.Stop})
				}
			}
		case *ast.RawHTML:
			if k := n.Segments.Len(); k > 0 {
				out = append(out, span{n.Segments.At(0).Start, n.Segments.At(k - 1).Stop})
			}
		}
	}
	return out
}

// quotes lists what stands between lines of >>>, GitLab's own form of a quote.
func quotes(source []byte, blocks ast.Node) []span {
	var code []span
	for n := blocks.FirstChild(); n != nil; n = n.NextSibling() {
		switch n.Kind() {
		case ast.KindFencedCodeBlock, ast.KindCodeBlock, ast.KindHTMLBlock:
			if k := n.Lines().Len(); k > 0 {
				code = append(code, span{n.Lines().At(0).Start - 1, n.Lines().At(k - 1).Stop})
			}
		}
	}
	var out []span
	begin, at := -1, 0
	for line := range bytes.Lines(source) {
		if string(bytes.TrimRight(line, " \t\r\n")) == ">>>" && !within(code, at) {
			if begin < 0 {
				begin = at
			} else {
				out, begin = append(out, span{begin, at}), -1
			}
		}
		at += len(line)
	}
	return out
}
