package templates

import "fmt"

// Group is what the description and the commit message of a merge request say that
// repairs the lists of several namespaces.
type Group struct {
	File string // path of the edited values file
	// Members say of each namespace what its own request would; what only that would
	// have, such as partners, is empty.
	Members []Umbrella
	Marker  string // hidden state, already encoded
}

// Description renders the description of the merge request.
func (g Group) Description() (string, error) {
	text, err := execute("group.md.tmpl", g)
	return fit(text, g.Marker), err
}

// CommitMessage renders the message of its commit.
func (g Group) CommitMessage() (string, error) { return execute("group.commit.tmpl", g) }

// Title is the merge request's title.
func (g Group) Title() string {
	if len(g.Members) == 1 {
		return "Repair automountServiceAccountToken for " + g.Members[0].Namespace
	}
	return fmt.Sprintf("Repair automountServiceAccountToken for %d namespaces", len(g.Members))
}
