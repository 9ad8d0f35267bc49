// Package templates holds the texts that people read: descriptions of merge
// requests, commit messages and the documentation section. Each is a pure
// function of its data, so that the same state always gives the same bytes. Text
// that comes from charts is defused before it reaches a page of GitLab.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed *.tmpl
var files embed.FS

// Umbrella is what the description and the commit message of the umbrella's
// merge request say.
type Umbrella struct {
	Namespace string
	New       bool   // the namespace was not listed before
	File      string // path of the edited values file
	// Added are the entries that the edit adds, in the order of the file.
	Added []Entry
	// Pods has a row for every workload of the namespace.
	Pods []Pod
	// Look is what needs a person's eye, Stale what may be removed by hand,
	// NotAnalysed what could not be seen, all as plain sentences.
	Look, Stale, NotAnalysed []string
	// ViolationsBefore and ViolationsAfter count the validating policy's violations in the namespace.
	ViolationsBefore, ViolationsAfter int
	Granted, Taken                    []string // workloads whose pods gain or lose a token
	Decided                           []Entry  // decisions of people that the request records
	Partners                          []Partner
	Documented                        []string // packages whose documentation already has the section
	Issue                             string   // reference of the tracking issue, "" without one
	Marker                            string   // hidden state, already encoded
}

// Package is what the description and the commit message of a package's merge
// request say.
type Package struct {
	Namespace string
	Package   string // name of the repository
	File      string // path of the documentation file
	Why       string // why the section goes there
	Version   string // the version that the chart is raised to, "" if it stays
	NotRaised string // why the version is not raised although it should, a sentence
	Partners  []Partner
	Issue     string // reference of the tracking issue, "" without one
	Blocked   bool   // GitLab itself keeps it from being merged before the umbrella's request
	Marker    string
}

// Entry is one line that the umbrella's merge request adds.
type Entry struct {
	Kind    string // harden, harden-default, allow or deny; for a decision ignore, too
	Pattern string
	Reason  string
	Review  bool
}

// Pod is a workload's row in the description's table.
type Pod struct {
	Workload, Pattern, Verdict, Confidence, Evidence string
	Source, SourceURL                                string
	Token                                            string // "yes", "no", "yes → no", "no → yes"
}

// Partner is a merge request that belongs to the same unit of work.
type Partner struct {
	Reference string // group/project!1
	URL       string
	Role      string // umbrella or package
}

// Section is what the documentation section of a package says.
type Section struct {
	Policy   string // the mutator's name
	File     string // the values file's path in the umbrella
	FileURL  string // where to read it, "" if unknown
	Validate string // the validating policy's name
}

// Allows tells whether the edit allows any pod.
func (u Umbrella) Allows() bool {
	return slices.ContainsFunc(u.Added, func(e Entry) bool { return e.Kind == "allow" })
}

// Changes tells whether the edit changes anything that is deployed: a request can be
// about decisions alone.
func (u Umbrella) Changes() bool { return len(u.Added) > 0 || len(u.Decided) == 0 }

// Description renders the description of an umbrella's merge request.
func (u Umbrella) Description() (string, error) {
	text, err := execute("umbrella.md.tmpl", u)
	return fit(text, u.Marker), err
}

// maxDescription is far below the 1,048,576 characters that GitLab takes, and leaves
// people room around our text.
const maxDescription = 900_000

// fit cuts a description that is too long at the end of a line, and says so. The hidden
// state at its end stays.
func fit(text, marker string) string {
	if len(text) <= maxDescription {
		return text
	}
	rest := "\n\n**Cut here: the description is too long. The diff has all changes.**\n\n" + marker + "\n"
	text = text[:maxDescription-len(rest)]
	return text[:strings.LastIndexByte(text, '\n')+1] + rest
}

// CommitMessage renders the message of the commit in the umbrella.
func (u Umbrella) CommitMessage() (string, error) { return execute("umbrella.commit.tmpl", u) }

// Title is the umbrella's merge request title.
func (u Umbrella) Title() string {
	if !u.Changes() {
		return "Record decisions about automountServiceAccountToken for " + u.Namespace
	}
	return "Harden automountServiceAccountToken for " + u.Namespace
}

// Description renders the description of a package's merge request.
func (p Package) Description() (string, error) { return execute("package.md.tmpl", p) }

// CommitMessage renders the message of the commit in the package.
func (p Package) CommitMessage() (string, error) { return execute("package.commit.tmpl", p) }

// Title is the package's merge request title.
func (p Package) Title() string { return "Document automountServiceAccountToken for " + p.Package }

// ChangelogEntry is what the package's changelog says, in one line.
func (p Package) ChangelogEntry() string {
	return "Documented automountServiceAccountToken and its exceptions in " + p.File
}

// Body renders the documentation section without its heading.
func (s Section) Body() (string, error) { return execute("section.md.tmpl", s) }

func execute(name string, data any) (string, error) {
	t, err := template.New(name).Funcs(template.FuncMap{"code": Code, "text": Text, "cell": Cell, "plain": Plain, "name": Name}).ParseFS(files, name, "request.md.tmpl")
	if err != nil {
		return "", fmt.Errorf("parse template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return "", fmt.Errorf("fill template %s: %w", name, err)
	}
	return strings.TrimSpace(out.String()) + "\n", nil
}
