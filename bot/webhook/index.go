package webhook

import "strings"

// Index says which projects matter, and what for. It is read only; whoever keeps it
// makes a new one instead of changing it.
type Index struct {
	Umbrellas []Umbrella
	Packages  []Package
}

// Project is a project on the GitLab server.
type Project struct {
	// ID stays when the project is renamed; 0 means that it is not known yet, and the
	// path alone counts.
	ID   int64
	Path string
	// DefaultBranch is the one that was read last, "" if none was. An event that names
	// another one tells that it changed.
	DefaultBranch string
}

// Umbrella is an umbrella that the bot works on. It belongs into the index from the
// first moment, before any run.
type Umbrella struct {
	Name    string // as in triggers
	Project Project
	// Branch is the analysed one; "" means the default branch.
	Branch string
	// Unscanned says that no run has told yet what the umbrella deploys: then any
	// project may be one of its packages.
	Unscanned bool
	// BranchPrefix is how the bot's source branches begin, as tokenward/.
	BranchPrefix string
}

// Package is a package's project in the place where an umbrella deploys it. A
// project that is deployed into several namespaces, or by several umbrellas, stands
// here as often.
type Package struct {
	Project   Project
	Umbrella  string // its name
	Namespace string
	// Branch is what the umbrella deploys where it follows a branch; it counts beside
	// the default branch, to which the documentation goes.
	Branch string
	// Tags is a pattern (as path.Match has it) of the tags that count; "" means all.
	Tags string
}

// is tells whether a payload's project is this one: by id, or by path, since one of
// both may be out of date.
func (p Project) is(id int64, path string) bool {
	return p.ID != 0 && p.ID == id || p.Path != "" && strings.EqualFold(p.Path, path)
}
