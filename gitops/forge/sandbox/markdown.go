package sandbox

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// newMarkdown returns a renderer for what people and bots wrote: tables, task
// lists and the like; raw HTML is shown as text, except the tags of foldable
// sections, and comments are hidden; references such as group/name!1 are links.
func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(),
			parser.WithASTTransformers(util.Prioritized(references{}, 500)),
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(escapedHTML{}, 100))),
	)
}

// render turns Markdown into HTML; references without a project are to path.
func (s *Server) render(source, path string) (template.HTML, error) {
	var out bytes.Buffer
	ctx := parser.NewContext()
	ctx.Set(referenceKey, referenceScope{home: path, known: func(path string) bool { return s.known(path) != nil }})
	if err := s.markdown.Convert([]byte(source), &out, parser.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("render Markdown: %w", err)
	}
	return template.HTML(out.String()), nil // goldmark escapes, and so does escapedHTML
}

// escapedHTML renders raw HTML as text.
type escapedHTML struct{}

// RegisterFuncs takes over the nodes of raw HTML.
func (e escapedHTML) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHTMLBlock, e.block)
	reg.Register(ast.KindRawHTML, e.inline)
}

func (escapedHTML) block(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.HTMLBlock)
	raw := n.Lines().Value(source)
	if n.HasClosure() {
		raw = append(bytes.Clone(raw), n.ClosureLine.Value(source)...)
	}
	_, err := w.WriteString(harmless(string(raw)))
	return ast.WalkContinue, err
}

func (escapedHTML) inline(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	_, err := w.WriteString(harmless(string(node.(*ast.RawHTML).Segments.Value(source))))
	return ast.WalkSkipChildren, err
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?(?:-->|$)`)
	foldingTag  = regexp.MustCompile(`(?i)&lt;(/?(?:details|summary))&gt;|&lt;(br) ?/?&gt;`)
)

// harmless escapes HTML. Comments vanish; the tags of foldable sections and
// line breaks work as long as they carry no attribute.
func harmless(raw string) string {
	return foldingTag.ReplaceAllString(html.EscapeString(htmlComment.ReplaceAllString(raw, "")), "<$1$2>")
}

// references turns group/name!1 and !1 into links.
type references struct{}

var (
	referenceKey = parser.NewContextKey()
	reference    = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*)?!(\d{1,9})\b`)
)

// referenceScope says where a Markdown text stands.
type referenceScope struct {
	home  string
	known func(path string) bool
}

// Transform replaces references in plain text; code and links stay.
func (references) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	scope, ok := pc.Get(referenceKey).(referenceScope)
	if !ok {
		return
	}
	var texts []*ast.Text
	// Walk fails only if its callback does.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link, *ast.AutoLink, *ast.CodeSpan, *ast.Image:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				texts = append(texts, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, node := range texts {
		if node.Parent() == nil { // joined to the one before
			continue
		}
		join(node)
		linkReferences(node, reader.Source(), scope)
	}
}

// join takes the text nodes that follow node in the same line into it: the
// parser cuts text at characters such as "!" that turn out to mean nothing.
func join(node *ast.Text) {
	for {
		next, isText := node.NextSibling().(*ast.Text)
		if !isText || node.SoftLineBreak() || node.HardLineBreak() || next.Segment.Start != node.Segment.Stop {
			return
		}
		node.Segment = node.Segment.WithStop(next.Segment.Stop)
		node.SetSoftLineBreak(next.SoftLineBreak())
		node.SetHardLineBreak(next.HardLineBreak())
		node.Parent().RemoveChild(node.Parent(), next)
	}
}

// linkReferences cuts a text node at its references.
func linkReferences(node *ast.Text, source []byte, scope referenceScope) {
	value := node.Segment.Value(source)
	parent, done := node.Parent(), 0
	for _, m := range reference.FindAllSubmatchIndex(value, -1) {
		path := scope.home
		if m[2] >= 0 {
			path = string(value[m[2]:m[3]])
		}
		if !scope.known(path) {
			continue
		}
		if done < m[0] {
			parent.InsertBefore(parent, node, ast.NewTextSegment(text.NewSegment(node.Segment.Start+done, node.Segment.Start+m[0])))
		}
		link := ast.NewLink()
		link.Destination = []byte("/" + path + "/-/merge_requests/" + string(value[m[4]:m[5]]))
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(node.Segment.Start+m[0], node.Segment.Start+m[1])))
		parent.InsertBefore(parent, node, link)
		done = m[1]
	}
	if done > 0 {
		node.Segment = node.Segment.WithStart(node.Segment.Start + done)
	}
}

// isMarkdown says whether a file is shown rendered.
func isMarkdown(file string) bool {
	name := strings.ToLower(file)
	return strings.HasSuffix(name, ".md") || strings.HasSuffix(name, ".markdown")
}

// plural is "1 commit", "2 commits".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
