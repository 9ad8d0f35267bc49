package bot

import (
	"context"
	"errors"

	"tokenward/gitops/git"
)

// umbrellaReading is the umbrella being fetched beside something else.
type umbrellaReading struct {
	cancel   context.CancelFunc
	done     chan struct{}
	snapshot *git.Snapshot
	err      error
}

// readUmbrella begins to fetch the umbrella, as one of so many as a fetcher fetches at once. The caller ends it.
func (b *Bot) readUmbrella(ctx context.Context, f *fetcher) *umbrellaReading {
	ctx, cancel := context.WithCancel(ctx)
	r := &umbrellaReading{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = b.during(ctx, StepDiscover, "", func(ctx context.Context) (err error) {
			if err = f.slots.enter(ctx); err == nil {
				defer f.slots.leave()
				r.snapshot, err = b.fetchUmbrella(ctx)
			}
			return err
		})
	}()
	return r
}

// wait returns the umbrella.
func (r *umbrellaReading) wait() (*git.Snapshot, error) {
	<-r.done
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
