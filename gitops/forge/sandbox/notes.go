package sandbox

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"
)

// note is one message on a merge request; system notes tell what happened.
type note struct {
	id        int
	body      string
	author    *user
	system    bool
	createdAt time.Time
	updatedAt time.Time
}

func (s *Server) addNote(mr *mergeRequest, author *user, body string, system bool) *note {
	now := s.cfg.Now()
	n := &note{id: s.nextID(), body: body, author: author, system: system, createdAt: now, updatedAt: now}
	mr.notes = append(mr.notes, n)
	if !system {
		mr.updatedAt = now
	}
	return n
}

// noteCommits tells in a system note which commits a push brought.
func (s *Server) noteCommits(ctx context.Context, p *project, mr *mergeRequest, head string, who *user) error {
	commits, err := log(ctx, p.git(), "", "--max-count=100", head, "^"+mr.sha)
	if err != nil {
		return err
	}
	noun := "commits"
	if len(commits) == 1 {
		noun = "commit"
	}
	var items strings.Builder
	for _, commit := range slices.Backward(commits) {
		fmt.Fprintf(&items, "<li>%s - %s</li>", commit.ShortID, html.EscapeString(commit.Title))
	}
	s.addNote(mr, who, fmt.Sprintf("added %d %s\n\n<ul>%s</ul>", len(commits), noun, items.String()), true)
	return nil
}

// noteEdits tells in system notes how mr is about to become draft.
func (c *call) noteEdits(mr, draft *mergeRequest) {
	tell := func(body string) { c.server.addNote(mr, c.who.user, body, true) }
	if mr.title != draft.title {
		tell(fmt.Sprintf("changed title from **%s** to **%s**", mr.title, draft.title))
	}
	if mr.description != draft.description {
		tell("changed the description")
	}
	if mr.target != draft.target {
		tell(fmt.Sprintf("changed target branch from `%s` to `%s`", mr.target, draft.target))
	}
}

type noteJSON struct {
	ID              int            `json:"id"`
	Type            *string        `json:"type"`
	Body            string         `json:"body"`
	Attachment      *string        `json:"attachment"`
	Author          *userJSON      `json:"author"`
	CreatedAt       stamp          `json:"created_at"`
	UpdatedAt       stamp          `json:"updated_at"`
	System          bool           `json:"system"`
	NoteableID      int            `json:"noteable_id"`
	NoteableType    string         `json:"noteable_type"`
	ProjectID       int            `json:"project_id"`
	NoteableIID     int            `json:"noteable_iid"`
	Resolvable      bool           `json:"resolvable"`
	Confidential    bool           `json:"confidential"`
	Internal        bool           `json:"internal"`
	CommandsChanges map[string]any `json:"commands_changes"`
}

func (c *call) noteJSON(mr *mergeRequest, n *note) noteJSON {
	return noteJSON{
		ID: n.id, Body: n.body, Author: c.userJSON(n.author), System: n.system,
		CreatedAt: stamp(n.createdAt), UpdatedAt: stamp(n.updatedAt),
		NoteableID: mr.id, NoteableIID: mr.iid, NoteableType: "MergeRequest", ProjectID: c.project.id,
		CommandsChanges: map[string]any{},
	}
}

func (c *call) listNotes(context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
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
	notes := slices.DeleteFunc(slices.Clone(mr.notes), func(n *note) bool {
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
		all = append(all, c.noteJSON(mr, n))
	}
	return paged(c, all)
}

func (c *call) createNote(context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	if err := c.params.require("body"); err != nil {
		return nil, err
	}
	body, _ := c.params.text("body")
	return created(c.noteJSON(mr, c.server.addNote(mr, c.who.user, body, false))), nil
}

// pathNote returns the note that the path names.
func (c *call) pathNote() (*mergeRequest, *note, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range mr.notes {
		if fmt.Sprint(n.id) == c.request.PathValue("note") {
			return mr, n, nil
		}
	}
	return nil, nil, fail(http.StatusNotFound, "404 Note Not Found")
}

func (c *call) getNote(context.Context) (*reply, error) {
	mr, n, err := c.pathNote()
	if err != nil {
		return nil, err
	}
	return ok(c.noteJSON(mr, n)), nil
}

func (c *call) updateNote(context.Context) (*reply, error) {
	mr, n, err := c.pathNote()
	if err != nil {
		return nil, err
	}
	if n.system || n.author != c.who.user && c.access < Maintainer {
		return nil, errForbidden
	}
	if err := c.params.require("body"); err != nil {
		return nil, err
	}
	n.body, _ = c.params.text("body")
	n.updatedAt = c.server.cfg.Now()
	return ok(c.noteJSON(mr, n)), nil
}
