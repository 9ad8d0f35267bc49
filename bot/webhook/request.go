package webhook

import (
	"fmt"
	"slices"

	"tokenward/bot"
)

// own tells whether the bot's own user caused the event.
func (r *reading) own() bool { return r.Self != 0 && int64(r.event.UserID) == r.Self }

// sourceBranch triggers the namespace of a source branch of the bot that somebody
// else pushed to or deleted. It says whether it is such a branch at all.
func (r *reading) sourceBranch(branch string, reason func(Project) string) bool {
	found := false
	r.unitsOf(branch, func(p Project, umbrella, namespace string) {
		found = true
		if !r.own() {
			r.trigger(umbrella, namespace, reason(p))
		}
	})
	return found
}

// unitsOf calls yield for every unit that a source branch in the event's project is
// about. The namespace of a group is "": all are looked at.
func (r *reading) unitsOf(branch string, yield func(p Project, umbrella, namespace string)) {
	for _, u := range r.Index.Umbrellas {
		namespace := bot.BranchNamespace(u.BranchPrefix, branch, func(ns string) bool { return r.deploys(u.Name, ns) })
		if namespace == "" && branch != bot.GroupBranch(u.BranchPrefix) {
			continue
		}
		if u.Project.is(int64(r.event.ProjectID), r.event.Path) {
			yield(u.Project, u.Name, namespace)
		}
		for _, p := range r.packages() {
			if p.Umbrella == u.Name && p.Namespace == namespace && namespace != "" {
				yield(p.Project, u.Name, namespace)
			}
		}
	}
}

// deploys tells whether a package of the umbrella goes into the namespace.
func (r *reading) deploys(umbrella, namespace string) bool {
	return slices.ContainsFunc(r.Index.Packages, func(p Package) bool { return p.Umbrella == umbrella && p.Namespace == namespace })
}

// happened are GitLab's actions on merge requests and issues in people's words.
var happened = map[string]string{
	"open": "opened", "close": "closed", "reopen": "reopened", "merge": "merged", "update": "changed",
	"approved": "approved", "approval": "approved", "unapproved": "no longer approved", "unapproval": "no longer approved",
}

// awaited are actions on its own merge requests that the bot never takes: they count
// whoever's token it has.
var awaited = []string{"merge", "approved", "approval", "unapproved", "unapproval"}

// mergeRequest looks at what happened to a merge request.
func (r *reading) mergeRequest() {
	o := r.event.Object
	if o.fromFork() || r.own() && !slices.Contains(awaited, o.Action) {
		return
	}
	word := happened[o.Action]
	if word == "" {
		word = "changed"
	}
	r.unitsOf(o.SourceBranch, func(p Project, umbrella, namespace string) {
		r.trigger(umbrella, namespace, fmt.Sprintf("merge request %s!%d %s", p.name(), o.IID, word))
	})
}

// note looks at a note. Only the word is looked for: whose command counts, the run
// decides.
func (r *reading) note() {
	o, on := r.event.Object, r.event.MergeRequest
	if o.System || r.own() || o.NoteableType != "MergeRequest" || on.fromFork() || len(bot.ParseCommands(o.Note)) == 0 {
		return
	}
	r.unitsOf(on.SourceBranch, func(p Project, umbrella, namespace string) {
		r.trigger(umbrella, namespace, fmt.Sprintf("command on %s!%d", p.name(), on.IID))
	})
}

// issue looks at what happened to one of the bot's issues. An update says what it
// changed, and only the description holds anything for the bot; where it says
// nothing, it may be that.
func (r *reading) issue() {
	o := r.event.Object
	if r.own() || r.Issue == nil {
		return
	}
	if _, rewritten := r.event.Changes["description"]; o.Action == "update" && len(r.event.Changes) > 0 && !rewritten {
		return
	}
	for _, u := range r.umbrellas() {
		namespace, ok := r.Issue(u.Name, o.Description)
		if !ok {
			continue
		}
		what, word := "dashboard", happened[o.Action]
		if namespace != "" {
			what = "tracking issue"
		}
		if word == "" {
			word = "changed"
		}
		r.trigger(u.Name, namespace, fmt.Sprintf("%s %s#%d %s", what, u.Project.name(), o.IID, word))
	}
}
