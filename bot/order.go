package bot

import (
	"context"
	"errors"
	"fmt"

	"tokenward/gitops/forge"
)

// How the order of merging is kept, as the hidden state remembers it.
const (
	orderByDependency = "dependency" // GitLab itself lets the package's request wait
	orderByWords      = "words"      // the description asks for it
)

// dependencies makes one merge request wait for another; *forge.Client does.
type dependencies interface {
	BlockMergeRequest(ctx context.Context, projectID, iid, blockingID int64) error
}

// keepOrder makes a package's new request wait for the umbrella's, where the server
// offers that; elsewhere the description's words must do. It asks once per pair.
func (w *writer) keepOrder(ctx context.Context, p *proposal, all []*proposal) error {
	if p.role != RolePackage || p.state.Order != "" {
		return nil
	}
	if !stateComment.MatchString(p.request.Description) {
		return nil // people took our part out: there is no place to remember that it was asked
	}
	for _, o := range all {
		if o.role != RoleUmbrella || o.request == nil || o.request.State != forge.Opened {
			continue
		}
		err := w.dependencies.BlockMergeRequest(ctx, p.project.ID, p.request.IID, o.request.ID)
		switch {
		case errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrForbidden):
			p.state.Order = orderByWords
		case err != nil:
			return fmt.Errorf("make %s wait for %s: %w", p.request.Reference, o.request.Reference, err)
		default:
			p.state.Order = orderByDependency
		}
	}
	return nil
}
