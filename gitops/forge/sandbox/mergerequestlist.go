package sandbox

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// mergeRequestFilter is what a caller wants listed.
type mergeRequestFilter struct {
	state              string
	iids               []int
	source, target     string
	author, notAuthor  string
	authorID           int
	labels             []string
	search, in         string
	draft              string // yes, no or empty
	createdAfter       time.Time
	createdBefore      time.Time
	updatedAfter       time.Time
	updatedBefore      time.Time
	mine, assignedToMe bool
}

func (c *call) mergeRequestFilter(scope string) (f mergeRequestFilter, err error) {
	if f.state, err = c.params.choice("state", "all", opened, closed, merged, "locked"); err != nil {
		return f, err
	}
	if f.iids, _, err = c.params.numbers("iids[]"); err != nil {
		return f, err
	}
	if f.authorID, err = c.params.number("author_id", 0); err != nil {
		return f, err
	}
	f.source, _ = c.params.text("source_branch")
	f.target, _ = c.params.text("target_branch")
	f.author, _ = c.params.text("author_username")
	f.notAuthor, _ = c.params.text("not[author_username]")
	f.labels, _ = c.params.list("labels")
	f.search, _ = c.params.text("search")
	f.in, _ = c.params.text("in")
	for _, moment := range []struct {
		name string
		into *time.Time
	}{
		{"created_after", &f.createdAfter}, {"created_before", &f.createdBefore},
		{"updated_after", &f.updatedAfter}, {"updated_before", &f.updatedBefore},
	} {
		if *moment.into, err = c.params.moment(moment.name); err != nil {
			return f, err
		}
	}
	if scope, err = c.params.choice("scope", scope, "all", "created_by_me", "assigned_to_me"); err != nil {
		return f, err
	}
	f.mine, f.assignedToMe = scope == "created_by_me", scope == "assigned_to_me"
	if f.draft, err = c.params.choice("wip", "", "yes", "no"); err != nil {
		return f, err
	}
	if draft, given, err := c.params.flag("draft"); err != nil {
		return f, err
	} else if given {
		f.draft = map[bool]string{true: "yes", false: "no"}[draft]
	}
	return f, nil
}

// matches says whether who wants to see mr.
func (f mergeRequestFilter) matches(mr *mergeRequest, who *identity) bool {
	within := func(t, after, before time.Time) bool {
		return (after.IsZero() || t.After(after)) && (before.IsZero() || t.Before(before))
	}
	if f.mine && (who == nil || mr.author != who.user) || f.assignedToMe && (who == nil || !slices.Contains(mr.assignees, who.user)) {
		return false
	}
	for _, wanted := range f.labels {
		if wanted == "None" && len(mr.labels) > 0 || wanted == "Any" && len(mr.labels) == 0 ||
			wanted != "None" && wanted != "Any" && !slices.Contains(mr.labels, wanted) {
			return false
		}
	}
	return (f.state == "all" || f.state == mr.state) &&
		(len(f.iids) == 0 || slices.Contains(f.iids, mr.iid)) &&
		(f.source == "" || f.source == mr.source) && (f.target == "" || f.target == mr.target) &&
		(f.author == "" || strings.EqualFold(f.author, mr.author.username)) &&
		(f.notAuthor == "" || !strings.EqualFold(f.notAuthor, mr.author.username)) &&
		(f.authorID == 0 || f.authorID == mr.author.id) &&
		(f.draft == "" || (f.draft == "yes") == mr.draft()) && f.found(mr) &&
		within(mr.createdAt, f.createdAfter, f.createdBefore) && within(mr.updatedAt, f.updatedAfter, f.updatedBefore)
}

// found says whether the searched text is in title or description, or in the
// one of them that was asked for.
func (f mergeRequestFilter) found(mr *mergeRequest) bool {
	if f.search == "" {
		return true
	}
	texts := map[string]string{"title": mr.title, "description": mr.description}
	for _, where := range strings.Split(cmp.Or(f.in, "title,description"), ",") {
		if strings.Contains(strings.ToLower(texts[where]), strings.ToLower(f.search)) {
			return true
		}
	}
	return false
}

// listedMergeRequest is one row of a list, and what lists are sorted by.
type listedMergeRequest struct {
	mergeRequestJSON
	createdAt, updatedAt time.Time
}

func (c *call) listMergeRequests(ctx context.Context) (*reply, error) {
	filter, err := c.mergeRequestFilter("all")
	if err != nil {
		return nil, err
	}
	found, err := c.matching(ctx, filter)
	if err != nil {
		return nil, err
	}
	return c.pagedMergeRequests(found)
}

// listAllMergeRequests lists those of every project that the caller may read, without a
// scope only the caller's own.
func (c *call) listAllMergeRequests(ctx context.Context) (*reply, error) {
	filter, err := c.mergeRequestFilter("created_by_me")
	if err != nil {
		return nil, err
	}
	var found []listedMergeRequest
	for _, p := range c.server.list() {
		if c.who.access(p.path, false) < Reporter {
			continue
		}
		if err := c.server.enter(ctx, p, nil); errors.Is(err, errNoProject) {
			continue
		} else if err != nil {
			return nil, err
		}
		there := *c
		there.project, there.access = p, c.who.access(p.path, false)
		rows, err := there.matching(ctx, filter)
		p.mu.Unlock()
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return c.pagedMergeRequests(found)
}

// matching lists the project's merge requests that the filter lets through.
func (c *call) matching(ctx context.Context, filter mergeRequestFilter) ([]listedMergeRequest, error) {
	details, _, err := c.params.flag("with_labels_details")
	if err != nil {
		return nil, err
	}
	var found []listedMergeRequest
	for _, mr := range c.project.mergeRequests {
		if !filter.matches(mr, c.who) {
			continue
		}
		if err := c.server.look(ctx, c.project, mr); err != nil {
			return nil, err
		}
		out := c.mergeRequestJSON(mr)
		if details {
			full := []labelJSON{}
			for _, name := range mr.labels {
				full = append(full, c.project.labelJSON(c.server.label(c.project, name)))
			}
			out.Labels = full
		}
		found = append(found, listedMergeRequest{out, mr.createdAt, mr.updatedAt})
	}
	return found, nil
}

// pagedMergeRequests answers a page of a list, in the order that the caller wants.
func (c *call) pagedMergeRequests(found []listedMergeRequest) (*reply, error) {
	order, err := c.params.choice("order_by", "created_at", "updated_at", "title")
	if err != nil {
		return nil, err
	}
	direction, err := c.params.choice("sort", "desc", "asc")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b listedMergeRequest) int {
		by := map[string]int{
			"created_at": a.createdAt.Compare(b.createdAt), "updated_at": a.updatedAt.Compare(b.updatedAt),
			"title": cmp.Compare(a.Title, b.Title),
		}[order]
		by = cmp.Or(by, cmp.Compare(a.ID, b.ID))
		if direction == "desc" {
			by = -by
		}
		return by
	})
	var all []mergeRequestJSON
	for _, row := range found {
		all = append(all, row.mergeRequestJSON)
	}
	return paged(c, all)
}

// pathMergeRequest returns the merge request that the path names.
func (c *call) pathMergeRequest() (*mergeRequest, error) {
	text := c.request.PathValue("iid")
	iid, err := (params{"iid": text}).number("iid", 0)
	if err != nil {
		return nil, err
	}
	if mr := c.project.mergeRequest(iid); mr != nil {
		return mr, nil
	}
	return nil, errNotFound
}

func (c *call) getMergeRequest(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	out, err := c.single(ctx, mr)
	if err != nil {
		return nil, err
	}
	if mr.pending > 0 {
		mr.pending--
	}
	if err := c.server.continueRebase(ctx, c.project, mr); err != nil {
		return nil, err
	}
	return ok(out), nil
}

func (c *call) listDiffs(ctx context.Context) (*reply, error) {
	if unified, _, err := c.params.flag("unidiff"); err != nil || unified {
		if err == nil {
			err = fail(http.StatusNotImplemented, "501 Not Implemented: parameter unidiff of GET diffs")
		}
		return nil, err
	}
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if err := c.server.look(ctx, c.project, mr); err != nil {
		return nil, err
	}
	files, err := mr.diff(ctx, c.project.git())
	if err != nil {
		return nil, err
	}
	return paged(c, files)
}

func (c *call) listMergeRequestCommits(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if err := c.server.look(ctx, c.project, mr); err != nil {
		return nil, err
	}
	var commits []commitJSON
	if mr.check.base != "" {
		commits, err = log(ctx, c.project.git(), c.projectURL(), mr.check.base+".."+mr.check.source)
		if err != nil {
			return nil, err
		}
	}
	return paged(c, commits)
}
