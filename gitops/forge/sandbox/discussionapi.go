package sandbox

import (
	"context"
	"net/http"
)

type discussionJSON struct {
	ID             string     `json:"id"`
	IndividualNote bool       `json:"individual_note"`
	Notes          []noteJSON `json:"notes"`
}

func (c *call) discussionJSON(t *thread, id string) discussionJSON {
	out := discussionJSON{ID: id}
	for _, n := range t.discussion(id) {
		out.Notes = append(out.Notes, c.noteJSON(t, n))
		out.IndividualNote = !n.threaded
	}
	return out
}

func (c *call) listDiscussions(context.Context) (*reply, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, err
	}
	var all []discussionJSON
	seen := map[string]bool{}
	for _, n := range t.notes {
		if !seen[n.discussion] {
			seen[n.discussion] = true
			all = append(all, c.discussionJSON(t, n.discussion))
		}
	}
	return paged(c, all)
}

// pathDiscussion returns the discussion that the path names.
func (c *call) pathDiscussion() (*thread, []*note, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, nil, err
	}
	notes := t.discussion(c.request.PathValue("discussion"))
	if len(notes) == 0 {
		return nil, nil, fail(http.StatusNotFound, "404 Discussion Not Found")
	}
	return t, notes, nil
}

func (c *call) getDiscussion(context.Context) (*reply, error) {
	t, notes, err := c.pathDiscussion()
	if err != nil {
		return nil, err
	}
	return ok(c.discussionJSON(t, notes[0].discussion)), nil
}

func (c *call) createDiscussion(ctx context.Context) (*reply, error) {
	t, err := c.pathThread()
	if err != nil {
		return nil, err
	}
	body, err := c.noteBody(t)
	if err != nil {
		return nil, err
	}
	n := c.server.addNote(t, c.who.user, body, false)
	n.threaded = true
	c.fireNote(ctx, t, n, "create")
	return created(c.discussionJSON(t, n.discussion)), nil
}

func (c *call) replyToDiscussion(ctx context.Context) (*reply, error) {
	t, notes, err := c.pathDiscussion()
	if err != nil {
		return nil, err
	}
	if notes[0].system {
		return nil, fail(http.StatusBadRequest, "400 Bad request - Discussion can not be replied to.")
	}
	body, err := c.noteBody(t)
	if err != nil {
		return nil, err
	}
	n := c.server.reply(t, notes[0], c.who.user, body)
	c.fireNote(ctx, t, n, "create")
	return created(c.noteJSON(t, n)), nil
}

// resolveDiscussion resolves a discussion of a merge request, or opens it again.
func (c *call) resolveDiscussion(context.Context) (*reply, error) {
	t, notes, err := c.pathDiscussion()
	if err != nil {
		return nil, err
	}
	resolved, given, err := c.params.flag("resolved")
	if err != nil {
		return nil, err
	}
	switch {
	case !given:
		return nil, invalid("resolved is missing")
	case !t.resolvable(notes[0]):
		return nil, fail(http.StatusBadRequest, "400 Bad request - Discussion can not be resolved.")
	case c.access < Developer && c.who.user != t.author:
		return nil, errForbidden
	}
	for _, n := range notes {
		n.resolvedBy, n.resolvedAt = nil, c.server.cfg.Now()
		if resolved {
			n.resolvedBy = c.who.user
		}
	}
	if resolved && !t.unresolved() {
		c.server.addNote(t, c.who.user, "resolved all threads", true)
	}
	return ok(c.discussionJSON(t, notes[0].discussion)), nil
}
