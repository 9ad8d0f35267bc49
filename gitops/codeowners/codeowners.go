// Package codeowners reads a CODEOWNERS file the way GitLab does and tells who
// owns a path: where the file lies, which of its lines count, which sections
// there are, and which line of each section decides. It also picks a few of
// many candidates so that the same ones are picked every time.
//
// It knows names as text only. Whether a name is a user or a group, whether
// that one exists and may review, and who the members of a group are is for the
// caller to ask GitLab. It reads no file but from the tree it is handed.
//
// The rules are those of
// https://docs.gitlab.com/user/project/codeowners/reference/ and
// https://docs.gitlab.com/user/project/codeowners/advanced/; where these are
// silent or differ from what the server does, the server's behaviour decides,
// and the comment at that place says so.
package codeowners

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// DefaultSection is the name of the section that holds the entries before the
// first heading. GitLab calls it so, too: entries under a heading "[codeowners]"
// join it.
const DefaultSection = "codeowners"

// Kind says how an owner is written.
type Kind int

const (
	// User is a name without a slash. GitLab takes it for the user name and for
	// the top-level group of that name, so that only the server can tell which
	// it is.
	User Kind = iota + 1
	// Group is a name with a slash: the full path of a subgroup.
	Group
	// Email is a verified address of a user.
	Email
	// Role stands for all direct members of the project with exactly that role:
	// developer, maintainer or owner.
	Role
)

// String returns the kind in lower case: user, group, email or role.
func (k Kind) String() string {
	switch k {
	case User:
		return "user"
	case Group:
		return "group"
	case Email:
		return "email"
	case Role:
		return "role"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Owner is one owner of a path.
type Owner struct {
	Kind Kind
	// Name is the name or address as it is written, without a leading "@"; for a
	// role the singular in lower case. GitLab compares names and addresses
	// without regard to case.
	Name string
	// Section is the section whose entry names the owner, in the case of its
	// first heading.
	Section string
	// Optional says that GitLab does not require the approval of this section.
	Optional bool
}

// Problem is something in the file that GitLab ignores, or reads otherwise than
// its author may have meant. The lines without a problem count all the same.
type Problem struct {
	// Line is 1-based.
	Line int
	// Text is one sentence without a full stop.
	Text string
}

// String returns the problem with its line.
func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// Find returns the path and the content of the CODEOWNERS file that counts: the
// first of CODEOWNERS, docs/CODEOWNERS and .gitlab/CODEOWNERS, even if it is
// empty and a later one is not. That is GitLab's order. It returns ok false and
// no error if there is none. A directory of that name is passed over. A file that
// is there but cannot be read is an error, and so is a symbolic link in a tree
// that does not follow links: GitLab does not follow it either, and does not go
// on to the next place.
func Find(tree fs.FS) (name string, content []byte, ok bool, err error) {
	for _, name := range []string{"CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"} {
		info, err := fs.Stat(tree, path.Dir(name))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), err == nil && !info.IsDir():
			continue
		case err != nil:
			return "", nil, false, fmt.Errorf("look for %s: %w", name, err)
		}
		info, err = fs.Stat(tree, name)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && info.IsDir():
			continue
		case err != nil:
			return "", nil, false, fmt.Errorf("look for %s: %w", name, err)
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return "", nil, false, fmt.Errorf("read %s: %w", name, err)
		}
		return name, content, true, nil
	}
	return "", nil, false, nil
}
