package git

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	dialTimeout            = 15 * time.Second
	defaultResponseTimeout = 2 * time.Minute
	maxErrorBody           = 64 << 10
)

var errForeignRedirect = errors.New("the server redirects to another host")

// newHTTPClient returns the client for https and http: TLS always verified,
// proxies from the environment, every body counted against the budget of the
// operation, no redirect to another host.
func newHTTPClient(ca []byte, responseTimeout time.Duration) (*http.Client, error) {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: responseTimeout,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if len(ca) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
		}
		if !pool.AppendCertsFromPEM(ca) {
			return nil, errors.New("the configured certificate authorities hold no certificate in PEM form")
		}
		base.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport: &countingTransport{base: base},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if !sameServer(via[0].URL, req.URL) {
				return fmt.Errorf("%w %s", errForeignRedirect, req.URL.Host)
			}
			if len(via) > 5 {
				return errors.New("the server redirects without end")
			}
			return nil
		},
	}, nil
}

// sameServer reports whether a redirect stays on the host and port that were asked, or
// leads from http to https there.
func sameServer(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	upgraded := from.Scheme == "http" && to.Scheme == "https" && from.Port() == "" && to.Port() == ""
	return upgraded || from.Scheme == to.Scheme && from.Port() == to.Port()
}

// countingTransport bounds response bodies: by the operation's budget, and
// answers that are not a success by what an error message may need.
type countingTransport struct{ base http.RoundTripper }

func (t *countingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body := io.Reader(resp.Body)
	if resp.StatusCode >= 300 {
		body = io.LimitReader(body, maxErrorBody)
	}
	if b := budgetFrom(req.Context()); b != nil {
		body = b.reader(body)
	}
	resp.Body = &countedBody{Reader: body, raw: resp.Body}
	return resp, nil
}

// countedBody is a response's body. Closing it reads what little may be left,
// without which the connection could not be used again.
type countedBody struct {
	io.Reader
	raw io.ReadCloser
}

func (b *countedBody) Close() error {
	// Whether that works is of no interest to who has read all it wanted.
	_, _ = io.CopyN(io.Discard, b.raw, 4<<10)
	return b.raw.Close()
}
