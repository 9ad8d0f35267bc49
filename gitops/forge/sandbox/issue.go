package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// issue is the state of one issue; the mutex of its project guards it.
type issue struct {
	thread
	title        string
	description  string
	state        string // opened or closed
	assignees    []*user
	labels       []string // sorted
	confidential bool
	locked       bool // discussion_locked
	closedBy     *user
	closedAt     time.Time
}

func (p *project) issue(iid int) *issue {
	if iid < 1 || iid > len(p.issues) {
		return nil
	}
	return p.issues[iid-1]
}

func (p *project) openIssues() int {
	n := 0
	for _, i := range p.issues {
		if i.state == opened {
			n++
		}
	}
	return n
}

// closeIssue closes an open issue; it does nothing to others.
func (s *Server) closeIssue(p *project, i *issue, who *user) {
	if i.state == opened {
		i.state, i.closedBy, i.closedAt = closed, who, s.cfg.Now()
		i.updatedAt = i.closedAt
		s.voice(p, who).fireIssue(i, "close", nil)
	}
}

// reopenIssue opens a closed issue again; it does nothing to others.
func (s *Server) reopenIssue(p *project, i *issue, who *user) {
	if i.state == closed {
		i.state, i.closedBy, i.closedAt, i.updatedAt = opened, nil, time.Time{}, s.cfg.Now()
		s.voice(p, who).fireIssue(i, "reopen", nil)
	}
}

// checkIssueTexts refuses a title or a description that GitLab would not store.
func checkIssueTexts(title, description string) error {
	return checkTexts(&mergeRequest{title: title, description: description})
}

// visibleTo says whether the caller may see the issue: confidential ones are for
// their author, their assignees and members from Reporter on.
func (i *issue) visibleTo(c *call) bool {
	if !i.confidential || c.access >= Reporter {
		return true
	}
	for _, u := range append([]*user{i.author}, i.assignees...) {
		if c.who != nil && c.who.user == u {
			return true
		}
	}
	return false
}

// closing matches what makes a merge close issues of its own project; GitLab
// knows more forms, among them those that name other projects.
var closing = regexp.MustCompile(`(?i)\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?):?\s+((?:(?:issues? +)?(?:[\w./-]*#\d+)(?:(?: *,? +and +| *,? *)?))+)`)

var issueNumber = regexp.MustCompile(`([\w./-]*)#(\d+)`)

// closes returns the issues of p that merging mr closes.
func (p *project) closes(mr *mergeRequest) []*issue {
	if mr.target != p.defaultBranch {
		return nil
	}
	var found []*issue
	for _, m := range closing.FindAllStringSubmatch(mr.description, -1) {
		for _, ref := range issueNumber.FindAllStringSubmatch(m[1], -1) {
			if ref[1] != "" && !strings.EqualFold(ref[1], p.path) && !strings.EqualFold(ref[1], p.name()) {
				continue
			}
			iid, err := strconv.Atoi(ref[2])
			if err != nil {
				continue // a number that no issue has
			}
			if i := p.issue(iid); i != nil {
				found = append(found, i)
			}
		}
	}
	return found
}

// pathIssue returns the issue that the path names.
func (c *call) pathIssue() (*issue, error) {
	iid, err := (params{"iid": c.request.PathValue("iid")}).number("iid", 0)
	if err != nil {
		return nil, err
	}
	if i := c.project.issue(iid); i != nil && !c.project.settings.IssuesDisabled && i.visibleTo(c) {
		return i, nil
	}
	return nil, fail(http.StatusNotFound, "404 Issue Not Found")
}

type issueJSON struct {
	ID                   int               `json:"id"`
	IID                  int               `json:"iid"`
	ProjectID            int               `json:"project_id"`
	Title                string            `json:"title"`
	Description          string            `json:"description"`
	State                string            `json:"state"`
	CreatedAt            stamp             `json:"created_at"`
	UpdatedAt            stamp             `json:"updated_at"`
	ClosedAt             stamp             `json:"closed_at"`
	ClosedBy             *userJSON         `json:"closed_by"`
	Labels               []string          `json:"labels"`
	Milestone            *struct{}         `json:"milestone"`
	Assignees            []*userJSON       `json:"assignees"`
	Assignee             *userJSON         `json:"assignee"`
	Author               *userJSON         `json:"author"`
	Type                 string            `json:"type"`
	IssueType            string            `json:"issue_type"`
	UserNotesCount       int               `json:"user_notes_count"`
	MergeRequestsCount   int               `json:"merge_requests_count"`
	Upvotes              int               `json:"upvotes"`
	Downvotes            int               `json:"downvotes"`
	DueDate              *string           `json:"due_date"`
	Confidential         bool              `json:"confidential"`
	DiscussionLocked     *bool             `json:"discussion_locked"`
	WebURL               string            `json:"web_url"`
	TimeStats            timeJSON          `json:"time_stats"`
	TaskCompletionStatus tasksJSON         `json:"task_completion_status"`
	HasTasks             bool              `json:"has_tasks"`
	TaskStatus           string            `json:"task_status"`
	Links                map[string]string `json:"_links"`
	References           referencesJSON    `json:"references"`
	Severity             string            `json:"severity"`
}

func (c *call) issueJSON(i *issue) issueJSON {
	all, done := tasks(i.description)
	short := "#" + strconv.Itoa(i.iid)
	self := fmt.Sprintf("%s%s/projects/%d", c.base, apiPrefix, c.project.id)
	out := issueJSON{
		ID: i.id, IID: i.iid, ProjectID: c.project.id, Title: i.title, Description: i.description, State: i.state,
		CreatedAt: stamp(i.createdAt), UpdatedAt: stamp(i.updatedAt), ClosedAt: stamp(i.closedAt), ClosedBy: c.userJSON(i.closedBy),
		Labels: append([]string{}, i.labels...), Assignees: c.usersJSON(i.assignees), Author: c.userJSON(i.author),
		Type: "ISSUE", IssueType: "issue", UserNotesCount: i.userNotes(), Confidential: i.confidential,
		WebURL:               c.projectURL() + "/-/issues/" + strconv.Itoa(i.iid),
		TaskCompletionStatus: tasksJSON{all, done}, HasTasks: all > 0,
		Links:      map[string]string{"self": fmt.Sprintf("%s/issues/%d", self, i.iid), "notes": fmt.Sprintf("%s/issues/%d/notes", self, i.iid), "project": self},
		References: referencesJSON{short, short, c.project.path + short}, Severity: "UNKNOWN",
	}
	if all > 0 {
		out.TaskStatus = fmt.Sprintf("%d of %d checklist items completed", done, all)
	}
	if len(out.Assignees) > 0 {
		out.Assignee = out.Assignees[0]
	}
	if i.locked {
		out.DiscussionLocked = &i.locked
	}
	return out
}
