package git

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Rewrite replaces the prefix From of a URL by To.
type Rewrite struct{ From, To string }

// sortRewrites returns the rewrites with the longest From first, equal ones
// in the order given.
func sortRewrites(rewrites []Rewrite) []Rewrite {
	sorted := slices.Clone(rewrites)
	slices.SortStableFunc(sorted, func(a, b Rewrite) int { return len(b.From) - len(a.From) })
	return sorted
}

// Effective returns the URL that is asked when url is given: rewritten by the
// longest matching prefix, and without user information where the transport
// does not need it. A URL that no rewrite matches stays as it is otherwise.
func (s *Store) Effective(url string) string {
	url = stripUserinfo(url)
	for _, r := range s.rewrites {
		if rest, ok := strings.CutPrefix(url, r.From); ok {
			return stripUserinfo(r.To + rest)
		}
	}
	return url
}

// scpLike is git's short form of an ssh address, user@host:path.
var scpLike = regexp.MustCompile(`^(?:([^@/:\s]+)@)?([^@/:\s]{2,}):([^:].*)$`)

// stripUserinfo removes user information from a URL. An ssh URL keeps its
// user name, which is part of the address and no secret, but no password.
func stripUserinfo(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	host, path := splitAuthority(rest)
	at := strings.LastIndexByte(host, '@')
	if at < 0 {
		return raw
	}
	user, _, _ := strings.Cut(host[:at], ":")
	if strings.EqualFold(scheme, "ssh") && user != "" {
		return scheme + "://" + user + "@" + host[at+1:] + path
	}
	return scheme + "://" + host[at+1:] + path
}

// splitAuthority splits what follows the scheme into authority and path. A
// password may hold an unescaped slash, so an @ before the next colon-free
// part counts as belonging to the authority only if a colon precedes it.
func splitAuthority(rest string) (host, path string) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return rest, ""
	}
	host, path = rest[:end], rest[end:]
	if strings.Contains(host, ":") && !strings.Contains(host, "@") {
		if at := strings.LastIndexByte(path, '@'); at >= 0 && !portOnly(host) {
			next := strings.IndexAny(path[at:], "/?#")
			if next < 0 {
				return rest, ""
			}
			return rest[:end+at+next], path[at+next:]
		}
	}
	return host, path
}

// portOnly reports whether host is a name with a numeric port or a bare
// address, and so no user with a password.
func portOnly(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	_, port, _ := strings.Cut(host, ":")
	return port != "" && strings.Trim(port, "0123456789") == ""
}

// redactURL returns url as it may be shown: no user information, no query.
func redactURL(raw string) string {
	shown := raw
	if scheme, rest, ok := strings.Cut(raw, "://"); ok {
		host, path := splitAuthority(rest)
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = host[at+1:]
		}
		shown = scheme + "://" + host + path
	} else if m := scpLike.FindStringSubmatch(raw); m != nil {
		shown = m[2] + ":" + m[3]
	}
	if i := strings.IndexAny(shown, "?#"); i >= 0 {
		shown = shown[:i]
	}
	return shown
}

// endpoint parses an effective URL. Its errors name the URL in redacted form
// only.
func endpoint(effective string) (*transport.Endpoint, error) {
	shown := redactURL(effective)
	if !strings.Contains(effective, "://") {
		if m := scpLike.FindStringSubmatch(effective); m != nil {
			return checked(&transport.Endpoint{Protocol: "ssh", User: m[1], Host: m[2], Path: m[3]})
		}
		if !filepath.IsAbs(effective) {
			return nil, fmt.Errorf("%w: %q is neither a URL (https, http, ssh, file) nor an absolute path", ErrURL, shown)
		}
		return checked(&transport.Endpoint{Protocol: "file", Path: effective})
	}
	u, err := url.Parse(effective)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is not a valid URL", ErrURL, shown)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: %q has a query or a fragment, which a repository's URL must not have", ErrURL, shown)
	}
	switch u.Scheme {
	case "file":
		return checked(&transport.Endpoint{Protocol: "file", Path: u.Path})
	case "http", "https", "ssh":
		if u.Host == "" {
			return nil, fmt.Errorf("%w: %q names no host", ErrURL, shown)
		}
		ep, err := transport.NewEndpoint(effective)
		if err != nil {
			return nil, fmt.Errorf("%w: %q is not a valid URL", ErrURL, shown)
		}
		return checked(ep)
	}
	return nil, fmt.Errorf("%w: %q has the scheme %q; only https, http, ssh and file are supported", ErrURL, shown, u.Scheme)
}

// checked refuses paths that a program on the other side could take for an
// option.
func checked(ep *transport.Endpoint) (*transport.Endpoint, error) {
	if ep.Path == "" || strings.HasPrefix(ep.Path, "-") || strings.ContainsRune(ep.Path, 0) {
		return nil, fmt.Errorf("%w: %q is not the path of a repository", ErrURL, ep.Path)
	}
	return ep, nil
}
