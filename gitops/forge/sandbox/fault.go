package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with one request; the zero value is nothing.
type Fault struct {
	// Status is answered instead of the proper answer: 429 as GitLab's limits
	// do, anything else as the server or a proxy before it would.
	Status int
	// Wait is what a 429 asks to wait; zero means what the server's configuration says.
	Wait time.Duration
	// Cut ends the connection without any answer. Clients built on net/http
	// may repeat a GET after that on their own.
	Cut bool
	// Acted lets the server act first, so that the caller alone does not get
	// to know that it worked.
	Acted bool
	// Stall lets the server act, and then the caller wait for the answer until it
	// gives up.
	Stall bool
}

// SetFault lets decide choose what goes wrong with every request to the API and
// to git from now on; nil ends that. decide sees the request without its status
// and may be called by several requests at once. A cut needs a server of
// net/http in front.
func (s *Server) SetFault(decide func(Request) Fault) {
	if decide == nil {
		decide = func(Request) Fault { return Fault{} }
	}
	s.fault.Store(&decide)
}

// faultFor asks what goes wrong with a request.
func (s *Server) faultFor(asked Request, api bool) Fault {
	if decide := s.fault.Load(); decide != nil {
		if f := (*decide)(asked); f != (Fault{}) {
			return f
		}
	}
	if api && s.cfg.LimitEvery > 0 && s.calls.Add(1)%int64(s.cfg.LimitEvery) == 0 {
		return Fault{Status: http.StatusTooManyRequests}
	}
	return Fault{}
}

// suffer answers a request with which something goes wrong; serve is what would
// answer it.
func (s *Server) suffer(rec *recorder, r *http.Request, f Fault, serve func(*recorder)) {
	if f.Acted || f.Stall {
		serve(&recorder{ResponseWriter: &nowhere{header: http.Header{}}, status: http.StatusOK})
	} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
		s.report(r, err)
	}
	if f.Stall {
		// Only a body that was read to its end lets the server see that the caller went away.
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			s.report(r, err)
		}
		<-r.Context().Done()
	}
	if f.Cut || f.Stall {
		rec.status = 0
		return
	}
	switch f.Status {
	case http.StatusTooManyRequests:
		s.limitHeaders(rec.Header(), cmp.Or(f.Wait, s.cfg.RetryAfter))
		http.Error(rec, "Retry later", f.Status)
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		rec.Header().Set("Content-Type", "text/html; charset=utf-8")
		rec.WriteHeader(f.Status)
		page := fmt.Sprintf("<!DOCTYPE html>\n<title>GitLab is not responding (%d)</title>\n", f.Status)
		if _, err := io.WriteString(rec, page); err != nil {
			s.report(r, err)
		}
	default:
		rec.Header().Set("Content-Type", "application/json")
		rec.WriteHeader(f.Status)
		if _, err := fmt.Fprintf(rec, `{"message":"%d %s"}`, f.Status, http.StatusText(f.Status)); err != nil {
			s.report(r, err)
		}
	}
}

// limitHeaders are those of GitLab's request limits. They count per minute.
func (s *Server) limitHeaders(h http.Header, wait time.Duration) {
	reset := s.cfg.Now().Add(wait)
	for name, value := range map[string]string{
		"Retry-After":         strconv.Itoa(int((wait + time.Second - 1) / time.Second)),
		"RateLimit-Name":      "throttle_authenticated_api",
		"RateLimit-Limit":     "120",
		"RateLimit-Observed":  "121",
		"RateLimit-Remaining": "0",
		"RateLimit-Reset":     strconv.FormatInt(reset.Unix(), 10),
		"RateLimit-ResetTime": reset.UTC().Format(http.TimeFormat),
	} {
		h.Set(name, value)
	}
}

// nowhere takes an answer that nobody gets.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
