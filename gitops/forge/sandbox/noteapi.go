package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *call) listNotes(context.Context) (*reply, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, err
	}
	direction, err := c.params.choice("sort", "desc", "asc")
	if err != nil {
		return nil, err
	}
	order, err := c.params.choice("order_by", "created_at", "updated_at")
	if err != nil {
		return nil, err
	}
	activity, err := c.params.choice("activity_filter", "all_notes", "only_comments", "only_activity")
	if err != nil {
		return nil, err
	}
	notes := slices.DeleteFunc(slices.Clone(t.notes), func(n *note) bool {
		return activity == "only_comments" && n.system || activity == "only_activity" && !n.system
	})
	if order == "updated_at" {
		slices.SortStableFunc(notes, func(a, b *note) int { return a.updatedAt.Compare(b.updatedAt) })
	}
	if direction == "desc" {
		slices.Reverse(notes)
	}
	var all []noteJSON
	for _, n := range notes {
		all = append(all, c.noteJSON(t, n))
	}
	return paged(c, all)
}

func (c *call) createNote(ctx context.Context) (*reply, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, err
	}
	body, err := c.noteBody(t)
	if err != nil {
		return nil, err
	}
	n := c.server.addNote(t, c.who.user, body, false)
	c.fireNote(ctx, t, n, "create")
	return created(c.noteJSON(t, n)), nil
}

// longestNote is GitLab's limit for the text of a note.
const longestNote = 1_000_000

// noteBody returns the text of a note that the caller may write.
func (c *call) noteBody(t *thread) (string, error) {
	if err := c.params.require("body"); err != nil {
		return "", err
	}
	body, _ := c.params.text("body")
	switch {
	case c.threadLocked(t) && c.access < Reporter:
		return "", errForbidden
	case strings.TrimSpace(body) == "":
		return "", fail(http.StatusBadRequest, map[string][]string{"note": {"can't be blank"}})
	case utf8.RuneCountInString(body) > longestNote:
		return "", fail(http.StatusBadRequest, map[string][]string{"note": {fmt.Sprintf("is too long (maximum is %d characters)", longestNote)}})
	}
	return body, nil
}

// pathThread returns the merge request or the issue that the path names.
func (c *call) pathThread() (*thread, error) {
	if strings.Contains(c.request.Pattern, "/issues/") {
		i, err := c.pathIssue()
		if err != nil {
			return nil, err
		}
		return &i.thread, nil
	}
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	return &mr.thread, nil
}

// threadLocked says whether only members may write notes.
func (c *call) threadLocked(t *thread) bool {
	if t.kind == kindIssue {
		return c.project.issues[t.iid-1].locked
	}
	return c.project.mergeRequests[t.iid-1].locked
}

// pathNote returns the note that the path names.
func (c *call) pathNote() (*thread, *note, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range t.notes {
		if fmt.Sprint(n.id) == c.request.PathValue("note") {
			return t, n, nil
		}
	}
	return nil, nil, fail(http.StatusNotFound, "404 Note Not Found")
}

func (c *call) getNote(context.Context) (*reply, error) {
	t, n, err := c.pathNote()
	if err != nil {
		return nil, err
	}
	return ok(c.noteJSON(t, n)), nil
}

func (c *call) updateNote(ctx context.Context) (*reply, error) {
	t, n, err := c.pathNote()
	if err != nil {
		return nil, err
	}
	if err := c.mayEdit(n); err != nil {
		return nil, err
	}
	if n.body, err = c.noteBody(t); err != nil {
		return nil, err
	}
	n.updatedAt = c.server.cfg.Now()
	c.fireNote(ctx, t, n, "update")
	return ok(c.noteJSON(t, n)), nil
}

// mayEdit refuses those who neither wrote the note nor maintain the project.
func (c *call) mayEdit(n *note) error {
	if n.system || n.author != c.who.user && c.access < Maintainer {
		return errForbidden
	}
	return nil
}

func (c *call) deleteNote(context.Context) (*reply, error) {
	t, n, err := c.pathNote()
	if err != nil {
		return nil, err
	}
	if err := c.mayEdit(n); err != nil {
		return nil, err
	}
	t.notes = slices.DeleteFunc(t.notes, func(other *note) bool { return other == n })
	return &reply{status: http.StatusNoContent}, nil
}
