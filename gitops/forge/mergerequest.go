package forge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xanzy/go-gitlab"
)

const (
	opList   = "list merge requests"
	opRead   = "read merge request"
	opCreate = "open merge request"
	opUpdate = "update merge request"
	opOwn    = "list the open merge requests of the token's user"
)

// The states of a merge request.
const (
	Opened = "opened"
	Closed = "closed"
	Merged = "merged"
	Locked = "locked" // for moments, while it is merged
)

// MergeRequest is a merge request of GitLab.
type MergeRequest struct {
	ID, IID, ProjectID         int64
	SourceProjectID            int64 // differs from ProjectID for forks, 0 if the fork is gone
	WebURL                     string
	Title, Description         string
	State                      string
	SourceBranch, TargetBranch string
	SHA                        string // head of the source branch
	Author                     User
	Assignees, Reviewers       []User
	Draft                      bool
	Labels                     []string
	Reference                  string // group/project!1
	DetailedMergeStatus        string
	CreatedAt                  time.Time
	UserNotes                  int // how many notes there are, GitLab's own not counted

	// HasConflicts means something only once DetailedMergeStatus is no longer
	// checking, unchecked or preparing.
	HasConflicts bool
}

// MergeRequests lists the merge requests from a branch of the project itself,
// forks excluded, in every state, newest first. The list is whole, or an error
// is returned.
func (c *Client) MergeRequests(ctx context.Context, projectID int64, sourceBranch string) ([]MergeRequest, error) {
	var found []MergeRequest
	seen := map[int64]bool{}
	err := c.pages(ctx, opList, c.name(projectID), func(page gitlab.ListOptions, options []gitlab.RequestOptionFunc) (int, *gitlab.Response, error) {
		list, resp, err := c.api.MergeRequests.ListProjectMergeRequests(int(projectID), &gitlab.ListProjectMergeRequestsOptions{
			ListOptions: page, State: gitlab.Ptr("all"), SourceBranch: &sourceBranch,
			OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("desc"),
		}, options...)
		if err = listAnswered(list, err); err != nil {
			return 0, resp, err
		}
		for _, item := range list {
			mr := c.mergeRequest(item)
			if mr.SourceBranch == sourceBranch && mr.SourceProjectID == projectID && !seen[mr.IID] {
				seen[mr.IID] = true
				found = append(found, mr)
			}
		}
		return len(list), resp, nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b MergeRequest) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.IID, a.IID))
	})
	return found, nil
}

// OpenedByMe lists the open merge requests of the token's user in all projects. The list
// is whole, or an error is returned.
func (c *Client) OpenedByMe(ctx context.Context) ([]MergeRequest, error) {
	var found []MergeRequest
	seen := map[int64]bool{}
	err := c.pages(ctx, opOwn, "", func(page gitlab.ListOptions, options []gitlab.RequestOptionFunc) (int, *gitlab.Response, error) {
		list, resp, err := c.api.MergeRequests.ListMergeRequests(&gitlab.ListMergeRequestsOptions{
			ListOptions: page, State: gitlab.Ptr(Opened), Scope: gitlab.Ptr("created_by_me"),
			OrderBy: gitlab.Ptr("created_at"), Sort: gitlab.Ptr("asc"), // so that what is opened meanwhile moves no page
		}, options...)
		if err = listAnswered(list, err); err != nil {
			return 0, resp, err
		}
		for _, item := range list {
			if mr := c.mergeRequest(item); mr.State == Opened && !seen[mr.ID] {
				seen[mr.ID] = true
				found = append(found, mr)
			}
		}
		return len(list), resp, nil
	})
	return found, err
}

// MergeRequest reads one merge request; its DetailedMergeStatus and SHA are more
// recent than those of a list.
func (c *Client) MergeRequest(ctx context.Context, projectID, iid int64) (MergeRequest, error) {
	var read *gitlab.MergeRequest
	err := c.call(ctx, opRead, c.reference(projectID, iid), again, func(options ...gitlab.RequestOptionFunc) (resp *gitlab.Response, err error) {
		read, resp, err = c.api.MergeRequests.GetMergeRequest(int(projectID), int(iid), nil, options...)
		return resp, answered(read, err)
	})
	if err != nil {
		return MergeRequest{}, err
	}
	return c.mergeRequest(read), nil
}

// answered is the error of a call about one merge request, of an answer that does not say
// about which one, too.
func answered(m *gitlab.MergeRequest, err error) error {
	if err == nil && (m == nil || m.ID <= 0 || m.IID <= 0 || m.ProjectID <= 0) {
		return errNameless
	}
	return err
}

// listAnswered is answered for a list.
func listAnswered(list []*gitlab.MergeRequest, err error) error {
	if err == nil && list == nil { // null
		return errNoList
	}
	for _, m := range list {
		err = answered(m, err)
	}
	return err
}

// reference names a merge request.
func (c *Client) reference(projectID, iid int64) string {
	return fmt.Sprintf("%s!%d", c.name(projectID), iid)
}

// mergeRequest translates go-gitlab's type.
func (c *Client) mergeRequest(m *gitlab.MergeRequest) MergeRequest {
	mr := MergeRequest{
		ID: int64(m.ID), IID: int64(m.IID), ProjectID: int64(m.ProjectID), SourceProjectID: int64(m.SourceProjectID),
		WebURL: m.WebURL, Title: m.Title, Description: m.Description, State: m.State,
		SourceBranch: m.SourceBranch, TargetBranch: m.TargetBranch, SHA: m.SHA,
		UserNotes: m.UserNotesCount, Draft: m.Draft, Labels: slices.Clone([]string(m.Labels)), DetailedMergeStatus: m.DetailedMergeStatus,
		HasConflicts: m.HasConflicts,
		Author:       basicUser(m.Author), Assignees: basicUsers(m.Assignees), Reviewers: basicUsers(m.Reviewers),
		CreatedAt: moment(m.CreatedAt),
	}
	if m.References != nil && m.References.Full != "" {
		mr.Reference = m.References.Full
	} else {
		mr.Reference = c.reference(mr.ProjectID, mr.IID)
	}
	return mr
}

func basicUser(u *gitlab.BasicUser) User {
	if u == nil {
		return User{}
	}
	return User{ID: int64(u.ID), Username: u.Username, Name: u.Name, State: u.State}
}

func basicUsers(list []*gitlab.BasicUser) []User {
	var users []User
	for _, u := range list {
		users = append(users, basicUser(u))
	}
	return users
}

// moment is the zero time where GitLab says null.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
