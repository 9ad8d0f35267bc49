package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenward/gitops/forge"
)

// umbrellaID tells this umbrella apart from others.
func (b *Bot) umbrellaID() string { return b.idOf(b.cfg.Umbrella) }

// idOf tells an umbrella apart from others, also of the same project: by all that it is
// read with. It is "" for one that is not on the GitLab server.
func (b *Bot) idOf(u Umbrella) string {
	path := b.projectPath(u.Repository)
	if path == "" {
		return ""
	}
	read, err := json.Marshal([]any{u.Ref, u.ChartDir, u.ValuesPath, u.Values, u.ReleaseName, u.Namespace})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(read)
	return strings.ToLower(path) + " " + hex.EncodeToString(sum[:6])
}

// otherUmbrella is the path of the umbrella to which a request belongs by its hidden
// state, "" if that is this one. What an umbrella is read with may change, and its project may move:
// another is only one that is configured beside it, or whose project is another. One
// that the token's user may not see counts, too, so that two never push to one branch in turn.
func (b *Bot) otherUmbrella(ctx context.Context, st state) (string, error) {
	mine := b.umbrellaID()
	if st.Umbrella == "" || mine == "" || st.Umbrella == mine {
		return "", nil
	}
	path, _, _ := strings.Cut(st.Umbrella, " ")
	if slices.ContainsFunc(b.cfg.Beside, func(u Umbrella) bool { return b.idOf(u) == st.Umbrella }) {
		return path, nil
	}
	same, err := b.isMine(ctx, path)
	if errors.Is(err, forge.ErrNotFound) {
		return path, nil
	}
	if err != nil || same {
		return "", err
	}
	return path, nil
}

// isMine tells whether a path leads to the umbrella's own project, maybe since that was moved.
func (b *Bot) isMine(ctx context.Context, path string) (bool, error) {
	own := b.projectPath(b.cfg.Umbrella.Repository)
	if strings.EqualFold(path, own) {
		return true, nil
	}
	other, err := b.forge.Project(ctx, path)
	if errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrNoToken) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up project %s of another umbrella: %w", path, err)
	}
	project, err := b.forge.Project(ctx, own)
	if err != nil {
		return false, fmt.Errorf("look up project %s: %w", own, err)
	}
	return project.ID == other.ID, nil
}

// others parts the requests of a branch: out go those of other umbrellas. While one of these is
// open or was declined, it says why the branch is not this umbrella's.
func (w *writer) others(ctx context.Context, p *proposal) error {
	var own []forge.MergeRequest
	for _, r := range p.requests {
		st, _ := w.seal.read(r.Description)
		path, err := w.otherUmbrella(ctx, st)
		if err != nil {
			return err
		}
		if path == "" {
			own = append(own, r)
			continue
		}
		if p.taken == "" && len(own) == 0 && r.State != forge.Merged && !st.Closed {
			p.taken = fmt.Sprintf("%s has it for umbrella %s", r.Reference, path)
		}
	}
	p.requests = append([]forge.MergeRequest{}, own...) // not nil, so that it counts as read
	return nil
}

// yield leaves a branch to the umbrella that has it. One section documents a package for all umbrellas; in the
// umbrella's own project nothing can be proposed then.
func (p *proposal) yield() error {
	if p.role == RolePackage {
		p.decision = decision{skip: p.taken + ": one section documents the package for both"}
		p.action, p.reason = ActionSkipped, p.decision.skip
		return nil
	}
	return &Refusal{Unit: p.unit, Reason: fmt.Errorf("branch %s is another umbrella's: %s; run one of the two by itself, with another mergeRequests.branchPrefix", p.branch, p.taken)}
}

// documentsFor tells whether a package's section, as it stands, is about another umbrella, which is
// left alone: two umbrellas would write it in turn. A link to what is not there any more is brought up to date.
func (b *Bot) documentsFor(ctx context.Context, section, branch string) (bool, error) {
	path, ref := b.linked(section)
	own := b.projectPath(b.cfg.Umbrella.Repository)
	switch {
	case path == "" || own == "" || b.forge == nil:
		return false, nil
	case strings.EqualFold(path, own):
		return ref != escapePath(branch) && slices.ContainsFunc(b.cfg.Beside, func(u Umbrella) bool {
			other := u.Ref.Branch
			return b.idOf(u) != b.umbrellaID() && strings.EqualFold(b.projectPath(u.Repository), own) && (other == "" || ref == escapePath(other))
		}), nil
	}
	same, err := b.isMine(ctx, path)
	if errors.Is(err, forge.ErrNotFound) {
		return false, nil
	}
	return err == nil && !same, err
}

// linked is the project on the server, and the branch of it, to whose file a section links.
func (b *Bot) linked(section string) (path, branch string) {
	_, rest, ok := strings.Cut(section, "]("+strings.TrimSuffix(b.cfg.GitLabURL, "/")+"/")
	path, rest, blob := strings.Cut(rest, "/-/blob/")
	branch, _, file := strings.Cut(rest, "/")
	if b.cfg.GitLabURL == "" || !ok || !blob || !file || strings.ContainsAny(path, " \n()") {
		return "", ""
	}
	return path, branch
}
