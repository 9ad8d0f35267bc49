package webhook

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tokenward/bot"
)

// View is what an event is judged against.
type View struct {
	Index Index
	// Self is the numeric id of the bot's own user, 0 if it is not known yet.
	Self int64
	// Issue reads the description of an issue in an umbrella's project: the namespace
	// of a tracking issue, "" for the dashboard; ok is false for every other issue.
	// Nil means that there are none.
	Issue func(umbrella, description string) (namespace string, ok bool)
}

// Meaning is what an event comes to.
type Meaning struct {
	// Event is the kind of the event, "other" if it is not known.
	Event    string
	Known    bool
	Triggers []bot.Trigger // each scope once
}

// Read judges an event by its body alone: the same body and View give the same
// Meaning. It fails only for what is no JSON.
func (v View) Read(body []byte) (Meaning, error) {
	e, err := decode(body)
	if err != nil {
		return Meaning{Event: "other"}, err
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == e.kind() })
	if i < 0 {
		return Meaning{Event: "other"}, nil
	}
	r := &reading{View: v, event: e}
	r.defaultBranch()
	if read := kinds[i].read; read != nil {
		read(r)
		r.unscanned()
	}
	return Meaning{Event: kinds[i].name, Known: true, Triggers: r.triggers}, nil
}

// reading is one event on its way to triggers.
type reading struct {
	View
	event    event
	triggers []bot.Trigger
}

func (r *reading) trigger(umbrella, namespace, reason string) {
	r.add(bot.Trigger{Umbrella: umbrella, Namespace: namespace, Reason: reason})
}

func (r *reading) add(t bot.Trigger) {
	same := func(other bot.Trigger) bool {
		return other.Umbrella == t.Umbrella && other.Namespace == t.Namespace && other.Changed == t.Changed
	}
	if !slices.ContainsFunc(r.triggers, same) {
		r.triggers = append(r.triggers, t)
	}
}

// umbrellas and packages list the entries of the index that are the event's project.
func (r *reading) umbrellas() (all []Umbrella) {
	for _, u := range r.Index.Umbrellas {
		if u.Project.is(int64(r.event.ProjectID), r.event.Path) {
			all = append(all, u)
		}
	}
	return all
}

func (r *reading) packages() (all []Package) {
	for _, p := range r.Index.Packages {
		if p.Project.is(int64(r.event.ProjectID), r.event.Path) {
			all = append(all, p)
		}
	}
	return all
}

// defaultBranch notices that a project got another default branch, for which GitLab
// has no event.
func (r *reading) defaultBranch() {
	now := r.event.Project.DefaultBranch
	changed := func(p Project) bool { return now != "" && p.DefaultBranch != "" && now != p.DefaultBranch }
	reason := func(p Project) string { return fmt.Sprintf("the default branch of %s is now %s", p.name(), plain(now)) }
	for _, u := range r.umbrellas() {
		if u.Branch == "" && changed(u.Project) {
			r.trigger(u.Name, "", reason(u.Project))
		}
	}
	for _, p := range r.packages() {
		if changed(p.Project) {
			r.trigger(p.Umbrella, p.Namespace, reason(p.Project))
		}
	}
}

// push looks at a push to a branch. The bot pushes to its source branches alone, so
// that any other push counts, whoever's token the bot has.
func (r *reading) push() {
	branch := r.event.branch()
	if branch == "" {
		return
	}
	reason := func(p Project) string { return fmt.Sprintf("push to %s@%s", p.name(), plain(branch)) }
	if r.sourceBranch(branch, reason) {
		return
	}
	for _, u := range r.umbrellas() {
		if follows(branch, u.Branch, r.mainOf(u.Project), false) {
			r.add(bot.Trigger{Umbrella: u.Name, Changed: true, Reason: reason(u.Project)})
		}
	}
	for _, p := range r.packages() {
		if follows(branch, p.Branch, r.mainOf(p.Project), true) {
			r.trigger(p.Umbrella, p.Namespace, reason(p.Project))
		}
	}
}

// unscanned looks at an event of a project for umbrellas that wait for the end of their
// first run: it may be a package of theirs, whoever else knows it, and the run have
// passed it. It wakes no first run that was parked.
func (r *reading) unscanned() {
	if r.own() || len(r.umbrellas()) > 0 {
		return
	}
	for _, u := range r.Index.Umbrellas {
		has := slices.ContainsFunc(r.triggers, func(t bot.Trigger) bool { return t.Umbrella == u.Name })
		if u.Unscanned && !has {
			r.add(bot.Trigger{Umbrella: u.Name, Guess: true, Reason: "an event of a project that may be a package"})
		}
	}
}

// mainOf is the default branch of the event's project.
func (r *reading) mainOf(p Project) string {
	if now := r.event.Project.DefaultBranch; now != "" {
		return now
	}
	return p.DefaultBranch
}

// follows tells whether a branch counts: the named one, and the default branch where
// none is named or both count. Where nobody knows the default branch, any may be it.
func follows(branch, named, main string, both bool) bool {
	if named != "" && branch == named {
		return true
	}
	return (named == "" || both) && (main == "" || branch == main)
}

// tag looks at a push of a tag.
func (r *reading) tag() {
	name, ok := strings.CutPrefix(r.event.Ref, "refs/tags/")
	if !ok || r.event.deletes() {
		return
	}
	for _, p := range r.packages() {
		if p.Tags != "" {
			if counts, err := path.Match(p.Tags, name); err == nil && !counts {
				continue
			}
		}
		r.trigger(p.Umbrella, p.Namespace, fmt.Sprintf("tag %s of %s", plain(name), p.Project.name()))
	}
}

// moved looks at a project that got another path. Whoever fetched from the old one
// must be looked at.
func (r *reading) moved() {
	old, is := r.event.OldPath, r.event.Path
	hit := func(p Project) bool { return p.is(int64(r.event.ProjectID), old) || p.is(0, is) }
	for _, u := range r.Index.Umbrellas {
		if hit(u.Project) {
			r.trigger(u.Name, "", u.Project.name()+" moved")
		}
	}
	for _, p := range r.Index.Packages {
		if hit(p.Project) {
			r.trigger(p.Umbrella, "", p.Project.name()+" moved")
		}
	}
}

func (p Project) name() string {
	if p.Path == "" {
		return fmt.Sprintf("project %d", p.ID)
	}
	return p.Path
}

// plain makes foreign text fit for one short line.
func plain(s string) string {
	const most = 100
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return '?'
		}
		return c
	}, s)
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
