package sandbox

import (
	"context"
	"net/http"
	"slices"
)

// compare answers what lies between the common ancestor of two commits and the
// second one, as GitLab does without straight.
func (c *call) compare(ctx context.Context) (*reply, error) {
	shas := make([]string, 2)
	for i, name := range []string{"from", "to"} {
		ref, _ := c.params.text(name)
		if ref == "" {
			return nil, invalid(name + " is missing")
		}
		sha, err := c.project.resolve(ctx, ref)
		if err != nil {
			return nil, err
		}
		if sha == "" {
			return nil, fail(http.StatusNotFound, "404 Ref Not Found")
		}
		shas[i] = sha
	}
	base, err := c.project.git().settledLine(ctx, "merge-base", shas[0], shas[1])
	if err != nil {
		return nil, err
	}
	commits, err := log(ctx, c.project.git(), c.projectURL(), base+".."+shas[1])
	if err != nil {
		return nil, err
	}
	slices.Reverse(commits) // oldest first, unlike a log
	diffs, err := diff(ctx, c.project.git(), base, shas[1])
	if err != nil {
		return nil, err
	}
	var last any
	if len(commits) > 0 {
		last = commits[len(commits)-1]
	}
	return ok(map[string]any{"commit": last, "commits": nonNil(commits), "diffs": nonNil(diffs),
		"compare_timeout": false, "compare_same_ref": shas[0] == shas[1]}), nil
}

// nonNil makes an empty list appear as one.
func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
