package sandbox

import (
	"net/http"
	"slices"
	"sync"
)

// keptRequests bounds the memory of a sandbox that runs for days.
const keptRequests = 10_000

// Request is one call to the API or to git, as the server answered it.
type Request struct {
	Method string
	Path   string // decoded, for example /api/v4/projects/group/name/merge_requests
	Query  string // as it was sent
	Status int    // 0 when the connection was cut
	User   string // username of the token's owner, empty without one
}

// requestLog remembers the newest requests.
type requestLog struct {
	mu     sync.Mutex
	list   []Request
	resets int
}

// begins returns what add needs to know of when a request came.
func (l *requestLog) begins() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.resets
}

// add remembers a request that was answered, unless those of its time are forgotten.
func (l *requestLog) add(r Request, began int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began != l.resets {
		return
	}
	if len(l.list) >= keptRequests {
		l.list = slices.Delete(l.list, 0, keptRequests/10)
	}
	l.list = append(l.list, r)
}

// Requests returns the answered API and git requests, oldest first; page views
// are not among them. Of a very long run only the newest are kept.
func (s *Server) Requests() []Request {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return slices.Clone(s.requests.list)
}

// ResetRequests forgets the requests so far, those, too, that are still being answered: after a push
// git tidies up, while its client goes on.
func (s *Server) ResetRequests() {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	s.requests.list = nil
	s.requests.resets++
}

// recorder notes what was answered, and to whom.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
	user   string
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
