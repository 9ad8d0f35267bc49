package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

const (
	readme      = "README.md"
	maintenance = "docs/DEVELOPMENT_MAINTENANCE.md"
)

var (
	// generatedPattern is what a generated file says of itself.
	generatedPattern = regexp.MustCompile(`(?i)\bdo not (manually |directly )?(edit|modify|change)\b|\b(auto-?|automatically |programm?atically )generated\b|\bgenerated (automatically|programm?atically|by|using|with|from)\b`)
	// partPattern is what shows that only a part of the file is meant.
	partPattern = regexp.MustCompile(`(?i)\b(toc|doctoc|table of contents|section|block|below this|between)\b`)
	// docsPattern is the footer of helm-docs.
	docsPattern = regexp.MustCompile("(?i)generated .*helm-docs")
)

// headLines and footLines are how much of a README is searched for a word on how it is made.
const (
	headLines = 10
	footLines = 15
)

// Place says where a package documents how it is deployed: its README, unless that
// is generated, as an edit of it would be lost; then the README's template if
// there is one, else docs/DEVELOPMENT_MAINTENANCE.md. Exists says whether the file is
// there already; reason is a sentence for people on why it is the place.
func Place(fsys fs.FS) (file string, exists bool, reason string, err error) {
	names, err := list(fsys, ".")
	if err != nil {
		return "", false, "", err
	}
	found := pick(names, readme)
	for _, suffix := range []string{".gotmpl", ".tmpl"} {
		if template := pick(names, readme+suffix); template != "" {
			return template, true, fmt.Sprintf("%s is generated from %s", readme, template), nil
		}
	}
	if found == "" {
		file, exists, err = maintenanceFile(fsys)
		if err != nil || exists {
			return file, exists, "the package has no " + readme, err
		}
		return readme, false, "the package has no documentation yet", nil
	}
	text, err := fs.ReadFile(fsys, found)
	if err != nil {
		return "", false, "", fmt.Errorf("read %s: %w", found, err)
	}
	sign := generatedSign(text)
	if sign == "" {
		return found, true, found + " is kept by hand", nil
	}
	file, exists, err = maintenanceFile(fsys)
	return file, exists, fmt.Sprintf("%s is generated: it says %q", found, sign), err
}

// list returns the names in a folder, none where it is missing.
func list(fsys fs.FS, folder string) ([]string, error) {
	found, err := fs.ReadDir(fsys, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the folder %s: %w", folder, err)
	}
	var names []string
	for _, each := range found {
		if !each.IsDir() {
			names = append(names, each.Name())
		}
	}
	return names, nil
}

// pick returns the one of names that is want, else one that differs in case only, else "".
func pick(names []string, want string) string {
	found := ""
	for _, name := range names {
		if name == want {
			return name
		}
		if found == "" && strings.EqualFold(name, want) {
			found = name
		}
	}
	return found
}

// maintenanceFile finds the document on development and maintenance, also where its name differs in case.
func maintenanceFile(fsys fs.FS) (file string, exists bool, err error) {
	folder, name := path.Split(maintenance)
	names, err := list(fsys, path.Clean(folder))
	if err != nil {
		return "", false, err
	}
	if found := pick(names, name); found != "" {
		return folder + found, true, nil
	}
	return maintenance, false, nil
}

// generatedSign returns the words of a file that say that it is generated, "" if there are none.
func generatedSign(text []byte) string {
	var lines [][]byte
	for _, l := range bytes.Split(text, []byte("\n")) {
		if !isBlank(l) {
			lines = append(lines, l)
		}
	}
	for _, l := range lines[:min(headLines, len(lines))] {
		if sign := generatedPattern.Find(l); sign != nil && !partPattern.Match(l) {
			return string(sign)
		}
	}
	for _, l := range lines[max(0, len(lines)-footLines):] {
		if sign := docsPattern.Find(l); sign != nil {
			return string(sign)
		}
	}
	return ""
}
