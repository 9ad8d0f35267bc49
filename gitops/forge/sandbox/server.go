// Package sandbox is an embedded server that behaves like GitLab for the part
// that tokenward uses: REST under /api/v4, git over smart HTTP, and pages for
// people. It serves the bare repositories of a folder and keeps merge requests,
// issues, labels, notes and webhooks in memory, so a demo or a test needs
// neither GitLab nor an account.
//
// It owns what GitLab answers: statuses, JSON shapes, and the texts of its
// refusals. Merges, conflicts and diffs come from the git program itself. It
// refuses to pretend: a route or a parameter that it does not know answers 501,
// never an empty success. It is no GitLab: users are the owners of the
// configured tokens, there are no pipelines and no forks, a merge closes issues
// of its own project only, references leave no notes elsewhere, and its pages are
// open to whoever reaches the address. Serve it on loopback; webhooks go nowhere
// else.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yuin/goldmark"
)

// Config says what a Server serves, and to whom.
type Config struct {
	// Repositories is a folder of bare repositories; DIR/group/sub/name.git is
	// the project group/sub/name. Symbolic links inside it are not followed.
	Repositories string
	// URL is the address that answers carry in their links, for example
	// http://127.0.0.1:8080; empty means the Host of each request. SetURL
	// changes it once the server listens.
	URL string
	// Tokens are the accounts; without any, only PublicRead lets somebody in.
	Tokens []Token
	// Groups gives groups members of their own: path, username, level. The members
	// of any other group are those of all projects, by the Access of their tokens.
	Groups map[string]map[string]int
	// PublicRead lets everybody read projects and fetch without a token, as
	// GitLab does for public projects.
	PublicRead bool
	// LimitEvery answers every so-manieth call to the API with 429, as GitLab's
	// request limits do; 0 means never. RetryAfter is what it asks to wait, a
	// second if zero.
	LimitEvery int
	RetryAfter time.Duration
	// DisableHooks switches hooks off that fail again and again, as GitLab does where
	// its administrator wants that.
	DisableHooks bool
	// UnsignedHooks passes signing tokens over in silence, as GitLab before 19.0 does.
	UnsignedHooks bool
	// Memory keeps git's answers; nil means one of the server's own.
	Memory *Memory
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log receives what went wrong inside the server; nil discards it.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Memory == nil {
		c.Memory = NewMemory()
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server is the sandbox. It is an http.Handler and safe for concurrent use.
// Calls about one project run one after the other.
type Server struct {
	cfg      Config
	root     string
	accounts *accounts
	api      http.Handler
	pages    *template.Template
	markdown goldmark.Markdown
	requests requestLog
	lastID   atomic.Int64 // ids of merge requests, notes and labels
	postman  *postman
	groups   groupHooks
	fault    atomic.Pointer[func(Request) Fault]
	calls    atomic.Int64 // to the API, while there is a limit

	mu       sync.Mutex // guards what follows
	url      string
	lastURL  string
	projects map[string]*project
	moved    map[string]int     // former path -> id
	byID     map[int]requestRef // merge requests, by their global id
	lastPID  int
}

// New returns a server over the bare repositories under cfg.Repositories. It
// fails when that is no folder, when the git program is missing or too old to
// merge without a working tree, or when a token is incomplete or used twice.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	root, err := filepath.Abs(cfg.Repositories)
	if err != nil {
		return nil, fmt.Errorf("locate repositories: %w", err)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, fmt.Errorf("locate repositories: %w", err)
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("locate repositories: %s is no folder", cfg.Repositories)
	}
	accounts, err := newAccounts(cfg.Tokens, cfg.Now)
	if err != nil {
		return nil, err
	}
	if err := checkGit(context.Background(), cfg.Memory); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		root:     root,
		accounts: accounts,
		markdown: newMarkdown(),
		url:      strings.TrimSuffix(cfg.URL, "/"),
		projects: map[string]*project{},
		postman:  newPostman(),
		moved:    map[string]int{},
		byID:     map[int]requestRef{},
	}
	if s.pages, err = parsePages(); err != nil {
		return nil, err
	}
	s.api = s.routes()
	if err := s.scan(); err != nil {
		return nil, err
	}
	return s, nil
}

// SetURL sets the address that answers carry in their links. Call it once the
// port is known; an empty string means the Host of each request.
func (s *Server) SetURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = strings.TrimSuffix(url, "/")
}

// baseURL returns the address for links. Without a request, and without an
// address that was set, it is that of the last request.
func (s *Server) baseURL(r *http.Request) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.url != "" {
		return s.url
	}
	if r != nil {
		s.lastURL = "http://" + r.Host
	}
	return s.lastURL
}

func (s *Server) nextID() int { return int(s.lastID.Add(1)) }

// ServeHTTP answers the REST API, git, and browsers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	var serve func(*recorder)
	api := strings.HasPrefix(r.URL.Path, apiPrefix+"/")
	if project, service, ok := gitRequest(r); api {
		serve = func(rec *recorder) { s.serveAPI(rec, r) }
	} else if ok {
		serve = func(rec *recorder) { s.serveGit(rec, r, project, service) }
	} else {
		s.servePage(rec, r)
		return
	}
	asked := Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, User: s.accounts.username(r)}
	began := s.requests.begins()
	fault := s.faultFor(asked, api)
	if fault == (Fault{}) {
		serve(rec)
	} else {
		s.suffer(rec, r, fault, serve)
	}
	asked.Status = rec.status
	s.requests.add(asked, began)
	if fault.Cut || fault.Stall {
		panic(http.ErrAbortHandler) // net/http's way to end a connection
	}
}

// report logs what broke inside the server; a caller that went away is no news.
func (s *Server) report(r *http.Request, err error) {
	if r.Context().Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	s.cfg.Log.ErrorContext(r.Context(), "sandbox request", "method", r.Method, "path", r.URL.Path, "error", err)
}
