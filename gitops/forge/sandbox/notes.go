package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"
)

// thread is what merge requests and issues have in common: people write notes
// on them. The mutex of their project guards it.
type thread struct {
	kind      string // MergeRequest or Issue
	id, iid   int
	author    *user
	createdAt time.Time
	updatedAt time.Time
	notes     []*note // oldest first
}

// note is one message on a merge request or an issue; system notes tell what
// happened. Every note belongs to a discussion, most are alone in theirs.
type note struct {
	id         int
	body       string
	author     *user
	system     bool
	discussion string // 40 hexadecimal digits
	threaded   bool   // the discussion was begun or continued as such
	resolvedBy *user  // set on all notes of a discussion at once
	resolvedAt time.Time
	createdAt  time.Time
	updatedAt  time.Time
}

// addNote adds a note in a discussion of its own.
func (s *Server) addNote(t *thread, author *user, body string, system bool) *note {
	now, id := s.cfg.Now(), s.nextID()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d note %d", t.kind, t.id, id))
	n := &note{
		id: id, body: body, author: author, system: system, discussion: hex.EncodeToString(sum[:20]),
		createdAt: now, updatedAt: now,
	}
	t.notes = append(t.notes, n)
	if !system {
		t.updatedAt = now
	}
	return n
}

// reply adds a note to the discussion of another one, which becomes a thread
// with that if it was none.
func (s *Server) reply(t *thread, to *note, author *user, body string) *note {
	n := s.addNote(t, author, body, false)
	n.discussion = to.discussion
	for _, other := range t.discussion(to.discussion) {
		other.threaded = true
	}
	return n
}

// discussion returns the notes of a discussion, oldest first.
func (t *thread) discussion(id string) []*note {
	var notes []*note
	for _, n := range t.notes {
		if n.discussion == id {
			notes = append(notes, n)
		}
	}
	return notes
}

// unresolved says whether a discussion waits to be resolved.
func (t *thread) unresolved() bool {
	return slices.ContainsFunc(t.notes, func(n *note) bool { return t.resolvable(n) && n.resolvedBy == nil })
}

func (t *thread) resolvable(n *note) bool { return n.threaded && t.kind == kindMergeRequest }

// userNotes counts the notes that people and bots wrote.
func (t *thread) userNotes() int {
	count := 0
	for _, n := range t.notes {
		if !n.system {
			count++
		}
	}
	return count
}

// The kinds of threads, in GitLab's words.
const (
	kindMergeRequest = "MergeRequest"
	kindIssue        = "Issue"
)

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
	s.addNote(&mr.thread, who, fmt.Sprintf("added %d %s\n\n<ul>%s</ul>", len(commits), noun, items.String()), true)
	return nil
}

// noteEdits tells in system notes how mr is about to become draft.
func (c *call) noteEdits(mr, draft *mergeRequest) {
	tell := func(body string) { c.server.addNote(&mr.thread, c.who.user, body, true) }
	switch was, is := mr.draft(), draft.draft(); {
	case was != is && undraft(mr.title) == undraft(draft.title):
		tell("marked this merge request as **" + map[bool]string{true: "draft", false: "ready"}[is] + "**")
	case mr.title != draft.title:
		tell(fmt.Sprintf("changed title from **%s** to **%s**", mr.title, draft.title))
	}
	if mr.description != draft.description {
		tell("changed the description")
	}
	if mr.target != draft.target {
		tell(fmt.Sprintf("changed target branch from `%s` to `%s`", mr.target, draft.target))
	}
}

// notePeople tells in a system note who came and who went. What a merge request
// is opened with is no news.
func (c *call) notePeople(mr *mergeRequest, before, after []*user, came, went string) {
	if mr.id == 0 {
		return
	}
	missing := func(from, in []*user) (names []string) {
		for _, u := range from {
			if !slices.Contains(in, u) {
				names = append(names, "@"+u.username)
			}
		}
		return names
	}
	var parts []string
	if names := missing(after, before); len(names) > 0 {
		parts = append(parts, came+strings.Join(names, " and "))
	}
	if names := missing(before, after); len(names) > 0 {
		parts = append(parts, went+strings.Join(names, " and "))
	}
	if len(parts) > 0 {
		c.server.addNote(&mr.thread, c.who.user, strings.Join(parts, " and "), true)
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
	Resolved        *bool          `json:"resolved,omitempty"` // of what is resolvable
	ResolvedBy      *userJSON      `json:"resolved_by,omitempty"`
	ResolvedAt      *stamp         `json:"resolved_at,omitempty"`
	Confidential    bool           `json:"confidential"`
	Internal        bool           `json:"internal"`
	CommandsChanges map[string]any `json:"commands_changes"`
}

func (c *call) noteJSON(t *thread, n *note) noteJSON {
	out := noteJSON{
		ID: n.id, Body: n.body, Author: c.userJSON(n.author), System: n.system,
		CreatedAt: stamp(n.createdAt), UpdatedAt: stamp(n.updatedAt),
		NoteableID: t.id, NoteableIID: t.iid, NoteableType: t.kind, ProjectID: c.project.id,
		Resolvable: t.resolvable(n), CommandsChanges: map[string]any{},
	}
	if n.threaded {
		out.Type = orNull("DiscussionNote")
	}
	if out.Resolvable {
		resolved := n.resolvedBy != nil
		out.Resolved, out.ResolvedBy = &resolved, c.userJSON(n.resolvedBy)
		if resolved {
			at := stamp(n.resolvedAt)
			out.ResolvedAt = &at
		}
	}
	return out
}
