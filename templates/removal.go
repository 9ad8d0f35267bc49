package templates

// Removal is what the description and the commit message of a merge request say
// that takes stale entries out of the umbrella's values.
type Removal struct {
	Namespace string
	File      string // path of the edited values file
	// Removed are the entries that go, Kept those that are stale, too, and stay, with the reason.
	Removed, Kept []Entry
	// Taken are the workloads whose pods lose a token, with what is known of their need.
	Taken []Pod
	// Look is what else needs a person's eye, as plain sentences.
	Look []string
	// ViolationsBefore and ViolationsAfter count the validating policy's violations in the namespace.
	ViolationsBefore, ViolationsAfter int
	Marker                            string // hidden state, already encoded
}

// Description renders the description of the merge request.
func (r Removal) Description() (string, error) { return execute("removal.md.tmpl", r) }

// CommitMessage renders the message of its commit.
func (r Removal) CommitMessage() (string, error) { return execute("removal.commit.tmpl", r) }

// Title is the merge request's title.
func (r Removal) Title() string {
	return "Remove stale automountServiceAccountToken exceptions for " + r.Namespace
}
