package forge

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const (
	opNotes   = "read the notes of"
	opNote    = "write a note on"
	opResolve = "resolve a discussion of"
)

// discussionJSON is a discussion as GitLab sends it. Every note belongs to one;
// most have a single note.
type discussionJSON struct {
	ID    string     `json:"id"`
	Notes []noteJSON `json:"notes"`
}

func (d *discussionJSON) named() bool { return d.ID != "" }

func (d discussionJSON) notes() []Note {
	var all []Note
	for _, n := range d.Notes {
		all = append(all, n.note(d.ID))
	}
	return all
}

// Notes returns all notes of a merge request, system notes among them, one
// discussion after the other. The list is whole, or an error is returned.
func (c *Client) Notes(ctx context.Context, projectID, iid int64) ([]Note, error) {
	// The discussions: the list of notes does not say which one a note belongs to.
	discussions, err := listed[discussionJSON](ctx, c, opNotes, c.reference(projectID, iid), aRequest(projectID, iid).path("/discussions"), query{})
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

// Reply answers in a discussion of a merge request. key is a part of body that no
// other note of the discussion has, such as a hidden comment: after an answer that
// does not tell whether GitLab acted, a note of the token's user that holds it is
// looked for there, and returned instead of written again. Without a key the
// request is never repeated.
func (c *Client) Reply(ctx context.Context, projectID, iid int64, discussionID, body, key string) (Note, error) {
	name := c.reference(projectID, iid)
	if !strings.Contains(body, key) {
		return Note{}, &Error{Op: opNote, Project: name, Message: "its key is not part of it", err: errNotSent}
	}
	path := discussionPath(projectID, iid, discussionID)
	var written Note
	post := func() error {
		var n noteJSON
		err := c.write(ctx, opNote, name, once, http.MethodPost, path+"/notes", map[string]string{"body": body}, &n)
		written = n.note(discussionID)
		return err
	}
	find := func() (bool, error) {
		me, err := c.me(ctx, projectID)
		if err != nil {
			return false, err
		}
		var d discussionJSON
		if err := c.read(ctx, opNotes, name, path, &d); err != nil {
			return false, err
		}
		for _, n := range d.notes() {
			if !n.System && n.Author.ID == me && strings.Contains(n.Body, key) {
				written = n
				return true, nil
			}
		}
		return false, nil
	}
	if key == "" {
		find = nil
	}
	if err := c.createOnce(ctx, post, find); err != nil {
		return Note{}, err
	}
	return written, nil
}

// Resolve resolves a discussion of a merge request, which takes the role Developer or
// the request's own author. A discussion that is gone, or cannot be resolved, is no error.
func (c *Client) Resolve(ctx context.Context, projectID, iid int64, discussionID string) error {
	err := c.write(ctx, opResolve, c.reference(projectID, iid), again, http.MethodPut, discussionPath(projectID, iid, discussionID), map[string]bool{"resolved": true}, nil)
	var e *Error
	if errors.Is(err, ErrNotFound) || errors.As(err, &e) && e.Status == http.StatusBadRequest {
		return nil
	}
	return err
}

func discussionPath(projectID, iid int64, discussionID string) string {
	return aRequest(projectID, iid).path("/discussions/" + url.PathEscape(discussionID))
}
