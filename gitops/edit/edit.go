// Package edit changes text that people keep by hand: the values file of a
// policies chart, which is usually a Go template that happens to look like
// YAML, and the Markdown of a package's documentation. It owns where a line
// goes and what it looks like, in the style of the lines around it.
//
// Everything here is a pure function of bytes. The package reads no file of its
// own accord, renders nothing and rewrites nothing: it adds lines, and where a
// value stands on one line with its key (as in "pods: []") it completes that
// line; it takes out only what it is told by name. What it cannot place with
// certainty it refuses.
package edit

import "errors"

// Edit is one intended change of one file.
type Edit interface {
	// Apply returns src with the edit made, and the lines that differ. It
	// never modifies src. Changes is empty exactly when dst equals src, which
	// is the case when the file says already what the edit wants.
	Apply(src []byte) (dst []byte, changes []Change, err error)
}

var (
	_ Edit = PolicyEdit{}
	_ Edit = SectionEdit{}
)

// Change is one line of the result that the source does not have.
type Change struct {
	// Line is the line's 1-based number in the result.
	Line int
	// Text is the line without its end.
	Text string
	// Was is the source's line that this one stands for, where a line had to be
	// completed instead of added; empty for an added line.
	Was string
	// Removed says that the line Was is gone: Line is where it would stand, and
	// Text is empty. Only our own text and what a PolicyRemoval names is ever removed.
	Removed bool
}

// What an edit refuses. The errors that Apply returns wrap one of these and name
// the place.
var (
	// ErrNoAnchor means that the file has no place for the edit.
	ErrNoAnchor = errors.New("no place for the edit")
	// ErrAmbiguous means that the file has more than one place for it.
	ErrAmbiguous = errors.New("more than one place for the edit")
	// ErrForm means that the place is there, in a form that cannot hold the edit.
	ErrForm = errors.New("the form of the file cannot hold the edit")
	// ErrName means that a name or a comment cannot be written into the file.
	ErrName = errors.New("text that cannot be written into the file")
	// ErrNotListed means that pods are given for a namespace that is not listed
	// and is not to be hardened either.
	ErrNotListed = errors.New("namespace is not listed")
	// ErrUnproven means that the edited text does not parse to exactly what the
	// edit wants, for example because a template directive stands in the way.
	ErrUnproven = errors.New("the edited text does not say what the edit wants")
)
