package sandbox

import (
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
	id, iid        int
	title          string
	description    string
	state          string
	source, target string // branches
	author         *user
	assignees      []*user
	reviewers      []*user
	labels         []string // sorted
	createdAt      time.Time
	updatedAt      time.Time
	mergedBy       *user
	mergedAt       time.Time
	closedBy       *user
	closedAt       time.Time
	removeSource   bool
	squash         bool
	locked         bool // discussion_locked
	mergeError     string
	mergeCommit    string
	squashCommit   string
	notes          []*note // oldest first

	sha     string     // head of the source branch, until it is merged or closed
	check   mergeCheck // as of the last look
	pending int        // how many more readings answer "checking"
}

// close closes an open merge request; it does nothing to others.
func (s *Server) close(mr *mergeRequest, who *user) {
	if mr.state != opened {
		return
	}
	mr.state, mr.closedBy, mr.closedAt = closed, who, s.cfg.Now()
	mr.updatedAt = mr.closedAt
}

// merged marks an open merge request as merged.
func (s *Server) merged(mr *mergeRequest, who *user) {
	mr.state, mr.mergedBy, mr.mergedAt = merged, who, s.cfg.Now()
	mr.updatedAt, mr.mergeError = mr.mergedAt, ""
}

// reopen opens a closed merge request again, at the present head of its
// source branch.
func (s *Server) reopen(p *project, mr *mergeRequest) {
	mr.state, mr.closedBy, mr.closedAt, mr.updatedAt = opened, nil, time.Time{}, s.cfg.Now()
	if head := p.heads[mr.source]; head != "" {
		mr.sha = head
	}
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

func (p *project) openCount() int {
	n := 0
	for _, mr := range p.mergeRequests {
		if mr.state == opened {
			n++
		}
	}
	return n
}

// draftTitle is GitLab's rule for titles of drafts.
var draftTitle = regexp.MustCompile(`(?i)^\s*(?:\[draft\]|\(draft\)|draft:)`)

func (mr *mergeRequest) draft() bool { return draftTitle.MatchString(mr.title) }

// userNotes counts the notes that people and bots wrote.
func (mr *mergeRequest) userNotes() int {
	n := 0
	for _, note := range mr.notes {
		if !note.system {
			n++
		}
	}
	return n
}

// taskItem matches an item of a task list.
var taskItem = regexp.MustCompile(`(?m)^\s*(?:[-*+]|\d+[.)])\s+\[([ xX])\]\s`)

// tasks counts the task list items of the description, all and done.
func (mr *mergeRequest) tasks() (all, done int) {
	for _, m := range taskItem.FindAllStringSubmatch(mr.description+"\n", -1) {
		all++
		if strings.EqualFold(m[1], "x") {
			done++
		}
	}
	return all, done
}

// setLabels makes labels the merge request's own, sorted and without
// duplicates; those that the project lacks are created, as GitLab does.
func (s *Server) setLabels(p *project, mr *mergeRequest, labels []string) {
	mr.labels = nil
	for _, name := range labels {
		if name = strings.TrimSpace(name); name != "" {
			mr.labels = append(mr.labels, s.label(p, name).name)
		}
	}
	slices.Sort(mr.labels)
	mr.labels = slices.Compact(mr.labels)
}
