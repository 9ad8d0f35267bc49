package sandbox

import (
	"context"
	"fmt"
	"strconv"
)

func (c *call) issueAttributes(i *issue) map[string]any {
	return map[string]any{
		"title": i.title, "description": i.description, "labels": c.eventLabels(i.labels), "assignees": eventUsers(i.assignees),
		"confidential": i.confidential, "discussion_locked": i.locked,
	}
}

// eventIssue is the object of issue events and the noteable of note events.
func (c *call) eventIssue(i *issue) map[string]any {
	return map[string]any{
		"id": i.id, "iid": i.iid, "title": i.title, "description": i.description, "state": i.state, "state_id": stateID(i.state),
		"created_at": eventTime(i.createdAt), "updated_at": eventTime(i.updatedAt), "closed_at": eventTime(i.closedAt),
		"last_edited_at": nil, "last_edited_by_id": nil, "updated_by_id": nil, "project_id": c.project.id, "author_id": i.author.id,
		"assignee_id": firstID(i.assignees), "assignee_ids": userIDs(i.assignees), "confidential": i.confidential,
		"discussion_locked": i.locked, "due_date": nil, "milestone_id": nil, "moved_to_id": nil, "duplicated_to_id": nil,
		"relative_position": 0, "severity": "unknown", "type": "Issue", "labels": c.eventLabels(i.labels),
		"url":           c.projectURL() + "/-/issues/" + strconv.Itoa(i.iid),
		"time_estimate": 0, "time_change": 0, "total_time_spent": 0,
		"human_time_estimate": nil, "human_time_change": nil, "human_total_time_spent": nil, "weight": nil,
	}
}

// fireIssue sends an event about an issue.
func (c *call) fireIssue(i *issue, action string, changes map[string]any) {
	kind, name := issueEvents, "Issue Hook"
	if i.confidential {
		kind, name = confidentialIssueEvents, "Confidential Issue Hook"
	}
	if !c.server.heard(c.project, kind, "") {
		return
	}
	object := c.eventIssue(i)
	object["action"] = action
	if changes == nil {
		changes = map[string]any{}
	}
	payload := map[string]any{
		"object_kind": "issue", "event_type": "issue", "user": eventUser(c.who.user), "project": c.eventProject(),
		"repository": c.eventRepository(), "object_attributes": object, "labels": object["labels"], "changes": changes,
	}
	if len(i.assignees) > 0 {
		payload["assignees"], payload["assignee"] = eventUsers(i.assignees), eventUser(i.assignees[0])
	}
	c.fire(kind, "", name, payload)
}

// fireNote sends an event about a note that somebody wrote or changed.
func (c *call) fireNote(ctx context.Context, t *thread, n *note, action string) {
	kind, name := noteEvents, "Note Hook"
	confidential := t.kind == kindIssue && c.project.issues[t.iid-1].confidential
	if confidential {
		kind, name = confidentialNoteEvents, "Confidential Note Hook"
	}
	if !c.server.heard(c.project, kind, "") {
		return
	}
	payload := map[string]any{
		"object_kind": "note", "event_type": "note", "user": eventUser(c.who.user), "project_id": c.project.id,
		"project": c.eventProject(), "repository": c.eventRepository(),
	}
	if confidential {
		payload["event_type"] = "confidential_note"
	}
	address := ""
	if t.kind == kindIssue {
		object := c.eventIssue(c.project.issues[t.iid-1])
		payload["issue"], address = object, object["url"].(string)
	} else {
		object := c.eventMergeRequest(ctx, c.project.mergeRequests[t.iid-1])
		payload["merge_request"], address = object, object["url"].(string)
	}
	note := map[string]any{
		"id": n.id, "note": n.body, "description": n.body, "noteable_type": t.kind, "noteable_id": t.id, "author_id": n.author.id,
		"created_at": eventTime(n.createdAt), "updated_at": eventTime(n.updatedAt), "project_id": c.project.id, "system": n.system,
		"internal": false, "discussion_id": n.discussion, "action": action, "url": fmt.Sprintf("%s#note_%d", address, n.id),
		"attachment": nil, "line_code": nil, "commit_id": nil, "st_diff": nil, "position": nil, "original_position": nil, "change_position": nil,
		"type": nil, "resolved_at": eventTime(n.resolvedAt), "resolved_by_id": idOrNull(n.resolvedBy), "updated_by_id": nil,
	}
	if n.threaded {
		note["type"] = "DiscussionNote"
	}
	payload["object_attributes"] = note
	c.fire(kind, "", name, payload)
}
