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
	"github.com/yuin/goldmark/util"
)

// newMarkdown returns a renderer for what people and bots wrote: tables, task
// lists and the like; raw HTML is shown as text, except the tags of foldable
// sections, and comments are hidden; an image is its description, since pages
// load nothing; references such as group/name!1 and paths of files are links.
func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote),
		goldmark.WithParserOptions(
			parser.WithAutoHeadingID(),
			parser.WithASTTransformers(util.Prioritized(linker{}, 500)),
		),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(escapedHTML{}, 100))),
	)
}

// render turns Markdown into HTML. Where it stands decides what its references
// and relative links mean.
func (s *Server) render(source string, at place) (template.HTML, error) {
	var out bytes.Buffer
	ctx := parser.NewContext()
	ctx.Set(placeKey, at)
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
	reg.Register(ast.KindImage, e.image)
}

func (escapedHTML) image(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := `<span class="image">`
	if !entering {
		tag = "</span>"
	}
	_, err := w.WriteString(tag)
	return ast.WalkContinue, err
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
