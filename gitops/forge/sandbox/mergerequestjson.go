package sandbox

import (
	"context"
	"strconv"
	"strings"
)

type referencesJSON struct {
	Short    string `json:"short"`
	Relative string `json:"relative"`
	Full     string `json:"full"`
}

type tasksJSON struct {
	Count     int `json:"count"`
	Completed int `json:"completed_count"`
}

type timeJSON struct {
	TimeEstimate        int     `json:"time_estimate"`
	TotalTimeSpent      int     `json:"total_time_spent"`
	HumanTimeEstimate   *string `json:"human_time_estimate"`
	HumanTotalTimeSpent *string `json:"human_total_time_spent"`
}

// mergeRequestJSON is a merge request as lists show it.
type mergeRequestJSON struct {
	ID                          int            `json:"id"`
	IID                         int            `json:"iid"`
	ProjectID                   int            `json:"project_id"`
	Title                       string         `json:"title"`
	Description                 string         `json:"description"`
	State                       string         `json:"state"`
	CreatedAt                   stamp          `json:"created_at"`
	UpdatedAt                   stamp          `json:"updated_at"`
	MergedBy                    *userJSON      `json:"merged_by"`
	MergeUser                   *userJSON      `json:"merge_user"`
	MergedAt                    stamp          `json:"merged_at"`
	ClosedBy                    *userJSON      `json:"closed_by"`
	ClosedAt                    stamp          `json:"closed_at"`
	TargetBranch                string         `json:"target_branch"`
	SourceBranch                string         `json:"source_branch"`
	UserNotesCount              int            `json:"user_notes_count"`
	Upvotes                     int            `json:"upvotes"`
	Downvotes                   int            `json:"downvotes"`
	Author                      *userJSON      `json:"author"`
	Assignees                   []*userJSON    `json:"assignees"`
	Assignee                    *userJSON      `json:"assignee"`
	Reviewers                   []*userJSON    `json:"reviewers"`
	SourceProjectID             int            `json:"source_project_id"`
	TargetProjectID             int            `json:"target_project_id"`
	Labels                      any            `json:"labels"`
	Draft                       bool           `json:"draft"`
	WorkInProgress              bool           `json:"work_in_progress"`
	Milestone                   *milestoneJSON `json:"milestone"`
	MergeWhenPipelineSucceeds   bool           `json:"merge_when_pipeline_succeeds"`
	MergeStatus                 string         `json:"merge_status"`
	DetailedMergeStatus         string         `json:"detailed_merge_status"`
	MergeAfter                  *string        `json:"merge_after"`
	SHA                         string         `json:"sha"`
	MergeCommitSHA              *string        `json:"merge_commit_sha"`
	SquashCommitSHA             *string        `json:"squash_commit_sha"`
	DiscussionLocked            *bool          `json:"discussion_locked"`
	ShouldRemoveSourceBranch    *bool          `json:"should_remove_source_branch"`
	ForceRemoveSourceBranch     bool           `json:"force_remove_source_branch"`
	PreparedAt                  stamp          `json:"prepared_at"`
	Reference                   string         `json:"reference"`
	References                  referencesJSON `json:"references"`
	WebURL                      string         `json:"web_url"`
	TimeStats                   timeJSON       `json:"time_stats"`
	Squash                      bool           `json:"squash"`
	SquashOnMerge               bool           `json:"squash_on_merge"`
	TaskCompletionStatus        tasksJSON      `json:"task_completion_status"`
	HasConflicts                bool           `json:"has_conflicts"`
	BlockingDiscussionsResolved bool           `json:"blocking_discussions_resolved"`
	ApprovalsBeforeMerge        *int           `json:"approvals_before_merge"`
}

// singleJSON is a merge request as its own address shows it.
type singleJSON struct {
	mergeRequestJSON
	Subscribed        bool              `json:"subscribed"`
	ChangesCount      *string           `json:"changes_count"`
	User              map[string]bool   `json:"user"`
	DiffRefs          map[string]string `json:"diff_refs"`
	MergeError        *string           `json:"merge_error"`
	FirstContribution bool              `json:"first_contribution"`
	Pipeline          *struct{}         `json:"pipeline"`
	HeadPipeline      *struct{}         `json:"head_pipeline"`
	RebaseInProgress  *bool             `json:"rebase_in_progress,omitempty"`
	DivergedCommits   *int              `json:"diverged_commits_count,omitempty"`
}

// legacyStatus is the deprecated merge_status that goes with a detailed one.
func legacyStatus(detailed string, conflict bool) string {
	switch {
	case detailed == "checking" || detailed == "unchecked":
		return detailed
	case conflict || detailed == "commits_status":
		return "cannot_be_merged"
	}
	return "can_be_merged"
}

func (c *call) mergeRequestJSON(mr *mergeRequest) mergeRequestJSON {
	p := c.project
	status := c.server.mergeStatus(p, mr)
	all, done := tasks(mr.description)
	short := "!" + strconv.Itoa(mr.iid)
	squash := p.settings.SquashOption == "always" || mr.squash && p.settings.SquashOption != "never"
	out := mergeRequestJSON{
		ID: mr.id, IID: mr.iid, ProjectID: p.id, SourceProjectID: p.id, TargetProjectID: p.id,
		Title: mr.title, Description: mr.description, State: mr.state,
		CreatedAt: stamp(mr.createdAt), UpdatedAt: stamp(mr.updatedAt), PreparedAt: stamp(mr.createdAt),
		MergedBy: c.userJSON(mr.mergedBy), MergeUser: c.userJSON(mr.mergedBy), MergedAt: stamp(mr.mergedAt),
		ClosedBy: c.userJSON(mr.closedBy), ClosedAt: stamp(mr.closedAt),
		TargetBranch: mr.target, SourceBranch: mr.source, UserNotesCount: mr.userNotes(),
		Author: c.userJSON(mr.author), Assignees: c.usersJSON(mr.assignees), Reviewers: c.usersJSON(mr.reviewers),
		Labels: append([]string{}, mr.labels...), Draft: mr.draft(), WorkInProgress: mr.draft(),
		DetailedMergeStatus: status, MergeStatus: legacyStatus(status, mr.check.conflict),
		SHA: mr.sha, MergeCommitSHA: orNull(mr.mergeCommit), SquashCommitSHA: orNull(mr.squashCommit),
		ForceRemoveSourceBranch: mr.removeSource,
		Reference:               short, References: referencesJSON{short, short, p.path + short},
		WebURL: c.projectURL() + "/-/merge_requests/" + strconv.Itoa(mr.iid),
		Squash: mr.squash, SquashOnMerge: squash, TaskCompletionStatus: tasksJSON{all, done},
		HasConflicts: mr.check.conflict && mr.pending == 0, BlockingDiscussionsResolved: !mr.unresolved(),
	}
	if len(out.Assignees) > 0 {
		out.Assignee = out.Assignees[0]
	}
	out.Milestone = c.project.milestoneNamed(mr.milestone)
	if mr.locked {
		out.DiscussionLocked = &mr.locked
	}
	return out
}

// single describes mr in full.
func (c *call) single(ctx context.Context, mr *mergeRequest) (*singleJSON, error) {
	p := c.project
	if err := c.server.look(ctx, p, mr); err != nil {
		return nil, err
	}
	files, err := mr.diff(ctx, p.git())
	if err != nil {
		return nil, err
	}
	count := strconv.Itoa(len(files))
	out := &singleJSON{
		mergeRequestJSON: c.mergeRequestJSON(mr), Subscribed: c.who != nil && c.who.user == mr.author,
		ChangesCount: &count, MergeError: orNull(mr.mergeError),
		User:     map[string]bool{"can_merge": !c.who.readOnly() && p.canMerge(mr.target, c.access)},
		DiffRefs: map[string]string{"base_sha": mr.check.base, "head_sha": mr.sha, "start_sha": mr.check.target},
	}
	if asked, _, err := c.params.flag("include_rebase_in_progress"); err != nil {
		return nil, err
	} else if asked {
		rebasing := mr.rebase.left > 0
		out.RebaseInProgress = &rebasing
	}
	asked, _, err := c.params.flag("include_diverged_commits_count")
	if err != nil || !asked {
		return out, err
	}
	diverged := 0
	if mr.check.target != "" && mr.state == opened {
		list, err := p.git().settled(ctx, "rev-list", mr.sha+".."+mr.check.target)
		if err != nil {
			return nil, err
		}
		diverged = strings.Count(string(list), "\n")
	}
	out.DivergedCommits = &diverged
	return out, nil
}
