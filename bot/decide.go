package bot

import (
	"fmt"
	"slices"

	"tokenward/gitops/forge"
)

// observed is what the server says about one proposal, read before anything is written.
type observed struct {
	requests []forge.MergeRequest // of the source branch, newest first
	tip      string               // of the source branch, "" if there is none
	// says tells that the branch already has everything that is wanted.
	says bool
	// foreign tells that the branch has commits that are not the bot's, or that people changed.
	foreign bool
}

// opening says what has to happen for a merge request to be open.
type opening int

const (
	isOpen opening = iota
	mustCreate
	mustReopen
)

// decision is what a run does about one proposal.
type decision struct {
	skip    string // the reason for doing nothing, "" to go on
	decline bool   // skipped since a person said no
	push    bool
	open    opening
	request *forge.MergeRequest // the open request, or the one to open again
	known   state               // its state, zero if it cannot be read
	// retarget tells that the request goes to a branch that the bot chose and that is not the right one any more.
	retarget bool
}

// holdLabel on either request of a pair makes the bot leave both alone.
const holdLabel = "tokenward::hold"

// decide is the merge request's life as a pure function of what was observed.
func decide(o observed, p *proposal, seal sealer) decision {
	for i := range o.requests {
		if o.requests[i].State == forge.Opened || o.requests[i].State == forge.Locked {
			return decideOpen(o, p, seal, &o.requests[i])
		}
	}
	d := decision{push: !o.says, open: mustCreate}
	for i := range o.requests {
		r := &o.requests[i]
		known, ours := seal.read(r.Description)
		switch {
		case !ours:
			// A request that people made from this branch, or whose description they emptied, says nothing
			// about ours, not even whether the branch still fits its target.
			d.push = d.push || !o.foreign && o.tip != ""
			continue
		case r.State == forge.Closed && (known.Closed || p.lifted && known.Digest == p.digest):
			d.open, d.request, d.known = mustReopen, r, known
			// What happened to the target branch meanwhile, GitLab does not tell of a closed request.
			d.push = d.push || !o.foreign
			d.retarget = r.TargetBranch != p.change.Base.Branch && r.TargetBranch == known.Target
		case r.State == forge.Closed && known.Digest == p.digest:
			return decision{skip: declined(r.Reference), decline: true, request: r, known: known}
		case r.State == forge.Merged:
			d.push = true // the branch was left behind by the merge: begin anew
		}
		break
	}
	if o.tip != "" && d.push && o.foreign {
		return decision{skip: fmt.Sprintf("branch %s has commits that are not tokenward's: it is left to the people who work on it", p.branch)}
	}
	return d
}

// declined says why content is not proposed again.
func declined(reference string) string {
	return reference + " was closed without being merged: that is taken as a no to this content"
}

// decideOpen goes on with a request that is open.
func decideOpen(o observed, p *proposal, seal sealer, r *forge.MergeRequest) decision {
	d := decision{request: r, push: !o.says}
	d.known, _ = seal.read(r.Description)
	skip := func(format string, args ...any) decision {
		d.skip, d.push = fmt.Sprintf(format, args...), false
		return d
	}
	// Where the request is a draft or waits for another, GitLab says so first, and of the conflict beside it.
	hidden := r.DetailedMergeStatus == "draft_status" || r.DetailedMergeStatus == "merge_request_blocked"
	conflict := r.DetailedMergeStatus == "conflict" || hidden && r.HasConflicts
	d.push = d.push || conflict
	moved := r.TargetBranch != p.change.Base.Branch
	d.retarget = moved && r.TargetBranch == d.known.Target
	switch {
	case r.State == forge.Locked:
		return skip("%s is being merged", r.Reference)
	case slices.Contains(r.Labels, holdLabel):
		return skip("%s has the label %s", r.Reference, holdLabel)
	case o.tip == "":
		return skip("the source branch of %s was deleted", r.Reference)
	case moved && !d.retarget && d.push:
		return skip("a person chose target branch %s for %s: its content is left to people", r.TargetBranch, r.Reference)
	case d.push && o.foreign && conflict:
		return skip("%s conflicts with its target branch and has commits of people: they must resolve it, or close it and delete the branch", r.Reference)
	case d.push && o.foreign:
		return skip("%s has commits that are not tokenward's: it is left to the people who work on it", r.Reference)
	}
	d.push = d.push || d.retarget && !o.foreign
	return d
}
