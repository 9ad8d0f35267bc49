package bot

import (
	"context"
	"errors"

	"tokenward/gitops/git"
)

// errMoved says that the umbrella's ref leads to another commit than a moment before.
var errMoved = errors.New("the umbrella has moved")

// umbrellaReading is the umbrella being fetched beside something else.
type umbrellaReading struct {
	expected string // the commit
	cancel   context.CancelFunc
	done     chan struct{}
	snapshot *git.Snapshot
	err      error
}

// readUmbrella begins to fetch the umbrella, whose ref has just led to a commit. The caller ends it.
func (b *Bot) readUmbrella(ctx context.Context, commit string) *umbrellaReading {
	ctx, cancel := context.WithCancel(ctx)
	r := &umbrellaReading{expected: commit, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.snapshot, r.err = b.fetchUmbrella(ctx)
	}()
	return r
}

// wait returns the umbrella, with errMoved if it is at another commit.
func (r *umbrellaReading) wait() (*git.Snapshot, error) {
	<-r.done
	if r.err == nil && r.snapshot.Commit != r.expected {
		return nil, errMoved
	}
	return r.snapshot, r.err
}

// end gives it up, if it is still under way.
func (r *umbrellaReading) end() {
	r.cancel()
	<-r.done
}

// fetchUmbrella fetches the branch that is configured or, if there is no such branch, the tag.
func (b *Bot) fetchUmbrella(ctx context.Context) (*git.Snapshot, error) {
	u := b.cfg.Umbrella
	s, err := b.store.Fetch(ctx, u.Repository, u.Ref)
	if errors.Is(err, git.ErrRefNotFound) && u.Ref.Branch != "" {
		if tagged, tagErr := b.store.Fetch(ctx, u.Repository, git.Ref{Tag: u.Ref.Branch}); tagErr == nil {
			return tagged, nil
		}
	}
	return s, err
}
