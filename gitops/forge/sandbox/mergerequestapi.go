package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// GitLab's limits.
const (
	longestTitle       = 255
	longestDescription = 1 << 20
)

// checkTexts refuses a title or a description that GitLab would not store.
func checkTexts(mr *mergeRequest) error {
	problems := map[string][]string{}
	if strings.TrimSpace(mr.title) == "" {
		problems["title"] = append(problems["title"], "can't be blank")
	}
	if utf8.RuneCountInString(mr.title) > longestTitle {
		problems["title"] = append(problems["title"], fmt.Sprintf("is too long (maximum is %d characters)", longestTitle))
	}
	if utf8.RuneCountInString(mr.description) > longestDescription {
		problems["description"] = append(problems["description"], fmt.Sprintf("is too long (maximum is %d characters)", longestDescription))
	}
	if len(problems) > 0 {
		return fail(http.StatusBadRequest, problems)
	}
	return nil
}

func (c *call) createMergeRequest(ctx context.Context) (*reply, error) {
	if err := c.params.require("title", "source_branch", "target_branch"); err != nil {
		return nil, err
	}
	if err := c.refuseForks(); err != nil {
		return nil, err
	}
	now := c.server.cfg.Now()
	mr := &mergeRequest{state: opened, thread: thread{kind: kindMergeRequest, author: c.who.user, createdAt: now, updatedAt: now}}
	mr.title, _ = c.params.text("title")
	mr.source, _ = c.params.text("source_branch")
	mr.target, _ = c.params.text("target_branch")
	mr.description, _ = c.params.text("description")
	mr.squash = c.project.settings.SquashOption == "default_on"
	if err := c.project.checkBranches(mr, mr.target); err != nil {
		return nil, err
	}
	if mr.sha = c.project.heads[mr.source]; mr.sha == "" {
		return nil, fail(http.StatusBadRequest, map[string][]string{"source_branch": {"does not exist"}})
	}
	if c.project.heads[mr.target] == "" {
		return nil, fail(http.StatusBadRequest, map[string][]string{"target_branch": {"does not exist"}})
	}
	if err := checkTexts(mr); err != nil {
		return nil, err
	}
	if err := c.setAttributes(mr); err != nil {
		return nil, err
	}
	if err := c.setMilestone(mr); err != nil {
		return nil, err
	}
	mr.id, mr.iid = c.server.nextID(), len(c.project.mergeRequests)+1
	c.project.mergeRequests = append(c.project.mergeRequests, mr)
	c.server.publish(c.project, mr)
	out, err := c.single(ctx, mr)
	if err != nil {
		return nil, err
	}
	c.fireMergeRequest(ctx, mr, "open", nil, "")
	return created(out), nil
}

// refuseForks refuses what would need a second repository.
func (c *call) refuseForks() error {
	target, err := c.params.number("target_project_id", c.project.id)
	if err != nil {
		return err
	}
	if target != c.project.id {
		return fail(http.StatusNotImplemented, "501 Not Implemented: merge requests between projects")
	}
	return nil
}

// setAttributes sets what creating and updating have in common. Everything is
// read before anything is changed.
func (c *call) setAttributes(mr *mergeRequest) error {
	assignees, assigned, err := c.people("assignee_ids")
	if err != nil {
		return err
	}
	if !assigned {
		if assignees, assigned, err = c.people("assignee_id"); err != nil {
			return err
		}
	}
	reviewers, reviewed, err := c.people("reviewer_ids")
	if err != nil {
		return err
	}
	remove, removeGiven, err := c.params.flag("remove_source_branch")
	if err != nil {
		return err
	}
	squash, squashGiven, err := c.params.flag("squash")
	if err != nil {
		return err
	}
	if assigned {
		c.notePeople(mr, mr.assignees, assignees, "assigned to ", "unassigned ")
		mr.assignees = assignees
	}
	if reviewed {
		c.notePeople(mr, mr.reviewers, reviewers, "requested review from ", "removed review request for ")
		mr.reviewers = reviewers
	}
	if removeGiven {
		mr.removeSource = remove
	}
	if squashGiven {
		mr.squash = squash
	}
	mr.labels = c.server.labelNames(c.project, c.wantedLabels(mr.labels))
	return nil
}

// wantedLabels is what becomes of the present labels by the parameters labels,
// add_labels and remove_labels.
func (c *call) wantedLabels(present []string) []string {
	labels, given := c.params.list("labels")
	if !given {
		labels = slices.Clone(present)
	}
	more, _ := c.params.list("add_labels")
	less, _ := c.params.list("remove_labels")
	return slices.DeleteFunc(append(labels, more...), func(name string) bool { return slices.Contains(less, name) })
}

// people returns the users with the ids in a parameter, and whether it is
// given. As in GitLab, ids that nobody has are ignored, 0 among them.
func (c *call) people(name string) ([]*user, bool, error) {
	ids, given, err := c.params.numbers(name)
	if err != nil {
		return nil, given, err
	}
	var users []*user
	for _, id := range ids {
		if u := c.server.accounts.byID(id); u != nil && !slices.Contains(users, u) {
			users = append(users, u)
		}
	}
	return users, given, nil
}

func (c *call) updateMergeRequest(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if c.access < Developer && c.who.user != mr.author {
		return nil, errForbidden
	}
	if len(c.params) == 0 {
		return nil, invalid("assignee_id, assignee_ids, reviewer_ids, description, labels, add_labels, remove_labels, " +
			"squash, target_branch, title, state_event, remove_source_branch, discussion_locked are missing, " +
			"at least one parameter must be provided")
	}
	event, err := c.params.choice("state_event", "", "close", "reopen")
	if err != nil {
		return nil, err
	}
	locked, lockGiven, err := c.params.flag("discussion_locked")
	if err != nil {
		return nil, err
	}
	draft := *mr // what it would become, to be checked first
	if text, given := c.params.text("title"); given {
		draft.title = text
	}
	if text, given := c.params.text("description"); given {
		draft.description = text
	}
	if text, given := c.params.text("target_branch"); given {
		draft.target = text
	}
	if err := c.checkUpdate(mr, &draft, event); err != nil {
		return nil, err
	}
	before := c.attributes(mr)
	if err := c.setAttributes(mr); err != nil {
		return nil, err
	}
	if lockGiven {
		mr.locked = locked
	}
	c.noteEdits(mr, &draft)
	mr.title, mr.description, mr.target = draft.title, draft.description, draft.target
	mr.updatedAt = c.server.cfg.Now()
	c.server.publish(c.project, mr)
	if changes := changesOf(before, c.attributes(mr)); len(changes) > 0 {
		c.fireMergeRequest(ctx, mr, "update", changes, "")
	}
	if err := c.changeState(ctx, mr, event); err != nil {
		return nil, err
	}
	out, err := c.single(ctx, mr)
	if err != nil {
		return nil, err
	}
	return ok(out), nil
}

// checkUpdate refuses to turn mr into draft.
func (c *call) checkUpdate(mr, draft *mergeRequest, event string) error {
	if err := checkTexts(draft); err != nil {
		return err
	}
	if draft.target != mr.target && c.project.heads[draft.target] == "" {
		return fail(http.StatusBadRequest, map[string][]string{"target_branch": {"does not exist"}})
	}
	if draft.target == mr.target && !(event == "reopen" && mr.state == closed) {
		return nil
	}
	return c.project.checkBranches(mr, draft.target)
}

// changeState closes or reopens mr. What is merged stays so.
func (c *call) changeState(ctx context.Context, mr *mergeRequest, event string) error {
	switch {
	case event == "close" && mr.state == opened:
		if err := c.server.look(ctx, c.project, mr); err != nil {
			return err
		}
		c.server.close(ctx, c.project, mr, c.who.user)
	case event == "reopen" && mr.state == closed:
		c.server.reopen(ctx, c.project, mr, c.who.user)
	}
	return nil
}

func (c *call) acceptMergeRequest(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if !c.project.canMerge(mr.target, c.access) {
		return nil, errUnauthorized
	}
	opts := mergeOptions{squash: mr.squash, removeSource: mr.removeSource}
	opts.sha, _ = c.params.text("sha")
	opts.message, _ = c.params.text("merge_commit_message")
	opts.squashMessage, _ = c.params.text("squash_commit_message")
	for _, wish := range []struct {
		name string
		into *bool
	}{{"squash", &opts.squash}, {"should_remove_source_branch", &opts.removeSource}} {
		value, given, err := c.params.flag(wish.name)
		if err != nil {
			return nil, err
		}
		if given {
			*wish.into = value
		}
	}
	for _, name := range []string{"auto_merge", "merge_when_pipeline_succeeds"} {
		asked, _, err := c.params.flag(name)
		if err != nil {
			return nil, err
		}
		if asked { // there never is a pipeline to wait for
			return nil, fail(http.StatusMethodNotAllowed, "405 Method Not Allowed")
		}
	}
	if err := c.server.merge(ctx, c.project, mr, c.who.user, opts); err != nil {
		return nil, err
	}
	out, err := c.single(ctx, mr)
	if err != nil {
		return nil, err
	}
	return ok(out), nil
}
