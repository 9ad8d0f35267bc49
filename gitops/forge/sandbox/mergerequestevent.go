package sandbox

import (
	"context"
	"reflect"
	"strconv"
)

// stateID is the number of a state in payloads.
func stateID(state string) int {
	switch state {
	case closed:
		return 2
	case merged:
		return 3
	}
	return 1
}

// eventMergeRequest is the object of merge request events and the noteable of
// note events.
func (c *call) eventMergeRequest(ctx context.Context, mr *mergeRequest) map[string]any {
	project, status := c.eventProject(), c.server.mergeStatus(c.project, mr)
	return map[string]any{
		"id": mr.id, "iid": mr.iid, "title": mr.title, "description": mr.description, "state": mr.state, "state_id": stateID(mr.state),
		"created_at": eventTime(mr.createdAt), "updated_at": eventTime(mr.updatedAt), "prepared_at": eventTime(mr.createdAt),
		"last_edited_at": nil, "last_edited_by_id": nil, "updated_by_id": nil,
		"author_id": mr.author.id, "assignee_id": firstID(mr.assignees), "assignee_ids": userIDs(mr.assignees), "reviewer_ids": userIDs(mr.reviewers),
		"source_branch": mr.source, "target_branch": mr.target, "source_project_id": c.project.id, "target_project_id": c.project.id,
		"source": project, "target": project, "last_commit": c.lastCommit(ctx, mr.sha),
		"merge_status": legacyStatus(status, mr.check.conflict), "detailed_merge_status": status,
		"merge_commit_sha": orNull(mr.mergeCommit), "merge_error": orNull(mr.mergeError), "merge_user_id": idOrNull(mr.mergedBy),
		"merge_params":                 map[string]any{"force_remove_source_branch": strconv.FormatBool(mr.removeSource)},
		"merge_when_pipeline_succeeds": false, "head_pipeline_id": nil, "milestone_id": nil, "first_contribution": false,
		"draft": mr.draft(), "work_in_progress": mr.draft(), "blocking_discussions_resolved": !mr.unresolved(),
		"labels": c.eventLabels(mr.labels), "url": c.projectURL() + "/-/merge_requests/" + strconv.Itoa(mr.iid),
		"time_estimate": 0, "time_change": 0, "total_time_spent": 0,
		"human_time_estimate": nil, "human_time_change": nil, "human_total_time_spent": nil,
	}
}

// fireMergeRequest sends an event about a merge request: action is GitLab's
// word, changes what became of which attribute, oldHead the former head where
// there are new commits.
func (c *call) fireMergeRequest(ctx context.Context, mr *mergeRequest, action string, changes map[string]any, oldHead string) {
	if !c.server.heard(c.project, mergeRequestEvents, "") {
		return
	}
	object := c.eventMergeRequest(ctx, mr)
	object["action"] = action
	if oldHead != "" {
		object["oldrev"] = oldHead
	}
	if changes == nil {
		changes = map[string]any{}
	}
	payload := map[string]any{
		"object_kind": "merge_request", "event_type": "merge_request", "user": eventUser(c.who.user), "project": c.eventProject(),
		"repository": c.eventRepository(), "object_attributes": object, "labels": object["labels"], "changes": changes,
	}
	if len(mr.assignees) > 0 {
		payload["assignees"] = eventUsers(mr.assignees)
	}
	if len(mr.reviewers) > 0 {
		payload["reviewers"] = eventUsers(mr.reviewers)
	}
	c.fire(mergeRequestEvents, "", "Merge Request Hook", payload)
}

// changesOf tells what differs, in the shape of payloads.
func changesOf(before, after map[string]any) map[string]any {
	out := map[string]any{}
	for name, was := range before {
		if is := after[name]; !reflect.DeepEqual(was, is) {
			out[name] = map[string]any{"previous": was, "current": is}
		}
	}
	return out
}

// attributes are what updates of a merge request change.
func (c *call) attributes(mr *mergeRequest) map[string]any {
	return map[string]any{
		"title": mr.title, "description": mr.description, "target_branch": mr.target, "labels": c.eventLabels(mr.labels),
		"assignees": eventUsers(mr.assignees), "reviewers": eventUsers(mr.reviewers), "draft": mr.draft(), "discussion_locked": mr.locked,
	}
}
