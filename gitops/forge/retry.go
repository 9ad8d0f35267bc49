package forge

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/xanzy/go-gitlab"
)

const (
	// attempts is how often a request is sent at most; the waits between
	// double from firstWait, 7.5 s in all.
	attempts  = 5
	firstWait = 500 * time.Millisecond
)

// repeatable says what may be done with a request whose fate is unknown.
type repeatable bool

const (
	// again: reads, and updates that set what they set.
	again repeatable = true
	// once: whatever creates something. It is repeated only if GitLab says
	// that it did not process it (429).
	once repeatable = false
)

// request is one call of go-gitlab.
type request func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error)

// call sends a request, again as the policy allows. It fails with an *Error.
func (c *Client) call(ctx context.Context, op, project string, policy repeatable, send request) error {
	for n := 0; ; n++ {
		e := c.attempt(ctx, op, project, send)
		if e == nil {
			return nil
		}
		wait, ok := c.next(e, policy, n)
		if !ok || ctx.Err() != nil {
			return e
		}
		if err := c.config.Sleep(ctx, wait); err != nil {
			e.err = errors.Join(e.err, err)
			return e
		}
	}
}

// attempt sends a request once.
func (c *Client) attempt(ctx context.Context, op, project string, send request) *Error {
	if err := ctx.Err(); err != nil {
		return &Error{Op: op, Project: project, Message: err.Error(), err: errors.Join(errNotSent, err)}
	}
	within, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	resp, err := send(gitlab.WithContext(within))
	if err == nil {
		return nil
	}
	return c.fail(op, project, resp, err)
}

// next tells whether to send a failed request again, and after what wait. n
// counts from zero.
func (c *Client) next(e *Error, policy repeatable, n int) (time.Duration, bool) {
	limited := e.Is(ErrRateLimited)
	if n+1 >= attempts || !limited && (policy == once || !e.Is(ErrUnavailable) || errors.Is(e, errTooLarge)) {
		return 0, false
	}
	if e.RetryAfter > c.config.MaxWait {
		return 0, false
	}
	return max(e.RetryAfter, backoff(n)), true
}

// backoff doubles from firstWait, with up to a quarter more, so that clients
// that failed together do not come back together.
func backoff(n int) time.Duration {
	wait := firstWait << n
	return wait + rand.N(wait/4)
}

// retryAfter reads how long GitLab asks to wait: Retry-After in seconds or as
// a date, else the time at which the limit is reset.
func (c *Client) retryAfter(h http.Header) time.Duration {
	if text := h.Get("Retry-After"); text != "" {
		if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
			return max(0, time.Duration(seconds)*time.Second)
		}
		if at, err := http.ParseTime(text); err == nil {
			return max(0, at.Sub(c.config.Now()))
		}
	}
	if reset, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64); err == nil && h.Get("RateLimit-Remaining") == "0" {
		return max(0, time.Unix(reset, 0).Sub(c.config.Now()))
	}
	return 0
}
