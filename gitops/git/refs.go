package git

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

const (
	branchPrefix = "refs/heads/"
	tagPrefix    = "refs/tags/"
)

// Ref names a revision as a Flux GitRepository does. At most one field is
// followed, in the order of Flux's code (its documentation has Semver before Tag):
// Commit, Name, Tag, Semver, Branch; a Branch given
// beside Commit says where to look for the commit if the server does not hand
// it out directly. All empty means the remote's HEAD.
type Ref struct{ Branch, Tag, Semver, Name, Commit string }

// Followed returns the ref without the fields that are not followed.
func (r Ref) Followed() Ref {
	switch {
	case r.Commit != "":
		return Ref{Commit: r.Commit, Branch: r.Branch}
	case r.Name != "":
		return Ref{Name: r.Name}
	case r.Tag != "":
		return Ref{Tag: r.Tag}
	case r.Semver != "":
		return Ref{Semver: r.Semver}
	}
	return Ref{Branch: r.Branch}
}

// String returns the one field that is followed, for messages.
func (r Ref) String() string {
	switch {
	case r.Commit != "":
		return "commit " + r.Commit
	case r.Name != "":
		return r.Name
	case r.Tag != "":
		return "tag " + r.Tag
	case r.Semver != "":
		return "semver " + r.Semver
	case r.Branch != "":
		return "branch " + r.Branch
	}
	return "HEAD"
}

// target is what a Ref means on one remote.
type target struct {
	name   string        // full ref name, "" for a bare commit
	want   plumbing.Hash // what to ask the server for: a commit or a tag object
	commit plumbing.Hash // the commit, as far as the advertisement tells
	full   bool          // the whole history of want is needed to find commit
}

// branch returns the short name of a branch, "" for any other target.
func (t target) branch() string {
	if b, ok := strings.CutPrefix(t.name, branchPrefix); ok {
		return b
	}
	return ""
}

// headBranch returns the full name of the branch that the remote's HEAD
// points to, "" if it is detached or unborn.
func headBranch(ar *packp.AdvRefs) string {
	for _, symref := range ar.Capabilities.Get(capability.SymRef) {
		if dst, ok := strings.CutPrefix(symref, "HEAD:"); ok {
			return dst
		}
	}
	if ar.Head == nil || ar.Capabilities.Supports(capability.SymRef) {
		return ""
	}
	// Servers that do not say (git before 1.8.4): the first branch at HEAD's
	// commit, as git itself guesses.
	for _, name := range append([]string{branchPrefix + "main", branchPrefix + "master"}, slices.Sorted(maps.Keys(ar.References))...) {
		if strings.HasPrefix(name, branchPrefix) && ar.References[name] == *ar.Head {
			return name
		}
	}
	return ""
}

// resolve finds out what ref means. It fails with ErrRefNotFound.
func resolve(ar *packp.AdvRefs, ref Ref) (target, error) {
	switch {
	case ref.Commit != "":
		return resolveCommit(ar, ref)
	case ref.Name != "":
		return lookup(ar, ref.Name, "")
	case ref.Tag != "":
		return lookup(ar, tagPrefix+ref.Tag, "tag "+ref.Tag)
	case ref.Semver != "":
		return resolveSemver(ar, ref.Semver)
	case ref.Branch != "":
		return lookup(ar, branchPrefix+ref.Branch, "branch "+ref.Branch)
	}
	if ar.Head == nil {
		return target{}, fmt.Errorf("%w: the remote's HEAD points to a branch that does not exist", ErrRefNotFound)
	}
	return target{name: headBranch(ar), want: *ar.Head, commit: *ar.Head}, nil
}

// lookup finds a ref by its full name; shown is how to call it in the error.
func lookup(ar *packp.AdvRefs, name, shown string) (target, error) {
	hash, ok := ar.References[name]
	if !ok {
		if shown == "" {
			shown = name
		}
		return target{}, fmt.Errorf("%w: the repository has no %s", ErrRefNotFound, shown)
	}
	return target{name: name, want: hash, commit: peeled(ar, name)}, nil
}

// peeled returns the commit that a ref leads to: an annotated tag's target,
// else the ref's own hash.
func peeled(ar *packp.AdvRefs, name string) plumbing.Hash {
	if hash, ok := ar.Peeled[name]; ok {
		return hash
	}
	return ar.References[name]
}

// resolveCommit asks for the commit itself where the server allows that or
// a ref points to it, and for the whole branch where it does not.
func resolveCommit(ar *packp.AdvRefs, ref Ref) (target, error) {
	if !plumbing.IsHash(ref.Commit) {
		return target{}, fmt.Errorf("%w: %q is not a full commit hash of 40 hexadecimal digits", ErrRefNotFound, ref.Commit)
	}
	commit := plumbing.NewHash(ref.Commit)
	found := target{want: commit, commit: commit}
	branch := headBranch(ar)
	if ref.Branch != "" {
		branch = branchPrefix + ref.Branch
		found.name = branch
	}
	if ar.Capabilities.Supports(capability.AllowReachableSHA1InWant) || tip(ar, commit) {
		return found, nil
	}
	hash, ok := ar.References[branch]
	if !ok {
		return target{}, fmt.Errorf("%w: the server does not hand out commits by hash, and there is no %s to look for it", ErrRefNotFound, branch)
	}
	found.want, found.full = hash, true
	return found, nil
}

// tip reports whether a ref points directly to commit.
func tip(ar *packp.AdvRefs, commit plumbing.Hash) bool {
	if ar.Head != nil && *ar.Head == commit {
		return true
	}
	for _, hash := range ar.References {
		if hash == commit {
			return true
		}
	}
	return false
}

// resolveSemver picks the newest tag in the range as Flux does: a tag counts if
// it is a version of at least three parts, with or without a leading v. Of tags that differ
// in build metadata only, the last in alphabetical order is taken (Flux
// compares their dates, which an advertisement does not tell).
func resolveSemver(ar *packp.AdvRefs, expr string) (target, error) {
	constraint, err := semver.NewConstraint(expr)
	if err != nil {
		return target{}, fmt.Errorf("%w: %q is not a semver range: %w", ErrRefNotFound, expr, err)
	}
	var best *semver.Version
	var name string
	for _, ref := range slices.Sorted(maps.Keys(ar.References)) {
		tag, ok := strings.CutPrefix(ref, tagPrefix)
		if !ok {
			continue
		}
		v, err := semver.NewVersion(tag)
		if err != nil || strings.Count(tag, ".") < 2 || !constraint.Check(v) {
			continue
		}
		if best == nil || !v.LessThan(best) {
			best, name = v, ref
		}
	}
	if best == nil {
		return target{}, fmt.Errorf("%w: no tag is in the semver range %q", ErrRefNotFound, expr)
	}
	return lookup(ar, name, "")
}

// commits maps every advertised ref and HEAD to the commit it leads to.
func commits(ar *packp.AdvRefs) map[string]string {
	refs := make(map[string]string, len(ar.References)+1)
	for name := range ar.References {
		refs[name] = peeled(ar, name).String()
	}
	if ar.Head != nil {
		refs["HEAD"] = ar.Head.String()
	}
	return refs
}
