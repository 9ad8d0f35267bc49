package forge

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxBody bounds the body of an answer. GitLab's largest are lists of a
// hundred merge requests.
const maxBody = 64 << 20

// maxRefusal is how much is read of an answer that says what is wrong, of which one line is
// shown. go-gitlab takes time that grows with the square of how deep such a body is nested.
const maxRefusal = 16 << 10

var (
	errForeignHost = errors.New("GitLab redirects to another host, which is not followed")
	errTooLarge    = errors.New("the answer is larger than any honest one")
	errPeoples     = errors.New("merging, approving and the rules of approval are left to people, and not asked for")
)

// guard is the transport that every request passes: it adds the token, and
// enforces the dry run, what is left to people, the host and the size of answers.
type guard struct {
	base     http.RoundTripper
	url      *url.URL
	token    func() (string, error)
	tokenFor func(project string) (string, error)
	asked    sync.Map // project id -> the path by which it was read
	readOnly bool
	maxBody  int64
	used     sync.Map // every token that was sent, to scrub errors
	observe  func(Call)
	now      func() time.Time
}

func newGuard(config Config, base *url.URL) (*guard, error) {
	g := &guard{url: base, token: config.Token, tokenFor: config.TokenFor, readOnly: config.ReadOnly, maxBody: maxBody, observe: config.Observe, now: config.Now}
	switch {
	case config.HTTPClient != nil && config.HTTPClient.Transport != nil:
		g.base = config.HTTPClient.Transport
	case config.HTTPClient != nil:
		g.base = http.DefaultTransport
	default:
		transport, err := newTransport(config.CA)
		if err != nil {
			return nil, err
		}
		g.base = transport
	}
	return g, nil
}

func newTransport(ca []byte) (*http.Transport, error) {
	const connect = 15 * time.Second
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: connect,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if len(ca) == 0 {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the configured certificate authorities hold no certificate in PEM form")
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if g.readOnly && req.Method != http.MethodGet && req.Method != http.MethodHead {
		return nil, fmt.Errorf("%w: %s is not sent", ErrReadOnly, req.Method)
	}
	if peoples(req) {
		return nil, fmt.Errorf("%w: %s %s", errPeoples, req.Method, req.URL.Path)
	}
	if !g.own(req.URL) {
		return nil, fmt.Errorf("%w: %s", errForeignHost, req.URL.Host)
	}
	req = req.Clone(req.Context())
	// go-gitlab sets the header even for the empty token that it was given.
	req.Header.Del("Private-Token")
	token, err := g.secret(g.project(req))
	if err != nil {
		return nil, err
	}
	if token != "" {
		g.used.Store(token, nil)
		req.Header.Set("Private-Token", token)
	}
	resp, err := g.observed(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		resp.Body = cutBody{io.LimitReader(resp.Body, maxRefusal), resp.Body}
		return resp, nil
	}
	resp.Body = &cappedBody{ReadCloser: resp.Body, left: g.maxBody, objects: maxObjects, values: maxValues}
	return resp, nil
}

// peoples reports whether a request would merge or approve a merge request, or change who
// has to approve. Reading that is no such request.
func peoples(req *http.Request) bool {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return false
	}
	_, path, _ := strings.Cut(req.URL.EscapedPath(), "/projects/")
	parts := strings.Split(path, "/") // the project, merge_requests, its number, what to do
	if len(parts) > 3 && parts[1] == "merge_requests" {
		parts = parts[2:]
	}
	if len(parts) < 2 {
		return false
	}
	switch parts[1] {
	case "merge", "merge_trains", "approve", "unapprove", "reset_approvals", "approvals", "approval_rules", "approval_settings", "merge_request_approval_setting":
		return true
	}
	return false
}

// own reports whether a URL is at the configured instance.
func (g *guard) own(u *url.URL) bool {
	return u.Scheme == g.url.Scheme && strings.EqualFold(u.Host, g.url.Host)
}

// checkRedirect follows a read to a moved project's new place. Anything but a
// read gets the redirect as its answer, so that it is not turned into a read
// behind our back.
func (g *guard) checkRedirect(req *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	case !g.own(req.URL):
		return fmt.Errorf("%w: %s", errForeignHost, req.URL.Host)
	case len(via) > 3:
		return errors.New("GitLab redirects without end")
	}
	return nil
}

// scrub removes the tokens from text that a server sent.
func (g *guard) scrub(text string) string {
	g.used.Range(func(key, _ any) bool {
		token := key.(string)
		encoded := base64.StdEncoding.EncodeToString([]byte(token))
		text = strings.NewReplacer(token, "[redacted]", encoded, "[redacted]", url.QueryEscape(token), "[redacted]").Replace(text)
		return true
	})
	return text
}
