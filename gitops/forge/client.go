// Package forge talks to GitLab. It is the only place that knows go-gitlab,
// and hands out types and errors of its own.
//
// It never writes in a dry run, never repeats a request that may have created
// something without looking first, never follows a redirect to another host,
// never returns a list that was not read to its end, and never shows the
// token.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/xanzy/go-gitlab"
	"golang.org/x/time/rate"
)

// Config says how to reach a GitLab instance.
type Config struct {
	// BaseURL is the instance's address, with its path if it is served below
	// one: https://gitlab.example.org. The API's own path may be left out.
	BaseURL string
	// Token returns the access token and is asked before every request, so
	// that a rotated one is picked up. Nil means anonymous.
	Token func() (string, error)
	// TokenFor returns the token for calls about one project, by the path by which
	// it was read; nil means that Token is for all.
	TokenFor func(project string) (string, error)
	// HTTPClient supplies the transport; nil means one of our own with TLS
	// verified and proxies from the environment. Its redirect policy and its
	// time limit are not used.
	HTTPClient *http.Client
	// CA holds certificate authorities in PEM form, added to the system's. It
	// is ignored beside HTTPClient.
	CA        []byte
	UserAgent string
	// ReadOnly makes every request but GET and HEAD fail with ErrReadOnly
	// before it leaves.
	ReadOnly bool
	// Observe is told of every request after its answer, nil for nobody. It is
	// called from several goroutines at once.
	Observe func(Call)

	// Timeout bounds one request with its answer, 30 s if zero. MaxWait bounds
	// what is waited before one repetition, 1 min if zero: a server that asks
	// for more gets an ErrRateLimited instead.
	Timeout, MaxWait time.Duration
	// Sleep waits for a time or until the context ends, in which case it
	// returns the context's error; Now tells the time. Nil means the real
	// clock.
	Sleep func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
}

// Client is a connection to one GitLab instance. It may be used concurrently.
type Client struct {
	config    Config
	api       *gitlab.Client
	transport *guard
	host      string
	paths     sync.Map // project id -> path, to name projects in errors
	users     sync.Map // digest of a token -> its User
}

// New checks config and returns a Client. It contacts nobody.
func New(config Config) (*Client, error) {
	config = config.withDefaults()
	base, err := parseBase(config.BaseURL)
	if err != nil {
		return nil, err
	}
	transport, err := newGuard(config, base)
	if err != nil {
		return nil, err
	}
	// Retries and waiting are ours, see retry.go: go-gitlab would repeat a
	// POST, and wait without bound.
	api, err := gitlab.NewClient("",
		gitlab.WithBaseURL(base.String()),
		gitlab.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: transport.checkRedirect}),
		gitlab.WithCustomLimiter(rate.NewLimiter(rate.Inf, 0)),
		gitlab.WithoutRetries(),
		gitlab.WithCustomRetryMax(0),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the GitLab client: %w", err)
	}
	api.UserAgent = config.UserAgent
	return &Client{config: config, api: api, transport: transport, host: base.Hostname()}, nil
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxWait == 0 {
		c.MaxWait = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.UserAgent == "" {
		c.UserAgent = "tokenward"
	}
	return c
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parseBase checks the address of an instance; its errors do not repeat it,
// since it could hold a password.
func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the GitLab address is not a valid URL")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return nil, errors.New("the GitLab address must be a URL such as https://gitlab.example.org")
	case u.User != nil:
		return nil, errors.New("the GitLab address must not hold a user name or a password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the GitLab address must not have a query or a fragment")
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/api/v4"), "/") + "/"
	return u, nil
}

// name returns what to call a project in an error.
func (c *Client) name(projectID int64) string {
	if path, ok := c.paths.Load(projectID); ok {
		return path.(string)
	}
	return fmt.Sprintf("project %d", projectID)
}
