package templates

import (
	"strings"
	"unicode/utf8"
)

// maxTitle is how many characters GitLab takes as a title.
const maxTitle = 255

// Request is a merge request as issues show it, with what it waits for.
type Request struct {
	Reference string // group/project!1
	Role      string // umbrella or package
	State     string // opened, closed or merged
	Draft     bool
	After     string   // reference of the request that must be merged first, "" if there is none
	Reviewers []string // user names
}

// Issue is what the tracking issue of a namespace says.
type Issue struct {
	Namespace string
	Changes   []Entry  // of the umbrella's values, as planned now
	Documents []string // packages that are to be documented
	Requests  []Request
	Earlier   []string // references of requests that are no longer worked on
	State     string   // a word or two
	Reason    string   // one sentence, "" for none
	Done      bool     // nothing is planned any more
	Marker    string
}

// Title is the tracking issue's title.
func (i Issue) Title() string {
	return short(Plain("Harden automountServiceAccountToken for "+i.Namespace), maxTitle)
}

// Description renders the tracking issue's description.
func (i Issue) Description() (string, error) { return execute("issue.md.tmpl", i) }

// Dashboard is what the dashboard issue says.
type Dashboard struct {
	Sections []DashboardSection // without those that have no row
	Acted    []string           // a line for every box that was acted upon
	Marker   string
}

// DashboardSection lists the namespaces that are in the same state.
type DashboardSection struct {
	Title string
	Rows  []DashboardRow
}

// DashboardRow is one namespace.
type DashboardRow struct {
	Namespace string
	Reason    string // one sentence, "" for none
	Requests  []Request
	Boxes     []Box
}

// Box is a check box that a person may tick. Its key must have nothing in it that
// ends a comment.
type Box struct {
	Verb, Key, Label string
	Ticked           bool
}

// Title is the dashboard issue's title.
func (Dashboard) Title() string { return "tokenward: dashboard" }

// Description renders the dashboard issue's description.
func (d Dashboard) Description() (string, error) { return execute("dashboard.md.tmpl", d) }

// short cuts a text that is too long.
func short(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}
