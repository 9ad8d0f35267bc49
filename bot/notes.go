package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tokenward/gitops/forge"
	"tokenward/templates"
)

// talk reads and answers notes; *forge.Client does.
type talk interface {
	Notes(ctx context.Context, projectID, iid int64) ([]forge.Note, error)
	Reply(ctx context.Context, projectID, iid int64, discussionID, body, key string) (forge.Note, error)
	Resolve(ctx context.Context, projectID, iid int64, discussionID string) error
	AccessLevel(ctx context.Context, projectID, userID int64) (int, error)
}

// conversation is what people asked the bot for in the notes of one request.
type conversation struct {
	p       *proposal
	request forge.MergeRequest // as it was when the notes were read
	answers []*answer
	// settled are the discussions that answers leave nothing to do in, see settled.
	settled map[string]bool
	// refused counts the answers that told an author of missing rights.
	refused map[int64]int
	// brought is the last note by which GitLab told that people brought commits, 0 for none.
	brought int64
}

// answer is what the bot says to one note, once everything is written.
type answer struct {
	note     forge.Note
	commands []Command
	lines    []func() string
	refused  bool
}

func (a *answer) say(line func() string) { a.lines = append(a.lines, line) }

// saying is a line that is known from the start.
func saying(format string, args ...any) func() string {
	s := fmt.Sprintf(format, args...)
	return func() string { return s }
}

// listen reads the notes that came since the last run and follows their commands, as
// far as that needs no writing: it changes what the unit proposes, and keeps the
// answers for afterwards.
func (w *writer) listen(ctx context.Context, s *Scan, r *unitRun) error {
	if w.cfg.Calm.Onboarding {
		return nil
	}
	type said struct {
		c *conversation
		a *answer
	}
	var all []said
	for _, p := range r.proposals {
		c, err := w.hear(ctx, p)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		r.conversations = append(r.conversations, c)
		for _, a := range c.answers {
			all = append(all, said{c, a})
		}
	}
	slices.SortFunc(all, func(x, y said) int { return int(x.a.note.ID - y.a.note.ID) })
	for _, one := range all {
		if err := w.obey(ctx, s, r, one.c, one.a); err != nil {
			return err
		}
	}
	for _, c := range r.conversations {
		c.answers = slices.DeleteFunc(c.answers, func(a *answer) bool { return len(a.lines) == 0 })
		c.p.decision.known.Notes = c.request.UserNotes + len(c.answers)
	}
	return nil
}

// hear reads the notes of the proposal's request, nil if there is nothing to answer or to
// resolve. Which commands are new the answers tell, not the number of notes, which is the
// same again when one was deleted and another written. Where the hidden state has that
// number, the last run came to its end: what it resolved is for people to open again.
func (w *writer) hear(ctx context.Context, p *proposal) (*conversation, error) {
	request := p.decision.request
	if request == nil || request.UserNotes == 0 ||
		request.State != forge.Opened && p.decision.known.ClosedBy == "" && p.decision.open != mustReopen {
		return nil, nil
	}
	notes, err := w.talk.Notes(ctx, p.project.ID, request.IID)
	if err != nil {
		return nil, fmt.Errorf("read the notes of %s: %w", request.Reference, err)
	}
	c := &conversation{p: p, request: *request, refused: map[int64]int{}}
	handled := w.handled(c, notes)
	commanded := false
	for _, n := range notes {
		if n.System || n.Author.ID == w.me(p.project.ID).ID {
			if n.Author.ID != w.me(p.project.ID).ID && bringsCommits.MatchString(n.Body) {
				c.brought = max(c.brought, n.ID)
			}
			continue
		}
		commands := ParseCommands(n.Body)
		commanded = commanded || len(commands) > 0
		if len(commands) > 0 && !handled[n.ID] {
			c.answers = append(c.answers, &answer{note: n, commands: commands})
		}
	}
	c.settled = w.settled(p, notes)
	if !commanded {
		return nil, nil // not worth remembering: that would be a change for people to read
	}
	if request.UserNotes == p.decision.known.Notes {
		if len(c.answers) == 0 {
			return nil, nil
		}
		for id := range c.settled {
			c.settled[id] = false
		}
	}
	return c, nil
}

// bringsCommits matches what GitLab notes about a push, which is English everywhere.
var bringsCommits = regexp.MustCompile(`^added \d+ commits?\b`)

// settled finds the discussions that hold nothing but commands and the bot's answers,
// and tells of each whether it waits to be resolved. An answer makes a thread of a note,
// and an open thread can keep a request from being merged: the bot closes what it
// opened. A thread in which people say anything else is theirs.
func (w *writer) settled(p *proposal, notes []forge.Note) map[string]bool {
	out, theirs := map[string]bool{}, map[string]bool{}
	for _, n := range notes {
		out[n.DiscussionID] = n.Resolvable && !n.Resolved
		if mine := n.Author.ID == w.me(p.project.ID).ID; n.System || !mine && len(ParseCommands(n.Body)) == 0 {
			theirs[n.DiscussionID] = true
		}
	}
	maps.DeleteFunc(out, func(id string, _ bool) bool { return theirs[id] })
	return out
}

var (
	handledKey = regexp.MustCompile(`<!-- tokenward:note (\d{1,18}) [A-Za-z0-9+/]{16} -->`)
	refusedKey = regexp.MustCompile(`<!-- tokenward:refused (\d{1,18}) [A-Za-z0-9+/]{16} -->`)
)

// handled finds the notes that have been answered, by the keys that only the bot can
// write, and counts whom it refused.
func (w *writer) handled(c *conversation, notes []forge.Note) map[int64]bool {
	out := map[int64]bool{}
	for _, n := range notes {
		for _, m := range handledKey.FindAllStringSubmatch(n.Body, -1) {
			if id, err := strconv.ParseInt(m[1], 10, 64); err == nil && m[0] == w.noteKey(c, "note", id) {
				out[id] = true
			}
		}
		if n.Author.ID != w.me(c.p.project.ID).ID {
			continue
		}
		for _, m := range refusedKey.FindAllStringSubmatch(n.Body, -1) {
			if id, err := strconv.ParseInt(m[1], 10, 64); err == nil && m[0] == w.noteKey(c, "refused", id) {
				c.refused[id]++
			}
		}
	}
	return out
}

// noteKey is the hidden comment by which an answer is found again.
func (w *writer) noteKey(c *conversation, kind string, id int64) string {
	mac := w.seal.sign(fmt.Sprintf("%s %d %d %d", kind, c.request.ProjectID, c.request.IID, id))
	return fmt.Sprintf("<!-- tokenward:%s %d %s -->", kind, id, mac[:16])
}

// mostRefusals is how often one person is told on one request that the rights are
// missing; what they write there afterwards is passed over, so that nobody can make
// the bot fill a request with notes.
const mostRefusals = 3

// obey checks the author's rights and follows the commands of one note.
func (w *writer) obey(ctx context.Context, s *Scan, r *unitRun, c *conversation, a *answer) error {
	author := a.note.Author
	if c.refused[author.ID] >= mostRefusals {
		return nil
	}
	may, err := w.isDeveloper(ctx, c.p.project, author)
	if err != nil {
		return err
	}
	if !may {
		c.refused[author.ID]++
		a.refused = true
		a.say(saying("Not obeyed: commands are taken from people with at least the Developer role on project %s.", templates.Code(c.p.project.Path)))
		return nil
	}
	for _, command := range a.commands {
		line, err := w.follow(ctx, s, r, c, a.note, command)
		if err != nil {
			return err
		}
		a.say(line)
	}
	return nil
}

// isDeveloper asks the server for the user's present role on the project.
func (w *writer) isDeveloper(ctx context.Context, project forge.Project, user forge.User) (bool, error) {
	level, err := w.talk.AccessLevel(ctx, project.ID, user.ID)
	if err != nil {
		return false, fmt.Errorf("look up the role of user %d on %s: %w", user.ID, project.Path, err)
	}
	return level >= forge.Developer, nil
}

// answerAll answers the notes, in their discussions, once everything that they asked
// for is done. A run that dies before finds them unanswered, and its work done.
func (w *writer) answerAll(ctx context.Context, r *unitRun) error {
	for _, c := range r.conversations {
		for _, a := range c.answers {
			key := w.noteKey(c, "note", a.note.ID)
			_, err := w.talk.Reply(ctx, c.request.ProjectID, c.request.IID, a.note.DiscussionID, a.body(key, w.refusal(c, a)), key)
			if err != nil && !errors.Is(err, forge.ErrNotFound) { // a note that is gone needs no answer
				return fmt.Errorf("answer note %d on %s: %w", a.note.ID, c.request.Reference, err)
			}
		}
		if err := w.resolve(ctx, c); err != nil {
			return err
		}
		if holder(r.proposals) != nil {
			continue
		}
		if err := w.remember(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// resolve resolves the discussions that the answers settle, and those that a run which
// died after its answer left open.
func (w *writer) resolve(ctx context.Context, c *conversation) error {
	for _, a := range c.answers {
		if _, ok := c.settled[a.note.DiscussionID]; ok {
			c.settled[a.note.DiscussionID] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.settled)) {
		if !c.settled[id] {
			continue
		}
		if err := w.talk.Resolve(ctx, c.request.ProjectID, c.request.IID, id); err != nil {
			return fmt.Errorf("resolve the discussion of a command on %s: %w", c.request.Reference, err)
		}
	}
	return nil
}

func (w *writer) refusal(c *conversation, a *answer) string {
	if !a.refused {
		return ""
	}
	return "\n" + w.noteKey(c, "refused", a.note.Author.ID)
}

// maxAnswer keeps an answer far below GitLab's limit for a note.
const maxAnswer = 60_000

func (a *answer) body(key, more string) string {
	var out strings.Builder
	for i, line := range a.lines {
		text := line()
		if out.Len()+len(text) > maxAnswer {
			text = "The answer is too long to be given here."
		}
		if i > 0 {
			out.WriteString("\n\n")
		}
		out.WriteString(text)
	}
	return out.String() + "\n\n" + key + more
}

// remember keeps the number of notes in the hidden state of a request whose
// description is not written otherwise.
func (w *writer) remember(ctx context.Context, c *conversation) error {
	if c.p.action != ActionSkipped || slices.Contains(c.request.Labels, holdLabel) {
		return nil
	}
	st, ours := w.seal.read(c.request.Description)
	notes := c.request.UserNotes + len(c.answers)
	if !ours || st.Notes == notes {
		return nil
	}
	st.Notes = notes
	description := stateComment.ReplaceAllLiteralString(c.request.Description, w.seal.encode(st))
	if _, err := w.forge.UpdateMergeRequest(ctx, c.request.ProjectID, c.request.IID, forge.MergeRequestUpdate{Description: &description}); err != nil {
		return fmt.Errorf("remember the notes of %s: %w", c.request.Reference, err)
	}
	return nil
}
