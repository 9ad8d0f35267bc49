package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// approval is one user's consent to a merge request.
type approval struct {
	user *user
	at   time.Time
}

func (mr *mergeRequest) approvedBy(u *user) bool {
	return slices.ContainsFunc(mr.approvals, func(a approval) bool { return a.user == u })
}

// approvalsLeft is how many approvals are missing.
func (p *project) approvalsLeft(mr *mergeRequest) int {
	if p.settings.Free {
		return 0
	}
	return max(0, p.settings.RequiredApprovals-len(mr.approvals))
}

// resetApprovals takes the approvals away, as GitLab does after a push.
func (s *Server) resetApprovals(p *project, mr *mergeRequest, who *user) {
	if len(mr.approvals) == 0 || p.settings.KeepApprovals || p.settings.Free {
		return
	}
	var names []string
	for _, a := range mr.approvals {
		names = append(names, "@"+a.user.username)
	}
	mr.approvals = nil
	s.addNote(&mr.thread, who, "reset approvals from "+strings.Join(names, " and ")+" by pushing to the branch", true)
}

type approvalsJSON struct {
	ID                int            `json:"id"`
	IID               int            `json:"iid"`
	ProjectID         int            `json:"project_id"`
	Title             string         `json:"title"`
	Description       string         `json:"description"`
	State             string         `json:"state"`
	CreatedAt         stamp          `json:"created_at"`
	UpdatedAt         stamp          `json:"updated_at"`
	MergeStatus       string         `json:"merge_status"`
	Approved          bool           `json:"approved"`
	ApprovalsRequired int            `json:"approvals_required"`
	ApprovalsLeft     int            `json:"approvals_left"`
	RequirePassword   bool           `json:"require_password_to_approve"`
	ApprovedBy        []approverJSON `json:"approved_by"`
	UserHasApproved   bool           `json:"user_has_approved"`
	UserCanApprove    bool           `json:"user_can_approve"`
}

type approverJSON struct {
	User       *userJSON `json:"user"`
	ApprovedAt stamp     `json:"approved_at"`
}

func (c *call) approvalsJSON(mr *mergeRequest) approvalsJSON {
	left, status := c.project.approvalsLeft(mr), c.server.mergeStatus(c.project, mr)
	out := approvalsJSON{
		ID: mr.id, IID: mr.iid, ProjectID: c.project.id, Title: mr.title, Description: mr.description, State: mr.state,
		CreatedAt: stamp(mr.createdAt), UpdatedAt: stamp(mr.updatedAt), MergeStatus: legacyStatus(status, mr.check.conflict),
		Approved: left == 0 && (len(mr.approvals) > 0 || c.project.settings.RequiredApprovals == 0), ApprovalsLeft: left,
		ApprovedBy: []approverJSON{}, UserCanApprove: c.mayApprove(mr),
	}
	if !c.project.settings.Free {
		out.ApprovalsRequired = c.project.settings.RequiredApprovals
	}
	if c.who != nil {
		out.UserHasApproved = mr.approvedBy(c.who.user)
	}
	for _, a := range mr.approvals {
		out.ApprovedBy = append(out.ApprovedBy, approverJSON{c.userJSON(a.user), stamp(a.at)})
	}
	return out
}

func (c *call) mayApprove(mr *mergeRequest) bool {
	return c.who != nil && !c.who.readOnly() && c.access >= Developer && mr.state == opened && !mr.approvedBy(c.who.user) &&
		(c.who.user != mr.author || c.project.settings.AuthorsApprove)
}

// approvalWord is whole where all needed approvals are given, else one.
func (c *call) approvalWord(mr *mergeRequest, whole, one string) string {
	if c.project.approvalsLeft(mr) == 0 {
		return whole
	}
	return one
}

func (c *call) getApprovals(context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	return ok(c.approvalsJSON(mr)), nil
}

func (c *call) approve(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if sha, _ := c.params.text("sha"); sha != "" && sha != mr.sha {
		return nil, fail(http.StatusConflict, "SHA does not match HEAD of source branch: "+mr.sha)
	}
	if !c.mayApprove(mr) {
		return nil, errUnauthorized
	}
	mr.approvals = append(mr.approvals, approval{c.who.user, c.server.cfg.Now()})
	mr.updatedAt = c.server.cfg.Now()
	c.server.addNote(&mr.thread, c.who.user, "approved this merge request", true)
	c.fireMergeRequest(ctx, mr, c.approvalWord(mr, "approved", "approval"), nil, "")
	return created(c.approvalsJSON(mr)), nil
}

func (c *call) unapprove(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if !mr.approvedBy(c.who.user) {
		return nil, errNotFound
	}
	action := c.approvalWord(mr, "unapproved", "unapproval")
	mr.approvals = slices.DeleteFunc(mr.approvals, func(a approval) bool { return a.user == c.who.user })
	mr.updatedAt = c.server.cfg.Now()
	c.server.addNote(&mr.thread, c.who.user, "unapproved this merge request", true)
	c.fireMergeRequest(ctx, mr, action, nil, "")
	return created(c.approvalsJSON(mr)), nil
}
