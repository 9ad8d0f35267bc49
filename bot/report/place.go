package report

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"tokenward/bot"
)

// repository is one repository at one revision in which evidence was found.
type repository struct {
	id       string // unique in the report: the repository's name, with more of its path or its revision where that is not enough
	address  *url.URL
	ref      string
	revision string // the commit, or the ref where no commit is known
}

// place is a file of a repository, or the repository itself where path is "".
// Line is 0 where it is not known.
type place struct {
	repository *repository
	path       string
	line       int
}

// places knows the repositories of a report.
type places struct {
	umbrella *repository
	all      []*repository // the umbrella first, then in the order of the releases
	releases []bot.ReleaseReport
	of       []*repository // by index of releases
}

func newPlaces(r *bot.ScanReport) *places {
	p := &places{releases: r.Releases}
	known := map[string]*repository{}
	add := func(address, ref, commit string) *repository {
		ref, revision := oneLine(ref), oneLine(commit)
		if revision == "" {
			revision = ref
		}
		key := address + "\x00" + revision
		if known[key] == nil {
			known[key] = &repository{address: parseAddress(address), ref: ref, revision: revision}
			p.all = append(p.all, known[key])
		}
		return known[key]
	}
	p.umbrella = add(r.Umbrella.Repository, r.Umbrella.Ref, r.Umbrella.Commit)
	for _, rel := range r.Releases {
		p.of = append(p.of, add(rel.Repository, rel.Ref, rel.Commit))
	}
	nameRepositories(p.all)
	return p
}

// nameRepositories gives every repository the shortest name that no other has.
func nameRepositories(all []*repository) {
	forms := []func(*repository) string{
		func(r *repository) string { return path.Base(r.path()) },
		(*repository).path,
		func(r *repository) string { return r.path() + "@" + r.revision },
	}
	taken := map[string]bool{}
	for _, form := range forms {
		count := map[string]int{}
		for _, r := range all {
			count[form(r)]++
		}
		for _, r := range all {
			if name := form(r); r.id == "" && count[name] == 1 && !taken[name] {
				r.id = name
				taken[name] = true
			}
		}
	}
	for i, r := range all {
		if r.id == "" { // same path on two hosts
			r.id = forms[2](r) + "#" + strconv.Itoa(i)
		}
	}
}

// parseAddress reads a git URL, also in its scp-like form (git@host:group/name.git).
// Text that is neither becomes an opaque path. User and password are left out.
func parseAddress(address string) *url.URL {
	address = oneLine(address)
	if host, rest, ok := strings.Cut(address, ":"); ok && !strings.Contains(host, "/") && !strings.HasPrefix(rest, "//") {
		_, host = cutLast(host, "@")
		return &url.URL{Scheme: "ssh", Host: host, Path: "/" + strings.TrimPrefix(rest, "/")}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return &url.URL{Scheme: "file", Path: "/" + strings.TrimLeft(address, "/")}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
}

func cutLast(s, sep string) (before, after string) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):]
	}
	return "", s
}

// path is the repository's path on its server, without slashes around it and without .git.
func (r *repository) path() string {
	p := strings.Trim(strings.TrimSuffix(strings.Trim(r.address.Path, "/"), ".git"), "/")
	if p == "" {
		return "repository"
	}
	return p
}

// uri is the address of the repository itself.
func (r *repository) uri() string { return r.address.String() }

// onWeb tells whether the repository can be read in a browser, as a project of GitLab.
func (r *repository) onWeb() bool {
	return (r.address.Scheme == "https" || r.address.Scheme == "http") && r.address.Host != ""
}

// base is the absolute URI, ending in a slash, below which the repository's files
// can be read: GitLab's page of the revision, else the repository's own address.
func (r *repository) base() string {
	u := *r.address
	u.Path = strings.TrimSuffix(u.Path, "/")
	if r.onWeb() && r.revision != "" {
		u.Path = strings.TrimSuffix(u.Path, ".git") + "/-/blob/" + r.revision
	}
	u.Path += "/"
	return u.String()
}

// web is where to read the place in a browser, "" if its repository is not on the web.
func (p place) web() string {
	if p.path == "" || !p.repository.onWeb() || p.repository.revision == "" {
		return ""
	}
	link := p.repository.base() + escapePath(p.path)
	if p.line > 0 {
		link += "#L" + strconv.Itoa(p.line)
	}
	return link
}

// uri is the place's path as a relative reference.
func (p place) uri() string {
	if p.path == "" {
		return "./"
	}
	return escapePath(p.path)
}

// text shows the place as people write it: path:line.
func (p place) text() string {
	if p.line == 0 {
		return p.path
	}
	return p.path + ":" + strconv.Itoa(p.line)
}

// escapePath makes a relative reference of a path, segment by segment.
func escapePath(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(s), ":", "%3A")
	}
	return strings.Join(segments, "/")
}

// source reads an evidence's source, a path in a release's repository with an
// optional line after a colon. The path stays inside the repository.
func (p *places) source(release, namespace, source string) place {
	source = oneLine(source)
	at := place{repository: p.umbrella}
	if i := p.release(release, namespace); i >= 0 {
		at.repository = p.of[i]
	}
	if source == "" {
		return at
	}
	at.path = source
	if before, after := cutLast(source, ":"); before != "" {
		if n, err := strconv.Atoi(after); err == nil && n > 0 {
			at.path, at.line = before, n
		}
	}
	at.path = strings.TrimPrefix(path.Clean("/"+at.path), "/")
	return at
}

// evidence is where a workload's evidence stands.
func (p *places) evidence(w bot.WorkloadReport, e bot.EvidenceReport) place {
	return p.source(w.Release, w.Namespace, e.Source)
}

// chart is the Chart.yaml of a release: the place of what has no template.
func (p *places) chart(release, namespace string) place {
	i := p.release(release, namespace)
	if i < 0 {
		return place{repository: p.umbrella}
	}
	return p.source(release, namespace, path.Join(p.releases[i].Chart, "Chart.yaml"))
}

// release finds a release by its name, rather in the namespace than elsewhere.
func (p *places) release(name, namespace string) int {
	found := -1
	for i, r := range p.releases {
		if r.Name != name {
			continue
		}
		if r.Namespace == namespace {
			return i
		}
		if found < 0 {
			found = i
		}
	}
	return found
}
