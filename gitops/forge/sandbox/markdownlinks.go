package sandbox

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// place says where a Markdown text stands.
type place struct {
	project string // its references without a project are to this one
	ref     string // its relative links are to files at this ref
	dir     string // and in this folder
	known   func(project string) bool
}

// place returns where a text of the project stands that is in no file.
func (v view) place() place {
	return place{project: v.p.path, ref: v.p.defaultBranch, known: func(path string) bool {
		p := v.s.known(path)
		return p != nil && p.path == path
	}}
}

var (
	placeKey  = parser.NewContextKey()
	reference = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.-]+)*)?([!#])(\d{1,9})\b`)
)

// linker turns group/name!1, !1 and the same with # for issues into links, and makes relative links lead to
// files as they do in GitLab.
type linker struct{}

// Transform replaces references in plain text; code and links stay.
func (linker) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	at, ok := pc.Get(placeKey).(place)
	if !ok {
		return
	}
	for _, node := range at.prepare(doc) {
		if node.Parent() == nil { // joined to the one before
			continue
		}
		join(node)
		linkReferences(node, reader.Source(), at)
	}
}

// prepare resolves the links below n and returns the plain text there.
func (at place) prepare(n ast.Node) []*ast.Text {
	switch n := n.(type) {
	case *ast.Link:
		n.Destination = []byte(at.resolve(string(n.Destination)))
		return nil
	case *ast.AutoLink, *ast.CodeSpan, *ast.Image:
		return nil
	case *ast.Text:
		return []*ast.Text{n}
	}
	var texts []*ast.Text
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		texts = append(texts, at.prepare(child)...)
	}
	return texts
}

// resolve turns the path of a file, from this place or from the root of the
// repository, into the address of its page. Other links stay as they are.
func (at place) resolve(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" || strings.Contains(u.Path, "/-/") ||
		at.known(strings.Trim(u.Path, "/")) {
		return link
	}
	file := u.Path
	if !strings.HasPrefix(file, "/") {
		file = path.Join("/", at.dir, file)
	}
	u.Path, u.RawPath = path.Join("/", at.project, "-/blob", at.ref, path.Clean(file)), ""
	return u.String()
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
func linkReferences(node *ast.Text, source []byte, at place) {
	value := node.Segment.Value(source)
	parent, done := node.Parent(), 0
	for _, m := range reference.FindAllSubmatchIndex(value, -1) {
		project := at.project
		if m[2] >= 0 {
			project = string(value[m[2]:m[3]])
		}
		if !at.known(project) || m[0] > 0 && value[m[0]-1] == '&' { // as in &#39;
			continue
		}
		kind := "/-/merge_requests/"
		if value[m[4]] == '#' {
			kind = "/-/issues/"
		}
		if done < m[0] {
			parent.InsertBefore(parent, node, ast.NewTextSegment(text.NewSegment(node.Segment.Start+done, node.Segment.Start+m[0])))
		}
		link := ast.NewLink()
		link.Destination = []byte("/" + project + kind + string(value[m[6]:m[7]]))
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(node.Segment.Start+m[0], node.Segment.Start+m[1])))
		parent.InsertBefore(parent, node, link)
		done = m[1]
	}
	if done > 0 {
		node.Segment = node.Segment.WithStart(node.Segment.Start + done)
	}
}
