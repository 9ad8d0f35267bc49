package forge

import (
	"context"
	"errors"
	"slices"

	"github.com/xanzy/go-gitlab"
)

// Comparison is what a ref has that another one lacks, since their common ancestor.
type Comparison struct {
	Commits []Commit // oldest first
	Diffs   []FileDiff
}

// Commit is one commit.
type Commit struct{ Message string }

// FileDiff is the change of one file. Diff begins with the first hunk, and is
// empty where GitLab leaves it out for its size.
type FileDiff struct {
	NewPath, Diff string
}

// Compare returns the commits and diffs that the ref to has and from lacks. It fails
// with an *Error, also when GitLab could not compare all of it.
func (c *Client) Compare(ctx context.Context, projectID int64, from, to string) (Comparison, error) {
	var read *gitlab.Compare
	err := c.call(ctx, "compare branches", c.name(projectID), again, func(options ...gitlab.RequestOptionFunc) (resp *gitlab.Response, err error) {
		read, resp, err = c.api.Repositories.Compare(int(projectID), &gitlab.CompareOptions{From: &from, To: &to}, options...)
		if err == nil && (slices.Contains(read.Commits, nil) || slices.Contains(read.Diffs, nil)) {
			err = errNameless
		}
		return resp, err
	})
	if err != nil {
		return Comparison{}, err
	}
	if read.CompareTimeout {
		return Comparison{}, &Error{Op: "compare branches", Project: c.name(projectID), Message: "GitLab gave up before it had compared everything", err: errors.New("incomplete comparison")}
	}
	var out Comparison
	for _, commit := range read.Commits {
		out.Commits = append(out.Commits, Commit{Message: commit.Message})
	}
	for _, d := range read.Diffs {
		out.Diffs = append(out.Diffs, FileDiff{NewPath: d.NewPath, Diff: d.Diff})
	}
	return out, nil
}
