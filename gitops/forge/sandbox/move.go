package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Move gives a project another path, as a transfer or a renaming does. The old
// path keeps working as GitLab has it: git follows it, GET is redirected to the
// project's number, and everything else answers 405. It fails when there is no
// project at from, when to is no proper path, or when something is there.
func (s *Server) Move(ctx context.Context, from, to string) error {
	if to != strings.Trim(filepath.ToSlash(filepath.Clean("/"+to)), "/") || !strings.Contains(to, "/") {
		return fmt.Errorf("move project %s: %q is no path such as group/name", from, to)
	}
	p, err := s.enterPath(ctx, from)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	dir := filepath.Join(s.root, filepath.FromSlash(to)+".git")
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("move project %s: %s exists", from, to)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("move project %s: %w", from, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(p.dir, dir); err != nil {
		return fmt.Errorf("move project %s: %w", from, err)
	}
	// A project's path never changes, so that it can be read without the lock.
	moved := &project{id: p.id, path: to, dir: dir, createdAt: p.createdAt, memory: p.memory, projectState: p.projectState}
	p.gone = true
	delete(s.projects, p.path)
	delete(s.moved, to)
	s.projects[to], s.moved[p.path] = moved, p.id
	return nil
}

// SetDefaultBranch makes an existing branch the default one, as a maintainer
// does in the settings.
func (s *Server) SetDefaultBranch(ctx context.Context, path, branch string) error {
	p, err := s.enterPath(ctx, path)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	if p.heads[branch] == "" {
		return fmt.Errorf("set the default branch of %s: there is no branch %s", path, branch)
	}
	if _, err := p.git().run(ctx, "symbolic-ref", "HEAD", "refs/heads/"+branch); err != nil {
		return fmt.Errorf("set the default branch of %s: %w", path, err)
	}
	return s.sync(ctx, p, nil)
}

// redirect answers a call by a project's former path.
func (c *call) redirect(key string) (*reply, error) {
	if _, err := strconv.Atoi(key); err == nil || key == c.project.path {
		return nil, nil
	}
	if c.request.Method != http.MethodGet && c.request.Method != http.MethodHead {
		return nil, fail(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects")
	}
	// The escaped path is taken apart, since the key has slashes of its own.
	rest := strings.SplitN(strings.TrimPrefix(c.request.URL.EscapedPath(), apiPrefix+"/projects/"), "/", 2)
	target := fmt.Sprintf("%s%s/projects/%d", c.base, apiPrefix, c.project.id)
	if len(rest) == 2 {
		target += "/" + rest[1]
	}
	if c.request.URL.RawQuery != "" {
		target += "?" + c.request.URL.RawQuery
	}
	answer := &reply{status: http.StatusFound, body: map[string]string{"message": "302 Found"}, header: http.Header{}}
	answer.header.Set("Location", target)
	return answer, nil
}
