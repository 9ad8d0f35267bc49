package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
)

// content is what a delivery says, and of which event: the same for all hooks that
// hear of the event, and different for two events that happen to say the same.
type content [sha256.Size]byte

func contentOf(h http.Header, body []byte) content {
	sum := sha256.New()
	_, _ = sum.Write([]byte(h.Get("X-Gitlab-Event-Uuid") + "\n")) // never fails
	_, _ = sum.Write(body)
	return content(sum.Sum(nil))
}

func (c content) id() string { return "content:" + base64.RawURLEncoding.EncodeToString(c[:]) }

const (
	longestID = 128  // GitLab's ids are UUIDs
	kept      = 4096 // deliveries that are remembered, at least
)

// sameEvents knows by which id the newest events were delivered first, so that the
// hook of a group and that of its project make one delivery. It is forgotten with
// the process: then there are two, whose triggers are the same work anyway.
type sameEvents struct {
	mu       sync.Mutex
	now, old map[content]string
}

// deliveryID returns the id of a delivery: webhook-id or Idempotency-Key, which stay
// when GitLab sends it again. Before GitLab 17.4 there is neither; then it is the
// content with the event's own id, which holds what tells one event from the next.
func (s *sameEvents) deliveryID(h http.Header, body []byte) string {
	c := contentOf(h, body)
	id := h.Get("Webhook-Id")
	if id == "" {
		id = h.Get("Idempotency-Key")
	}
	if id == "" || len(id) > longestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return c.id()
	}
	if h.Get("X-Gitlab-Event-Uuid") == "" {
		return id
	}
	return s.first(c, id)
}

// first returns the id by which the content came first: id, if it is new.
func (s *sameEvents) first(c content, id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.now[c]; ok {
		return known
	}
	if known, ok := s.old[c]; ok {
		id = known
	}
	if s.now == nil || len(s.now) >= kept {
		s.now, s.old = map[content]string{}, s.now
	}
	s.now[c] = id
	return id
}
