package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	decisions "tokenward/bot/decision"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

// asked is what people's commands make of a proposal; it survives that the unit is
// prepared again.
type asked struct {
	rebase bool
	close  string // by whom, "" if nobody asked
}

// echo names a command in its answer.
func (c Command) echo() string {
	words := []string{c.Verb}
	if c.Discard {
		words = append(words, "discard")
	}
	if c.Pattern != "" {
		words = append(words, c.Pattern)
	}
	return templates.Code(strings.Join(words, " "))
}

// follow does what one command asks for, as far as that needs no writing, and
// returns the line that answers it afterwards.
func (w *writer) follow(ctx context.Context, s *Scan, r *unitRun, c *conversation, n forge.Note, command Command) (func() string, error) {
	switch {
	case command.Err != "":
		return saying("Not understood: %s.", templates.Text(command.Err)), nil
	case command.Verb == verbExplain:
		text := w.explain(s, r.unit, command.Pattern)
		return func() string { return text }, nil
	case slices.Contains(c.request.Labels, holdLabel):
		return saying("%s: not done, since the request has the label %s.", command.echo(), templates.Code(holdLabel)), nil
	case holder(r.proposals) != nil:
		return saying("%s: not done, since %s has the label %s.", command.echo(), holder(r.proposals).Reference, templates.Code(holdLabel)), nil
	case c.request.State != forge.Opened && c.p.decision.open != mustReopen && command.Verb != verbClose:
		return saying("%s: not done, since the request is closed: open it again first.", command.echo()), nil
	}
	switch command.Verb {
	case verbRescan:
		r.asked = true
		return func() string { return w.scanned(s, c, command) }, nil
	case verbRebase:
		return askRebase(r, c, n, command)
	case verbClose:
		return w.askClose(ctx, r, c, n.Author, command)
	default:
		return w.decideFor(ctx, s, r, c, n, command)
	}
}

// scanned answers rescan by what the run made of the request.
func (w *writer) scanned(s *Scan, c *conversation, command Command) string {
	what := "nothing had to change"
	switch {
	case c.p.action == ActionSkipped:
		what = templates.Text(c.p.reason)
	case c.p.pushed != "":
		what = "the content is brought up to date"
	}
	return fmt.Sprintf("%s: scanned again at %s of the umbrella: %s.", command.echo(), templates.Code(shortHash(s.Umbrella.Commit)), what)
}

func shortHash(commit string) string { return commit[:min(len(commit), 12)] }

// askRebase has the content made anew on the target branch's tip. Commits of people
// are only thrown away if the command says so, and none that its author cannot have seen.
func askRebase(r *unitRun, c *conversation, note forge.Note, command Command) (func() string, error) {
	p := c.p
	not := func(why string) (func() string, error) { return saying("%s: not done: %s.", command.echo(), why), nil }
	moved := c.request.TargetBranch != p.change.Base.Branch && !p.decision.retarget
	switch {
	case p.tip == "":
		return not("the source branch was deleted")
	case moved:
		return not("a person chose another target branch")
	case p.asked.close != "":
		return not("the request is being closed")
	}
	switch {
	case p.foreign && !command.Discard:
		return not("the branch has commits that are not tokenward's; to throw them away, write " + templates.Code("/tokenward rebase discard"))
	case p.foreign && c.brought > note.ID:
		return not("commits came to the branch after this was written; to throw them away, too, write it again")
	case !p.foreign && p.decision.skip != "":
		return not(templates.Text(p.decision.skip))
	}
	r.asked, p.asked.rebase = true, true
	p.applyAsked()
	return func() string {
		if c.p.pushed == "" {
			return fmt.Sprintf("%s: not done: %s.", command.echo(), templates.Text(c.p.reason))
		}
		return fmt.Sprintf("%s: made anew on %s as %s. The branch was at %s before.", command.echo(),
			templates.Code(c.p.change.Base.Branch), templates.Code(shortHash(c.p.pushed)), templates.Code(shortHash(c.p.tip)))
	}, nil
}

// applyAsked makes the decision about a proposal what people asked for.
func (p *proposal) applyAsked() {
	switch {
	case p.asked.close != "":
		p.decision.skip, p.decision.push, p.decision.open = "", false, isOpen
		p.action, p.reason = ActionClosed, "closed at the request of "+p.asked.close
	case p.asked.rebase:
		p.decision.skip, p.decision.push, p.foreign = "", true, false
		p.action, p.reason = ActionUnchanged, ""
	}
}

// askClose has the open requests of the pair closed, as far as the author may do so,
// and none opened instead. What cannot be closed becomes a draft.
func (w *writer) askClose(ctx context.Context, r *unitRun, c *conversation, author forge.User, command Command) (func() string, error) {
	r.asked = true
	for _, p := range r.proposals {
		request := p.decision.request
		if p.asked.close != "" {
			continue
		}
		reopens := p == c.p && p.decision.open == mustReopen // closed it stays then, but by this person's word
		if request == nil || !reopens && (p.decision.open != isOpen || request.State != forge.Opened) {
			if p.action != ActionSkipped {
				p.action, p.reason = ActionSkipped, fmt.Sprintf("not opened, since its other half %s was declined", c.request.Reference)
			}
			continue
		}
		may, err := w.isDeveloper(ctx, p.project, author)
		if err != nil {
			return nil, err
		}
		if !may {
			p.draft, p.reason = true, fmt.Sprintf("a draft, since its other half %s was declined", c.request.Reference)
			continue
		}
		p.asked.close = author.Username
		p.applyAsked()
	}
	return func() string {
		var closed, left []string
		for _, p := range r.proposals {
			switch {
			case p.request == nil:
			case p.request.State == forge.Closed && p.decision.known.ClosedBy != "":
				closed = append(closed, templates.Code(p.request.Reference))
			case p.request.State == forge.Opened:
				left = append(left, templates.Code(p.request.Reference))
			}
		}
		line := fmt.Sprintf("%s: closed %s. The same content is not proposed again.", command.echo(), strings.Join(closed, " and "))
		if len(left) > 0 {
			line += fmt.Sprintf(" %s stays open as a draft: closing it takes the Developer role there.", strings.Join(left, " and "))
		}
		return line
	}, nil
}

// shut closes the requests that somebody asked to close.
func (w *writer) shut(ctx context.Context, proposals []*proposal) error {
	for _, p := range proposals {
		if p.asked.close == "" {
			continue
		}
		if err := w.shutOne(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// shutOne closes a request and remembers that it was a person's wish: the content is
// not proposed again.
func (w *writer) shutOne(ctx context.Context, p *proposal) error {
	st := p.decision.known
	st.Unit, st.Role, st.Digest, st.Closed, st.ClosedBy = p.unit, p.role, p.digest, false, p.asked.close
	st.Members = p.members
	description := p.request.Description
	if stateComment.MatchString(description) {
		description = stateComment.ReplaceAllLiteralString(description, w.seal.encode(st))
	} else {
		description += "\n\n" + w.seal.encode(st) // people took ours out: only what nobody sees comes back
	}
	description = withNotice(description, "closed at the request of "+templates.Code(p.asked.close))
	request, err := w.forge.UpdateMergeRequest(ctx, p.project.ID, p.request.IID, forge.MergeRequestUpdate{StateEvent: forge.Close, Description: &description})
	if err != nil {
		return fmt.Errorf("close %s: %w", p.request.Reference, err)
	}
	p.request, p.decision.known = &request, st
	p.decision.decline, p.decision.skip = true, declined(request.Reference)
	return nil
}

// decideFor tries a decision out and, if its edit can be proven, has the unit carry it.
func (w *writer) decideFor(ctx context.Context, s *Scan, r *unitRun, c *conversation, n forge.Note, command Command) (func() string, error) {
	not := func(why string) (func() string, error) {
		return saying("%s: not recorded: %s.", command.echo(), why), nil
	}
	if r.unit.Removes {
		return not("this request only takes entries out; close it, or write the decision into " + templates.Code(decisions.Path) + " of the umbrella")
	}
	if r.unit.Members != nil {
		return not("this request is about several namespaces; close it, or write the decision into " + templates.Code(decisions.Path) + " of the umbrella")
	}
	umbrella, err := w.umbrellaProject(ctx, s, r)
	if err != nil {
		return nil, err
	}
	may, err := w.isDeveloper(ctx, umbrella, n.Author)
	if err != nil {
		return nil, err
	}
	if !may {
		return not("decisions are kept in project " + templates.Code(umbrella.Path) + " and take the Developer role there")
	}
	d := decisions.Decision{
		Namespace: r.unit.Plan.Namespace, Kind: decisions.Kind(command.Verb), Pattern: command.Pattern, Reason: command.Reason,
		By: "@" + n.Author.Username, Note: fmt.Sprintf("%s#note_%d", c.request.Reference, n.ID),
	}
	r.asked = true
	recorded := func() string { return w.recorded(s, r, d, command) }
	inForce := &decisions.File{Decisions: slices.Concat(s.Decisions.Decisions, r.unit.pending.Decisions)}
	if inForce.Has(d) {
		return recorded, nil
	}
	if !d.Hits(s.decisionInput()) {
		return not("no pod of namespace " + templates.Code(d.Namespace) + " is called so")
	}
	i := slices.IndexFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == d.Namespace })
	pending := &decisions.File{Decisions: append(slices.Clone(r.unit.pending.Decisions), d)}
	u, err := w.prepareDecided(ctx, s, s.Plans[i], pending)
	var refusal *Refusal
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("try the decision %s: %w", d, ctx.Err())
	case isAway(err):
		return nil, err // no answer yet: the next run reads the note again
	case errors.As(err, &refusal):
		return not(templates.Text(refusal.Reason.Error()))
	case err != nil:
		return nil, err
	}
	before := r.unit
	if err := w.replace(ctx, s, r, u); err != nil {
		return nil, err
	}
	for _, p := range r.proposals {
		if p.role == RoleUmbrella && p.action == ActionSkipped {
			// Nothing can carry it: go on as if nobody had asked, as the next run will.
			return saying("%s: not recorded: %s.", command.echo(), templates.Text(p.reason)), w.replace(ctx, s, r, before)
		}
	}
	return recorded, nil
}

// umbrellaProject is the project of the umbrella.
func (w *writer) umbrellaProject(ctx context.Context, s *Scan, r *unitRun) (forge.Project, error) {
	for _, p := range r.proposals {
		if p.role == RoleUmbrella {
			return p.project, nil
		}
	}
	p := &proposal{change: &FileChange{Base: s.Umbrella}}
	err := w.check(ctx, p)
	return p.project, err
}

func isAway(err error) bool {
	_, away := Away(err)
	return away
}

// recorded answers a decision by where it stands now.
func (w *writer) recorded(s *Scan, r *unitRun, d decisions.Decision, command Command) string {
	if s.Decisions.Has(d) && !r.unit.pending.Has(d) {
		return fmt.Sprintf("%s: stands in %s of the umbrella.", command.echo(), templates.Code(decisions.Path))
	}
	for _, p := range r.proposals {
		switch {
		case p.role != RoleUmbrella:
		case p.action == ActionSkipped || p.request == nil:
			return fmt.Sprintf("%s: not recorded: %s.", command.echo(), templates.Text(p.reason))
		default:
			return fmt.Sprintf("%s: stands in %s, proposed in %s.", command.echo(), templates.Code(decisions.Path), p.request.Reference)
		}
	}
	return fmt.Sprintf("%s: not recorded: the umbrella has no merge request.", command.echo())
}

// replace goes on with a unit that was prepared again, with what is known already
// about the projects and requests.
func (w *writer) replace(ctx context.Context, s *Scan, r *unitRun, u *Unit) error {
	proposals, err := w.proposals(s, u)
	if err != nil {
		return err
	}
	before := r.proposals
	r.unit, r.proposals = u, proposals
	for _, p := range proposals {
		for _, old := range before {
			if old.role == p.role && old.change.Base.URL == p.change.Base.URL {
				p.project, p.requests, p.taken, p.asked = old.project, old.requests, old.taken, old.asked
			}
		}
		if err := w.look(ctx, p); err != nil {
			return err
		}
	}
	for _, c := range r.conversations {
		gone := true
		for _, p := range proposals {
			if p.role == c.p.role && p.change.Base.URL == c.p.change.Base.URL {
				c.p, gone = p, false
			}
		}
		if gone {
			c.p.action = ActionSkipped
		}
	}
	return nil
}
