package git

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// What can go wrong with a remote, for errors.Is.
var (
	// ErrNotFound: there is no such repository, or it is hidden from us.
	ErrNotFound = errors.New("repository not found")
	// ErrRefNotFound: the repository has no such branch, tag or commit.
	ErrRefNotFound = errors.New("ref not found")
	// ErrAuth: the credential is missing, wrong or lacks the right.
	ErrAuth = errors.New("access denied")
	// ErrUnreachable: the host cannot be reached or breaks the connection off.
	ErrUnreachable = errors.New("unreachable")
	// ErrHostKey: the ssh host key is unknown or differs from the known one.
	ErrHostKey = errors.New("host key not trusted")
	// ErrRejected: the server refuses the push; its own words follow.
	ErrRejected = errors.New("push rejected")
	// ErrStale: the branch is not where the lease expects it.
	ErrStale = errors.New("branch has moved")
	// ErrTooLarge: the repository exceeds the configured limits.
	ErrTooLarge = errors.New("repository too large")
	// errFixedLimit: so much so that no configuration helps.
	errFixedLimit = fmt.Errorf("%w", ErrTooLarge)
	// ErrLeftOut: the file is large, and was left at the remote.
	ErrLeftOut = errors.New("left at the remote")
	// ErrTree: the commit's tree is none that git would check out.
	ErrTree = errors.New("tree refused")
	// ErrEmpty: the repository has no commits yet.
	ErrEmpty = errors.New("repository is empty")
	// ErrURL: the URL is not one of a repository.
	ErrURL = errors.New("invalid URL")
	// ErrPlace: the repository is at a place that the configuration does not name.
	ErrPlace = errors.New("not asked")
	// ErrProtected: this package refuses to push to the branch.
	ErrProtected = errors.New("push refused")
)

// Error is what every operation of a Store fails with: which operation, on
// which repository (never with credentials) and ref, why, and what to do.
type Error struct {
	Op, Repo, Ref string
	Err           error
	Hint          string
}

// Error returns one sentence, short and printable whatever an umbrella calls its
// repositories and refs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + " " + printable(e.Repo, 400))
	if e.Ref != "" {
		b.WriteString(" at " + printable(e.Ref, 200))
	}
	b.WriteString(": " + printable(e.Err.Error(), 1000))
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// printable puts text on one line, cut where it is longer than limit bytes.
func printable(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + " [...]"
	}
	return text
}
