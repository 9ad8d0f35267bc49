package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	uploadPack  = "git-upload-pack"
	receivePack = "git-receive-pack"
)

// What GitLab tells the user of git.
const (
	textDenied     = "HTTP Basic: Access denied. The provided password or token is incorrect or your account has 2FA enabled and you must use a personal access token instead of a password."
	textNoProject  = "The project you were looking for could not be found or you don't have permission to view it."
	textNoPush     = "You are not allowed to push code to this project."
	textBlocked    = "Your account has been blocked."
	textNoDownload = "You are not allowed to download code from this project."
)

// gitRequest takes the address of a git call apart: the project's path, and
// info/refs or the service.
func gitRequest(r *http.Request) (project, call string, ok bool) {
	for _, call := range []string{"info/refs", uploadPack, receivePack} {
		if path, found := strings.CutSuffix(r.URL.Path, "/"+call); found && len(path) > 1 {
			if call == "info/refs" && !strings.HasSuffix(path, ".git") && r.URL.Query().Get("service") == "" {
				return "", "", false // a page may end so, too
			}
			return strings.TrimPrefix(path, "/"), call, true
		}
	}
	return "", "", false
}

// serveGit answers git's smart HTTP protocol.
func (s *Server) serveGit(rec *recorder, r *http.Request, path, what string) {
	service := what
	if what == "info/refs" {
		service = r.URL.Query().Get("service")
	}
	method := http.MethodPost
	if what == "info/refs" {
		method = http.MethodGet
	}
	switch {
	case service != uploadPack && service != receivePack:
		http.Error(rec, "Only git's smart protocol is served; use a git client of this century.", http.StatusForbidden)
		return
	case r.Method != method:
		http.Error(rec, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	case !strings.HasSuffix(path, ".git") && what == "info/refs":
		http.Redirect(rec, r, "/"+path+".git/info/refs?service="+service, http.StatusMovedPermanently)
		return
	}
	p, access := s.admit(rec, r, strings.TrimSuffix(path, ".git"), service)
	if p == nil {
		return
	}
	var err error
	switch {
	case what == "info/refs":
		err = s.advertise(rec, r, p, service)
	case r.Header.Get("Content-Type") != "application/x-"+service+"-request":
		http.Error(rec, "415 Unsupported Media Type", http.StatusUnsupportedMediaType)
	case service == uploadPack:
		err = s.serveFetch(rec, r, p)
	default:
		err = s.receive(rec, r, p, access)
	}
	if err != nil {
		s.report(r, err)
		if !rec.wrote {
			http.Error(rec, "500 Internal Server Error", http.StatusInternalServerError)
		}
	}
}

// admit returns the project and the caller's level on it; nil means that the
// caller was sent away.
func (s *Server) admit(rec *recorder, r *http.Request, path, service string) (*project, int) {
	var who *identity
	_, password, given := r.BasicAuth()
	if given {
		who = s.accounts.check(password)
		rec.user = who.username()
	}
	if who == nil && (given || !s.cfg.PublicRead || service == receivePack) {
		rec.Header().Set("WWW-Authenticate", `Basic realm="GitLab"`)
		http.Error(rec, textDenied, http.StatusUnauthorized)
		return nil, 0
	}
	p, err := s.find(path)
	if err != nil {
		s.report(r, err)
		http.Error(rec, "500 Internal Server Error", http.StatusInternalServerError)
		return nil, 0
	}
	access := NoAccess
	if p != nil {
		access = who.access(p.path, s.cfg.PublicRead)
	}
	refusal, status := "", http.StatusForbidden
	switch {
	case who != nil && who.user.blocked:
		refusal = textBlocked
	case access == NoAccess:
		refusal, status = textNoProject, http.StatusNotFound
	case access < Reporter:
		refusal = textNoDownload
	case service == receivePack && (access < Developer || who.readOnly() || p.archived()):
		refusal = textNoPush
	}
	if refusal != "" {
		http.Error(rec, refusal, status)
		return nil, 0
	}
	return p, access
}

func (p *project) archived() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings.Archived
}

// advertise sends the refs, or with protocol v2 the capabilities.
func (s *Server) advertise(rec *recorder, r *http.Request, p *project, service string) error {
	refs, err := readRefs(r.Context(), p.git())
	if err != nil {
		return err
	}
	out, err := s.advertisement(r.Context(), p, service, r.Header.Get("Git-Protocol"), refs, s.serviceCommand(r, p, service, "--advertise-refs").Output)
	if err != nil {
		return err
	}
	noCache(rec, "application/x-"+service+"-advertisement")
	_, err = io.WriteString(rec, pktLine("# service="+service+"\n")+flushPkt+string(out))
	return err
}

// receive answers a push: turned down as GitLab would, or handed to git.
func (s *Server) receive(rec *recorder, r *http.Request, p *project, access int) error {
	body, err := requestBody(r)
	if err != nil {
		return err
	}
	wish, head, err := readPush(body)
	if err != nil {
		http.Error(rec, err.Error(), http.StatusBadRequest)
		return nil
	}
	if err := s.enter(r.Context(), p, nil); err != nil {
		return err
	}
	refusal, guarded := p.refusal(wish.commands, access), p.guarded(wish.commands)
	rules, pusher := p.rules(), s.accounts.find(rec.user)
	p.mu.Unlock()
	if refusal == "" && (len(guarded) > 0 || rules != nil) && wish.sendsObjects() {
		spool, err := os.CreateTemp("", "sandbox-pack-")
		if err != nil {
			return fmt.Errorf("make a file for the push: %w", err)
		}
		defer os.Remove(spool.Name())
		defer spool.Close()
		refusal, err = aside(r.Context(), p.git(), io.TeeReader(body, spool), func(git gitRun) (string, error) {
			if forced, err := rewrites(r.Context(), git, guarded); forced || err != nil {
				return textProtectedForce, err
			}
			return s.checkRules(r.Context(), git, p, rules, wish.commands, pusher)
		})
		if err != nil {
			return err
		}
		if _, err := spool.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("rewind the push: %w", err)
		}
		body = spool
	}
	if refusal != "" {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return fmt.Errorf("read push: %w", err)
		}
		noCache(rec, "application/x-"+receivePack+"-result")
		_, err = rec.Write(declined(wish, "GitLab: "+refusal))
		return err
	}
	s.pushing(p, pusher, true)
	defer s.pushing(p, pusher, false)
	if err := s.exchange(rec, r, p, receivePack, io.MultiReader(bytes.NewReader(head), body)); err != nil {
		return err
	}
	// The answer ends only after this, so a client that has read it to its end
	// finds merge requests that know of the push.
	if err := s.enter(context.WithoutCancel(r.Context()), p, pusher); err != nil {
		return err
	}
	defer p.mu.Unlock()
	s.fireTags(context.WithoutCancel(r.Context()), p, wish.commands, pusher)
	return nil
}

// pushing remembers whose push git is taking in, so that a call which comes
// upon its branches first knows who it was.
func (s *Server) pushing(p *project, who *user, begins bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if begins {
		p.pushers = append(p.pushers, who)
	} else if at := slices.Index(p.pushers, who); at >= 0 {
		p.pushers = slices.Delete(p.pushers, at, at+1)
	}
}

// exchange connects one request with one run of git; body nil means the
// request's own.
func (s *Server) exchange(rec *recorder, r *http.Request, p *project, service string, body io.Reader) error {
	// git may answer before it has read everything.
	if err := http.NewResponseController(rec).EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("prepare connection: %w", err)
	}
	if body == nil {
		var err error
		if body, err = requestBody(r); err != nil {
			return err
		}
	}
	noCache(rec, "application/x-"+service+"-result")
	var problem bytes.Buffer
	cmd := s.serviceCommand(r, p, service)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = body, flushing{rec, http.NewResponseController(rec)}, &problem
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run %s: %w: %s", service, err, strings.TrimSpace(problem.String()))
	}
	return nil
}

// protocolHeader is what Git-Protocol may say; it becomes an environment variable.
var protocolHeader = regexp.MustCompile(`^[a-z0-9=:.-]{1,100}$`)

func (s *Server) serviceCommand(r *http.Request, p *project, service string, flags ...string) *exec.Cmd {
	args := append([]string{strings.TrimPrefix(service, "git-"), "--stateless-rpc", "--strict"}, flags...)
	if service == receivePack {
		args = append([]string{"receive-pack", "--stateless-rpc"}, flags...)
	}
	cmd := exec.CommandContext(r.Context(), "git", append(args, p.dir)...)
	cmd.Env = gitEnv(p.dir)
	if version := r.Header.Get("Git-Protocol"); protocolHeader.MatchString(version) {
		cmd.Env = append(cmd.Env, "GIT_PROTOCOL="+version)
	}
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// requestBody is the body of r, unpacked.
func requestBody(r *http.Request) (io.Reader, error) {
	switch r.Header.Get("Content-Encoding") {
	case "gzip", "x-gzip":
		body, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("unpack request: %w", err)
		}
		return body, nil
	}
	return r.Body, nil
}

func noCache(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
}

// flushing sends everything on at once: progress is for people who wait.
type flushing struct {
	io.Writer
	control *http.ResponseController
}

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.Writer.Write(b)
	if err == nil {
		if problem := f.control.Flush(); problem != nil && !errors.Is(problem, http.ErrNotSupported) {
			err = problem
		}
	}
	return n, err
}
