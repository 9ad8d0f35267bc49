package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// States of a merge request, in GitLab's words.
const (
	opened = "opened"
	closed = "closed"
	merged = "merged"
)

// mergeRequest is the state of one merge request; the mutex of its project
// guards it.
type mergeRequest struct {
	thread
	title          string
	description    string
	state          string
	source, target string // branches
	assignees      []*user
	reviewers      []*user
	labels         []string // sorted
	mergedBy       *user
	mergedAt       time.Time
	closedBy       *user
	closedAt       time.Time
	milestone      string // title, empty without one
	removeSource   bool
	squash         bool
	locked         bool // discussion_locked
	mergeError     string
	mergeCommit    string
	squashCommit   string
	approvals      []approval
	dependencies   []dependency
	rebase         pendingRebase

	sha     string     // head of the source branch, until it is merged or closed
	check   mergeCheck // as of the last look
	pending int        // how many more readings answer "checking"
}

// close closes an open merge request; it does nothing to others.
func (s *Server) close(ctx context.Context, p *project, mr *mergeRequest, who *user) {
	if mr.state != opened {
		return
	}
	mr.state, mr.closedBy, mr.closedAt = closed, who, s.cfg.Now()
	mr.updatedAt = mr.closedAt
	s.publish(p, mr)
	s.voice(p, who).fireMergeRequest(ctx, mr, "close", nil, "")
}

// merged marks an open merge request as merged, and closes the issues that it
// says it closes.
func (s *Server) merged(ctx context.Context, p *project, mr *mergeRequest, who *user) {
	mr.state, mr.mergedBy, mr.mergedAt = merged, who, s.cfg.Now()
	mr.updatedAt, mr.mergeError = mr.mergedAt, ""
	s.publish(p, mr)
	s.voice(p, who).fireMergeRequest(ctx, mr, "merge", nil, "")
	for _, i := range p.closes(mr) {
		s.closeIssue(p, i, who)
	}
}

// reopen opens a closed merge request again, at the present head of its
// source branch.
func (s *Server) reopen(ctx context.Context, p *project, mr *mergeRequest, who *user) {
	mr.state, mr.closedBy, mr.closedAt, mr.updatedAt = opened, nil, time.Time{}, s.cfg.Now()
	if head := p.heads[mr.source]; head != "" && head != mr.sha {
		mr.sha = head
		s.resetApprovals(p, mr, who)
	}
	s.publish(p, mr)
	s.voice(p, who).fireMergeRequest(ctx, mr, "reopen", nil, "")
}

// checkBranches refuses what cannot be open from mr's source branch into
// target, in the order of GitLab's checks.
func (p *project) checkBranches(mr *mergeRequest, target string) error {
	if mr.source == target {
		return fail(http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	}
	for _, other := range p.mergeRequests {
		if other != mr && other.state == opened && other.source == mr.source && other.target == target {
			return fail(http.StatusConflict, []string{
				fmt.Sprintf("Another open merge request already exists for this source branch: !%d", other.iid)})
		}
	}
	return nil
}

func (p *project) mergeRequest(iid int) *mergeRequest {
	if iid < 1 || iid > len(p.mergeRequests) {
		return nil
	}
	return p.mergeRequests[iid-1]
}

// draftTitle is GitLab's rule for titles of drafts.
var draftTitle = regexp.MustCompile(`(?i)^\s*(?:\[draft\]|\(draft\)|draft:)`)

func (mr *mergeRequest) draft() bool { return draftTitle.MatchString(mr.title) }

// undraft returns a title without the mark of drafts.
func undraft(title string) string {
	return strings.TrimSpace(draftTitle.ReplaceAllString(title, ""))
}

// taskItem matches an item of a task list.
var taskItem = regexp.MustCompile(`(?m)^\s*(?:[-*+]|\d+[.)])\s+\[([ xX])\]\s`)

// tasks counts the task list items of a description, all and done.
func tasks(description string) (all, done int) {
	for _, m := range taskItem.FindAllStringSubmatch(description+"\n", -1) {
		all++
		if strings.EqualFold(m[1], "x") {
			done++
		}
	}
	return all, done
}

// labelNames returns labels sorted and without duplicates; those that the
// project lacks are created, as GitLab does.
func (s *Server) labelNames(p *project, labels []string) []string {
	var names []string
	for _, name := range labels {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, s.label(p, name).name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
