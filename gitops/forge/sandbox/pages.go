package sandbox

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// stylePath cannot be a project's: "-" is no group.
const stylePath = "/-/style.css"

// errNoPage is the answer to an address that shows nothing.
var errNoPage = errors.New("no such page")

func parsePages() (*template.Template, error) {
	funcs := template.FuncMap{
		"plural": plural,
		"inc":    func(n int) int { return n + 1 },
		"style":  func() string { return stylePath },
		"moment": func(t any) string {
			at, ok := t.(time.Time)
			if s, isStamp := t.(stamp); isStamp {
				at, ok = time.Time(s), true
			}
			if !ok || at.IsZero() {
				return ""
			}
			return at.UTC().Format("2 Jan 2006 15:04")
		},
		"short": func(sha string) string { return sha[:min(8, len(sha))] },
		"words": func(status string) string { return strings.ReplaceAll(status, "_", " ") },
	}
	pages, err := template.New("pages").Funcs(funcs).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	return pages, nil
}

// page is what every template gets; Body is the part of its own.
type page struct {
	Title string
	Path  string // of the project, empty on the front page
	Body  any
}

// servePage answers a browser. Nothing on a page comes from elsewhere, and
// nothing in it runs.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == stylePath {
		http.ServeFileFS(w, r, templateFiles, "templates/style.css")
		return
	}
	name, content, err := s.page(r)
	status := http.StatusOK
	if errors.Is(err, errNoPage) {
		name, content, status, err = "missing", page{Title: "Nothing here"}, http.StatusNotFound, nil
	}
	var out bytes.Buffer
	if err == nil {
		err = s.pages.ExecuteTemplate(&out, name+".html", content)
	}
	if err != nil {
		s.report(r, err)
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
		return
	}
	header.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(out.Bytes()); err != nil {
		s.report(r, err)
	}
}

// page finds the template for an address, and what goes into it.
func (s *Server) page(r *http.Request) (string, page, error) {
	path := strings.Trim(r.URL.Path, "/")
	if path == "" {
		return s.homePage(r)
	}
	path, rest, inside := strings.Cut(path, "/-/")
	path = strings.TrimSuffix(path, ".git")
	p, err := s.find(path)
	if err != nil {
		return "", page{}, err
	}
	if p == nil || strconv.Itoa(p.id) == path {
		return "", page{}, errNoPage
	}
	if err := s.enter(r.Context(), p, nil); err != nil {
		return "", page{}, err
	}
	defer p.mu.Unlock()
	v := view{s: s, p: p, c: &call{server: s, request: r, base: "", project: p, access: Reporter}}
	if !inside {
		return v.projectPage(r.Context())
	}
	kind, rest, _ := strings.Cut(rest, "/")
	switch kind {
	case "merge_requests":
		if rest == "" {
			return v.projectPage(r.Context())
		}
		return v.mergeRequestPage(r.Context(), rest)
	case "issues":
		if rest == "" {
			return v.projectPage(r.Context())
		}
		return v.issuePage(rest)
	case "blob", "tree":
		_, plain := r.URL.Query()["plain"]
		return v.filePage(r.Context(), rest, plain)
	case "commit":
		return v.commitPage(r.Context(), rest)
	}
	return "", page{}, errNoPage
}

// view makes the pages of one project, which is locked.
type view struct {
	s *Server
	p *project
	c *call // describes things as the API does, with links from the root
}

func (s *Server) homePage(r *http.Request) (string, page, error) {
	type entry struct {
		Path, Branch, Description string
		Open                      int
		Archived                  bool
	}
	var body struct {
		Clone    string
		Projects []entry
		Open     []mergeRequestJSON
	}
	body.Clone = s.baseURL(r)
	for _, p := range s.list() {
		if err := s.enter(r.Context(), p, nil); err != nil {
			return "", page{}, err
		}
		v := view{s: s, p: p, c: &call{server: s, request: r, project: p}}
		open, err := v.mergeRequests(r.Context(), opened)
		body.Projects = append(body.Projects, entry{p.path, p.defaultBranch, p.settings.Description, len(open), p.settings.Archived})
		p.mu.Unlock()
		if err != nil {
			return "", page{}, err
		}
		body.Open = append(body.Open, open...)
	}
	return "home", page{Title: "Projects", Body: body}, nil
}

// mergeRequests describes those in a state, newest first.
func (v view) mergeRequests(ctx context.Context, state string) ([]mergeRequestJSON, error) {
	var found []mergeRequestJSON
	for n := len(v.p.mergeRequests) - 1; n >= 0; n-- {
		mr := v.p.mergeRequests[n]
		if mr.state != state {
			continue
		}
		if err := v.s.look(ctx, v.p, mr); err != nil {
			return nil, err
		}
		found = append(found, v.c.mergeRequestJSON(mr))
	}
	return found, nil
}

func (v view) projectPage(ctx context.Context) (string, page, error) {
	type group struct {
		Name  string
		Items []mergeRequestJSON
	}
	var body struct {
		Clone, Branch, Description string
		Empty, Archived            bool
		Groups                     []group
		Issues                     []issueJSON // the newest first
		Branches                   []branchJSON
		ReadmeName                 string
		Readme                     template.HTML
	}
	body.Clone = v.s.baseURL(v.c.request) + "/" + v.p.path + ".git"
	body.Branch, body.Description = v.p.defaultBranch, v.p.settings.Description
	body.Empty, body.Archived = v.p.empty(), v.p.settings.Archived
	for _, g := range []struct{ name, state string }{{"Open", opened}, {"Merged", merged}, {"Closed", closed}} {
		items, err := v.mergeRequests(ctx, g.state)
		if err != nil {
			return "", page{}, err
		}
		body.Groups = append(body.Groups, group{g.name, items})
	}
	for n := len(v.p.issues) - 1; n >= 0; n-- {
		body.Issues = append(body.Issues, v.c.issueJSON(v.p.issues[n]))
	}
	var err error
	if body.Branches, err = v.c.branchesJSON(ctx, sortedKeys(v.p.heads)); err != nil {
		return "", page{}, err
	}
	if head := v.p.heads[v.p.defaultBranch]; head != "" {
		readme, err := readBlob(ctx, v.p.git(), head, "README.md")
		if err != nil {
			return "", page{}, err
		}
		if readme != nil && len(readme.data) <= shownBytes {
			body.ReadmeName = "README.md"
			if body.Readme, err = v.s.render(string(readme.data), v.place()); err != nil {
				return "", page{}, err
			}
		}
	}
	return "project", page{Title: v.p.path, Path: v.p.path, Body: body}, nil
}

func (v view) mergeRequestPage(ctx context.Context, rest string) (string, page, error) {
	number, _, _ := strings.Cut(rest, "/") // "1/diffs" and "1/commits" are on the same page
	iid, err := strconv.Atoi(number)
	mr := v.p.mergeRequest(iid)
	if err != nil || mr == nil {
		return "", page{}, errNoPage
	}
	var body struct {
		mergeRequestJSON
		Text           template.HTML
		Commits        []commitJSON
		Files          []fileView
		Added, Removed int
		Talk           []talk
	}
	if err := v.s.look(ctx, v.p, mr); err != nil {
		return "", page{}, err
	}
	body.mergeRequestJSON = v.c.mergeRequestJSON(mr)
	if body.Text, err = v.s.render(mr.description, v.place()); err != nil {
		return "", page{}, err
	}
	files, err := mr.diff(ctx, v.p.git())
	if err != nil {
		return "", page{}, err
	}
	body.Files = viewDiff(files)
	for _, f := range body.Files {
		body.Added, body.Removed = body.Added+f.Added, body.Removed+f.Removed
	}
	if mr.check.base != "" {
		if body.Commits, err = log(ctx, v.p.git(), "/"+v.p.path, mr.check.base+".."+mr.check.source); err != nil {
			return "", page{}, err
		}
	}
	if body.Talk, err = v.talk(&mr.thread); err != nil {
		return "", page{}, err
	}
	return "mergerequest", page{Title: mr.title + " (!" + number + ")", Path: v.p.path, Body: body}, nil
}
