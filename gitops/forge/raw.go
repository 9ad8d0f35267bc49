package forge

import (
	"context"
	"errors"
	"net/http"

	"github.com/xanzy/go-gitlab"
)

// send sends a request with a JSON body, and reads the answer into a type of
// our own. into may be nil. An answer that does not say what it is about, as the {} or
// null of a proxy, is an error: nothing may be concluded from it.
func (c *Client) send(method, path string, body, into any, options []gitlab.RequestOptionFunc) (*gitlab.Response, error) {
	req, err := c.api.NewRequest(method, path, body, options)
	if err != nil {
		return nil, err
	}
	resp, err := c.api.Do(req, into)
	if about, ok := into.(named); ok && err == nil && !about.named() {
		err = errNameless
	}
	return resp, err
}

// named is an answer about one thing that tells whether it says which one.
type named interface{ named() bool }

var (
	errNameless = errors.New("it does not say what it is about")
	errNoList   = errors.New("it is no list")
)

// read is call for one object at a path.
func (c *Client) read(ctx context.Context, op, name, path string, into any) error {
	return c.call(ctx, op, name, again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.get(path, into, options)
	})
}

// write is call for a request that changes something.
func (c *Client) write(ctx context.Context, op, name string, policy repeatable, method, path string, body, into any) error {
	return c.call(ctx, op, name, policy, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.send(method, path, body, into, options)
	})
}

// query holds the parameters of lists; empty ones are left out.
type query struct {
	gitlab.ListOptions
	Scope     string `url:"scope,omitempty"`
	State     string `url:"state,omitempty"`
	Labels    string `url:"labels,omitempty"`
	AuthorID  int64  `url:"author_id,omitempty"`
	Username  string `url:"username,omitempty"`
	Title     string `url:"title,omitempty"`
	Ancestors bool   `url:"include_ancestors,omitempty"`
	OrderBy   string `url:"order_by,omitempty"`
	Sort      string `url:"sort,omitempty"`
}

// listed reads a list at a path to its end, page by page.
func listed[T any](ctx context.Context, c *Client, op, name, path string, q query) ([]T, error) {
	var all []T
	err := c.pages(ctx, op, name, func(page gitlab.ListOptions, options []gitlab.RequestOptionFunc) (int, *gitlab.Response, error) {
		q.ListOptions = page
		req, err := c.api.NewRequest(http.MethodGet, path, &q, options)
		if err != nil {
			return 0, nil, err
		}
		var rows []T
		resp, err := c.api.Do(req, &rows)
		if err == nil && rows == nil { // null
			err = errNoList
		}
		if err != nil {
			return 0, resp, err
		}
		all = append(all, rows...)
		return len(rows), resp, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// createOnce sends a request that creates something that can be recognised.
// After an answer that does not tell whether GitLab acted, it looks for the
// thing before it sends the request again, so that there are never two. find
// is nil where there is nothing to recognise: then it is never sent again.
func (c *Client) createOnce(ctx context.Context, post func() error, find func() (bool, error)) error {
	for tries := 0; ; tries++ {
		err := post()
		var e *Error
		if err == nil || find == nil || !errors.As(err, &e) || !e.Is(ErrUnavailable) {
			return err
		}
		found, lookErr := find()
		if lookErr != nil {
			e.err = errors.Join(e.err, lookErr)
			return e
		}
		if found {
			return nil
		}
		if tries+1 >= attempts || c.config.Sleep(ctx, backoff(tries)) != nil {
			return err
		}
		// It may have arrived while we waited.
		if found, lookErr = find(); found || lookErr != nil {
			if lookErr != nil {
				e.err = errors.Join(e.err, lookErr)
				return e
			}
			return nil
		}
	}
}
