package sandbox

import (
	"bytes"
	"context"
	"html/template"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// shownBytes bounds the files that pages show.
const shownBytes = 1 << 20

// split divides "ref/path" where the longest ref ends that exists; refs may
// hold slashes. sha is empty if there is none.
func (v view) split(ctx context.Context, rest string) (ref, sha, file string, err error) {
	parts := strings.Split(rest, "/")
	for n := len(parts); n > 0; n-- {
		ref = strings.Join(parts[:n], "/")
		if sha, err = v.p.resolve(ctx, ref); err != nil || sha != "" {
			return ref, sha, strings.Join(parts[n:], "/"), err
		}
	}
	return "", "", "", nil
}

// crumb is one step of the way to a file.
type crumb struct{ Name, URL string }

func (v view) crumbs(ref, file string) []crumb {
	here := "/" + v.p.path + "/-/tree/" + escapePath(ref)
	list := []crumb{{v.p.name(), here}}
	for part := range strings.SplitSeq(file, "/") {
		if part != "" {
			here += "/" + url.PathEscape(part)
			list = append(list, crumb{part, here})
		}
	}
	return list
}

// escapePath escapes each segment of a path for an address.
func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for n := range parts {
		parts[n] = url.PathEscape(parts[n])
	}
	return strings.Join(parts, "/")
}

// filePage shows a file or, where there is none, a folder.
func (v view) filePage(ctx context.Context, rest string, plain bool) (string, page, error) {
	ref, sha, file, err := v.split(ctx, strings.Trim(rest, "/"))
	if err != nil {
		return "", page{}, err
	}
	if sha == "" {
		return "", page{}, errNoPage
	}
	type entry struct{ Name, URL, Kind string }
	var body struct {
		Ref, SHA, File string
		Crumbs         []crumb
		Entries        []entry
		IsFile         bool
		Size           int
		Hidden         string // why the content is not shown
		Lines          []string
		Rendered       template.HTML
		Other          string // address of the other way to show the file
		Plain          bool
	}
	body.Ref, body.SHA, body.File, body.Crumbs = ref, sha, file, v.crumbs(ref, file)
	here := "/" + v.p.path + "/-/"
	var content *blob
	if file != "" {
		if content, err = readBlob(ctx, v.p.git(), sha, file); err != nil {
			return "", page{}, err
		}
	}
	title := path.Join(v.p.name(), file) + " at " + ref
	if content == nil {
		entries, err := readTree(ctx, v.p.git(), sha, file, false)
		if err != nil {
			return "", page{}, err
		}
		if len(entries) == 0 && file != "" {
			return "", page{}, errNoPage
		}
		for _, e := range entries {
			address := here + e.Type + "/" + escapePath(ref) + "/" + escapePath(e.Path)
			if e.Type == "commit" { // a submodule, which is elsewhere
				address = ""
			}
			body.Entries = append(body.Entries, entry{e.Name, address, e.Type})
		}
		return "file", page{Title: title, Path: v.p.path, Body: body}, nil
	}
	body.IsFile, body.Size = true, len(content.data)
	switch {
	case len(content.data) > shownBytes:
		body.Hidden = "The file is too large to be shown."
	case bytes.IndexByte(content.data, 0) >= 0 || !utf8.Valid(content.data):
		body.Hidden = "The file is not text."
	case isMarkdown(file) && !plain:
		body.Other = "?plain=1"
		at := v.place()
		at.ref, at.dir = ref, path.Dir(file)
		if body.Rendered, err = v.s.render(string(content.data), at); err != nil {
			return "", page{}, err
		}
	default:
		body.Lines = strings.Split(strings.TrimSuffix(string(content.data), "\n"), "\n")
		if isMarkdown(file) {
			body.Other, body.Plain = here+"blob/"+escapePath(ref)+"/"+escapePath(file), true
		}
	}
	return "file", page{Title: title, Path: v.p.path, Body: body}, nil
}

func (v view) commitPage(ctx context.Context, rest string) (string, page, error) {
	sha, err := v.p.resolve(ctx, rest)
	if err != nil {
		return "", page{}, err
	}
	if sha == "" {
		return "", page{}, errNoPage
	}
	commits, err := v.c.commitsOf(ctx, []string{sha})
	if err != nil {
		return "", page{}, err
	}
	var body struct {
		commitJSON
		Files []fileView
	}
	body.commitJSON = commits[0]
	parent := emptyTree
	if len(body.ParentIDs) > 0 {
		parent = body.ParentIDs[0]
	}
	files, err := diff(ctx, v.p.git(), parent, sha)
	if err != nil {
		return "", page{}, err
	}
	body.Files = viewDiff(files)
	return "commit", page{Title: body.Title, Path: v.p.path, Body: body}, nil
}

// emptyTree is the name that git gives to a folder without files.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
