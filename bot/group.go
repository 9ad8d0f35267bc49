package bot

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"tokenward/analysis"
	decisions "tokenward/bot/decision"
	"tokenward/gitops/edit"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

// groupBranch ends the name of the branch that repairs several namespaces at once;
// groupName is what such a unit is called, which no namespace can be.
const (
	groupBranch = "drift-repairs"
	groupName   = "drift repairs"
)

// plans are those of the unit's members, or its own.
func (u *Unit) plans() []analysis.NamespacePlan {
	if u.Members == nil {
		return []analysis.NamespacePlan{u.Plan}
	}
	var out []analysis.NamespacePlan
	for _, m := range u.Members {
		out = append(out, m.Plan)
	}
	return out
}

// namespaces are those that the unit is about.
func (u *Unit) namespaces() []string {
	var out []string
	for _, p := range u.plans() {
		out = append(out, p.Namespace)
	}
	return out
}

func (u *Unit) covers(namespace string) bool { return slices.Contains(u.namespaces(), namespace) }

// inTurn makes one edit after the other. The lines of its changes are numbered as each
// edit found them.
type inTurn []edit.Edit

// Apply implements edit.Edit.
func (all inTurn) Apply(src []byte) (dst []byte, changes []edit.Change, err error) {
	dst = src
	for _, e := range all {
		var more []edit.Change
		if dst, more, err = e.Apply(dst); err != nil {
			return nil, nil, err
		}
		changes = append(changes, more...)
	}
	return dst, changes, nil
}

// joins tells whether a unit may be proposed together with others: a small repair of a
// listed namespace that takes no token, needs no person's eye, has no documentation to
// go with it, and has neither a branch nor a request of its own.
func (b *Bot) joins(s *Scan, r *unitRun) bool {
	if r.err != nil || r.asked || len(r.proposals) != 1 || r.unit.Umbrella == nil || r.unit.Plan.Partial {
		return false
	}
	p, c := r.proposals[0], r.unit.Umbrella
	if _, listed := s.Listing.Find(r.unit.Plan.Namespace); !listed || p.draft || c.records() || len(linesWith("+", c.Diff)) > b.cfg.GroupDrift {
		return false
	}
	if p.action == ActionSkipped || p.decision.request != nil || p.tip != "" {
		return false
	}
	text := b.umbrellaText(s, r.unit)
	return len(text.Look) == 0 && len(text.Taken) == 0
}

// gather proposes the small repairs among the runs together, where the configuration
// asks for it, and says which branch of such a request is needless. People's decline of
// a request is a no to each namespace's part in it. What cannot be proposed together
// goes on by itself.
func (w *writer) gather(ctx context.Context, s *Scan, runs []*unitRun, report *ProposeReport) ([]*unitRun, []needless) {
	branch := w.cfg.BranchPrefix + groupBranch
	joining, rest := w.joining(s, runs)
	taken := slices.ContainsFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == groupBranch })
	switch {
	case taken || len(joining) == 0 && s.Umbrella.Tip(branch) == "":
		return runs, nil
	case w.cfg.Partial:
		for _, r := range joining {
			r.wait("queued: proposed together with other small repairs, by the next run over all namespaces")
		}
		return runs, nil
	}
	p := &proposal{unit: groupName, role: RoleUmbrella, branch: branch, change: &FileChange{Base: s.Umbrella}}
	if err := w.recallGroup(ctx, p); err != nil {
		report.fail(groupName, err)
		for _, r := range joining {
			r.wait("queued: proposed together with other small repairs, whose request could not be read")
		}
		return runs, nil
	}
	joining = slices.DeleteFunc(joining, func(r *unitRun) bool {
		declined := w.declinedInGroup(p, r)
		if declined {
			rest = append(rest, r)
		}
		return declined
	})
	unsure := w.unsure(s, p, runs)
	if len(joining) == 0 {
		if unsure != "" || w.openGroup(p) == nil {
			return rest, nil
		}
		return rest, []needless{{unit: groupName, role: RoleUmbrella, branch: branch, base: s.Umbrella}}
	}
	group, alone := w.together(ctx, s, p, joining, unsure, report)
	return append(append(rest, alone...), group...), nil
}

// joining parts the runs into those that are proposed together and the others. All edit
// the same file.
func (w *writer) joining(s *Scan, runs []*unitRun) (joining, rest []*unitRun) {
	for _, r := range runs {
		if w.joins(s, r) && (len(joining) == 0 || joining[0].unit.Umbrella.Path == r.unit.Umbrella.Path) {
			joining = append(joining, r)
			continue
		}
		rest = append(rest, r)
	}
	slices.SortFunc(joining, func(a, b *unitRun) int { return strings.Compare(a.unit.Plan.Namespace, b.unit.Plan.Namespace) })
	return joining, rest
}

// wait holds a unit back until a later run.
func (r *unitRun) wait(reason string) {
	for _, p := range r.proposals {
		p.action, p.reason, p.held = ActionSkipped, reason, true
	}
}

func (w *writer) recallGroup(ctx context.Context, p *proposal) error {
	if w.forge == nil {
		return nil
	}
	if err := w.check(ctx, p); err != nil {
		return err
	}
	return w.list(ctx, p)
}

// openGroup is the open request of the group, nil if there is none.
func (w *writer) openGroup(p *proposal) *forge.MergeRequest {
	for i := range p.requests {
		if r := &p.requests[i]; r.State == forge.Opened || r.State == forge.Locked {
			return r
		}
	}
	return nil
}

// declinedInGroup skips a unit whose very content stood in a request that people
// closed: the newest that has it tells.
func (w *writer) declinedInGroup(p *proposal, r *unitRun) bool {
	own := r.proposals[0]
	for i := range p.requests {
		request := &p.requests[i]
		known, ours := w.seal.read(request.Description)
		if !ours || known.Members[own.unit] != own.digest {
			continue
		}
		if request.State != forge.Closed || known.Closed || w.lifts(own.unit) {
			return false
		}
		own.decision = decision{skip: declined(request.Reference), decline: true, request: request, known: known}
		own.request, own.action, own.reason = request, ActionSkipped, own.decision.skip
		return true
	}
	return false
}

// unsure names a namespace of the open request of which this run does not know whether
// it still needs its repair, "" if there is none.
func (w *writer) unsure(s *Scan, p *proposal, runs []*unitRun) string {
	for _, ns := range slices.Sorted(maps.Keys(w.membersOf(p))) {
		prepared := slices.ContainsFunc(runs, func(r *unitRun) bool { return r.err == nil && r.unit.Plan.Namespace == ns })
		planned := slices.ContainsFunc(s.Plans, func(plan analysis.NamespacePlan) bool { return plan.Namespace == ns })
		if planned && !prepared || !seen(s, ns) {
			return ns
		}
	}
	return ""
}

// membersOf are the namespaces of the group's open request with the digests of their parts.
func (w *writer) membersOf(p *proposal) map[string]string {
	request := w.openGroup(p)
	if request == nil {
		return nil
	}
	known, _ := w.seal.read(request.Description)
	return known.Members
}

// together makes one unit of the runs. Where its request is left to people, or the edits
// cannot be proven as one, those that are not in it yet go on alone.
func (w *writer) together(ctx context.Context, s *Scan, p *proposal, joining []*unitRun, unsure string, report *ProposeReport) (group, alone []*unitRun) {
	known := w.membersOf(p)
	var stay []*unitRun
	for _, r := range joining {
		if own := r.proposals[0]; known[own.unit] == own.digest {
			stay = append(stay, r)
		} else {
			alone = append(alone, r)
		}
	}
	u, err := w.prepareGroup(ctx, s, joining)
	if err != nil {
		report.fail(groupName, err)
		for _, r := range stay {
			r.wait("queued: its repair stands in a request with others, which cannot be brought up to date")
		}
		return stay, alone
	}
	r := &unitRun{unit: u}
	w.consider(ctx, s, r, p)
	if r.err != nil || r.proposals[0].action != ActionSkipped {
		if unsure != "" {
			r.wait(fmt.Sprintf("queued: left as it is, since it is not known whether namespace %s still needs its repair", unsure))
		}
		return []*unitRun{r}, nil
	}
	u.Members = []*Unit{}
	for _, m := range stay {
		u.Members = append(u.Members, m.unit)
	}
	return []*unitRun{r}, alone
}

// prepareGroup makes the edits of all members one after the other and proves them as
// one. The error is a *Refusal.
func (b *Bot) prepareGroup(ctx context.Context, s *Scan, runs []*unitRun) (*Unit, error) {
	u := &Unit{pending: &decisions.File{}}
	var all inTurn
	var intended strings.Builder
	for _, r := range runs {
		u.Members, all = append(u.Members, r.unit), append(all, r.unit.Umbrella.Edit)
		intended.WriteString(b.intended(s, r.unit.Plan))
	}
	c := *u.Members[0].Umbrella
	src, err := fs.ReadFile(s.Umbrella.FS(), c.Path)
	if err == nil {
		c.Content, _, err = all.Apply(src)
	}
	if err == nil {
		u.Proof, err = b.prove(ctx, s, u.plans(), c.Path, c.Content)
	}
	if err != nil {
		return nil, &Refusal{Unit: groupName, Reason: fmt.Errorf("%s: %w", c.Path, err), Intended: intended.String()}
	}
	c.Diff, c.Edit, u.Umbrella = edit.UnifiedDiff(c.Path, src, c.Content), all, &c
	return u, nil
}

// groupProposal words the merge request of a unit with members.
func (b *Bot) groupProposal(s *Scan, u *Unit) (*proposal, error) {
	text := templates.Group{File: u.Umbrella.Path}
	members := map[string]string{}
	for _, m := range u.Members {
		own := *m
		own.Proof = u.Proof
		text.Members = append(text.Members, b.umbrellaText(s, &own))
		_, asked := m.Umbrella.lines()
		members[m.name()] = digest(m.name(), RoleUmbrella, asked...)
	}
	message, err := text.CommitMessage()
	if err != nil {
		return nil, err
	}
	p := b.newProposal(u, RoleUmbrella, u.Umbrella, text.Title(), message)
	p.members = members
	p.describe = func(_ []*proposal, marker string) (string, error) {
		text.Marker = marker
		return text.Description()
	}
	return p, nil
}
