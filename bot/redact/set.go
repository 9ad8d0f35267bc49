// Package redact keeps secrets out of what people and machines read: a Set knows the secrets
// of this process and strikes them from text in the forms that they travel in. It
// reads no configuration and decides nothing about where text goes.
package redact

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Placeholder stands where a secret was.
const Placeholder = "[redacted]"

// shortest is the length from which on a value is struck: a shorter one would take
// innocent words with it, and is no secret to rely on.
const shortest = 6

// Set is the secrets that a process has read. It may be used concurrently; the nil
// Set knows none, and still strikes what looks like a GitLab token.
type Set struct {
	mu       sync.Mutex
	known    map[string]bool
	replacer atomic.Pointer[strings.Replacer]
}

// Add makes values known. Values of several lines, such as keys, are struck line by
// line. The nil Set stays without any.
func (s *Set) Add(values ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	added := false
	for _, v := range values {
		for _, line := range append(strings.Split(v, "\n"), v) {
			if line = strings.TrimSpace(line); len(line) < shortest || strings.HasPrefix(line, "-----") || s.known[line] {
				continue
			}
			if s.known == nil {
				s.known = map[string]bool{}
			}
			s.known[line], added = true, true
		}
	}
	if added {
		s.rebuild()
	}
}

// rebuild makes the replacer anew, the longest forms first, so that none is cut by
// one that it holds.
func (s *Set) rebuild() {
	var all []string
	for v := range s.known {
		all = append(all, forms(v)...)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, f := range slices.Compact(all) {
		pairs = append(pairs, f, Placeholder)
	}
	s.replacer.Store(strings.NewReplacer(pairs...))
}

// forms are the spellings in which a value travels: as it is, escaped for URLs and
// JSON, and inside base64 of any text, where it looks different at each of three places.
func forms(v string) []string {
	out := []string{v, url.QueryEscape(v), url.PathEscape(v)}
	if quoted, err := json.Marshal(v); err == nil {
		out = append(out, string(quoted[1:len(quoted)-1]))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + v))
			// The first characters belong to what stands before, the last to what follows.
			text = text[(before*8+5)/6:]
			if (before+len(v))%3 != 0 {
				text = text[:len(text)-1]
			}
			if len(text) >= shortest {
				out = append(out, text)
			}
		}
	}
	return out
}

var (
	// tokenPrefixes are what GitLab's tokens begin with.
	tokenPrefixes = []string{"glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "gloas-", "glffct-", "glwt-"}
	looksSecret   = regexp.MustCompile(`\b(` + strings.Join(tokenPrefixes, "|") + `)[A-Za-z0-9_.=-]{8,}`)
	// userinfo finds a password in a URL.
	userinfo = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)
)

// Text returns text without secrets.
func (s *Set) Text(text string) string {
	if s != nil {
		if r := s.replacer.Load(); r != nil {
			text = r.Replace(text)
		}
	}
	if slices.ContainsFunc(tokenPrefixes, func(p string) bool { return strings.Contains(text, p) }) {
		text = looksSecret.ReplaceAllString(text, Placeholder)
	}
	if strings.Contains(text, "://") {
		text = userinfo.ReplaceAllString(text, "${1}"+Placeholder+"@")
	}
	return text
}
