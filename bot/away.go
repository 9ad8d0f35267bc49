package bot

import (
	"errors"
	"time"

	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// Away tells whether an error only says that a server cannot be reached, is in trouble
// or asks for a pause, and how long it asks to wait, 0 if it does not say.
func Away(err error) (after time.Duration, away bool) {
	var answer *forge.Error
	if errors.As(err, &answer) {
		after = answer.RetryAfter
	}
	return after, errors.Is(err, forge.ErrUnavailable) || errors.Is(err, forge.ErrRateLimited) || errors.Is(err, git.ErrUnreachable)
}
