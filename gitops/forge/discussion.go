package forge

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// discussionJSON is a discussion as GitLab sends it. Every note belongs to one;
// most have a single note.
type discussionJSON struct {
	ID    string     `json:"id"`
	Notes []noteJSON `json:"notes"`
}

func (d discussionJSON) notes() []Note {
	var all []Note
	for _, n := range d.Notes {
		all = append(all, n.note(d.ID))
	}
	return all
}

// notes reads the discussions: the list of notes does not say which one a note
// belongs to.
func (c *Client) notes(ctx context.Context, on thing) ([]Note, error) {
	discussions, err := listed[discussionJSON](ctx, c, opNotes, c.thing(on), on.path("/discussions"), query{})
	if err != nil {
		return nil, err
	}
	var all []Note
	seen := map[int64]bool{} // a page may shift while it is read
	for _, d := range discussions {
		for _, n := range d.notes() {
			if !seen[n.ID] {
				seen[n.ID] = true
				all = append(all, n)
			}
		}
	}
	return all, nil
}

// Reply answers in a discussion of a merge request. key is as with CreateNote,
// and is looked for in this discussion only.
func (c *Client) Reply(ctx context.Context, projectID, iid int64, discussionID, body, key string) (Note, error) {
	return c.reply(ctx, aRequest(projectID, iid), discussionID, body, key)
}

// Resolve resolves a discussion of a merge request, which takes the role Developer or
// the request's own author. A discussion that is gone, or cannot be resolved, is no error.
func (c *Client) Resolve(ctx context.Context, projectID, iid int64, discussionID string) error {
	on := aRequest(projectID, iid)
	err := c.write(ctx, opResolve, c.thing(on), again, http.MethodPut, on.path("/discussions/"+url.PathEscape(discussionID)), map[string]bool{"resolved": true}, nil)
	var e *Error
	if errors.Is(err, ErrNotFound) || errors.As(err, &e) && e.Status == http.StatusBadRequest {
		return nil
	}
	return err
}

// ReplyToIssue is Reply for an issue.
func (c *Client) ReplyToIssue(ctx context.Context, projectID, iid int64, discussionID, body, key string) (Note, error) {
	return c.reply(ctx, anIssue(projectID, iid), discussionID, body, key)
}

func (c *Client) reply(ctx context.Context, on thing, discussionID, body, key string) (Note, error) {
	path := on.path("/discussions/" + url.PathEscape(discussionID))
	return c.writeNote(ctx, on, path+"/notes", body, key, discussionID, func() ([]Note, error) {
		var d discussionJSON
		if err := c.read(ctx, opNotes, c.thing(on), path, &d); err != nil {
			return nil, err
		}
		return d.notes(), nil
	})
}
