package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ProjectSettings is what a maintainer can set on a project.
type ProjectSettings struct {
	Description string
	// Archived projects can be read only.
	Archived bool
	// Mirror is said of projects that copy another repository.
	Mirror bool
	// MergeRequestsDisabled answers 403 to everything about merge requests.
	MergeRequestsDisabled bool
	// IssuesDisabled hides the issues and refuses new ones.
	IssuesDisabled bool
	// Free takes away what GitLab sells: dependencies between merge requests,
	// push rules, required approvals.
	Free bool
	// MergeMethod is merge (the default), rebase_merge or ff.
	MergeMethod string
	// SquashOption is default_off (the default), default_on, always or never.
	SquashOption string
	// ProtectedBranches holds, at first, the default branch at maintainers'
	// level, which is GitLab's own default.
	ProtectedBranches []ProtectedBranch
	// PushRules are conditions on pushed commits; nil means none.
	PushRules *PushRules
	// RequiredApprovals is how many approvals a merge needs.
	RequiredApprovals int
	// KeepApprovals lets approvals outlive a push; GitLab takes them away.
	KeepApprovals bool
	// AuthorsApprove lets authors approve their own merge requests.
	AuthorsApprove bool
	// ResolveDiscussions forbids merging before all discussions are resolved.
	ResolveDiscussions bool
	// Milestones are the titles of the project's active milestones.
	Milestones []string
	// SlowRebases is how many readings of a single merge request answer that a
	// rebase is in progress before it is done; GitLab rebases in the background.
	SlowRebases int
	// SlowChecks is how many readings of a single merge request answer
	// "checking" after one of its branches moved; GitLab checks in the background.
	SlowChecks int
}

// project is one repository and what the server knows about it.
type project struct {
	id        int
	path      string // group/sub/name
	dir       string
	createdAt time.Time
	memory    *Memory

	mu sync.Mutex // guards what follows, and serialises the calls
	projectState
}

// projectState is what changes in the life of a project.
type projectState struct {
	settings      ProjectSettings
	heads         map[string]string // commit of each branch
	defaultBranch string            // what HEAD names, also when it has no commit yet
	mergeRequests []*mergeRequest   // index is iid-1
	issues        []*issue          // index is iid-1
	labels        []*label
	hooks         []*hook
	pushers       []*user // whose pushes git is taking in
	gone          bool    // moved, and known by another path now
}

func (p *project) name() string { return p.path[strings.LastIndex(p.path, "/")+1:] }
func (p *project) namespace() string {
	return strings.TrimSuffix(strings.TrimSuffix(p.path, p.name()), "/")
}
func (p *project) empty() bool { return len(p.heads) == 0 }
func (p *project) git() gitRun { return gitRun{dir: p.dir, memory: p.memory} }

// scan makes the known projects those in the folder: new ones get the next
// id, in the order of their paths, and those that are gone are forgotten.
func (s *Server) scan() error {
	found := map[string]string{}
	err := filepath.WalkDir(s.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() || !strings.HasSuffix(entry.Name(), ".git") || path == s.root {
			return nil
		}
		if entry.Name() == ".git" { // of a working tree
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "HEAD")); err == nil {
			name, err := filepath.Rel(s.root, strings.TrimSuffix(path, ".git"))
			if err != nil {
				return err
			}
			found[filepath.ToSlash(name)] = path
		}
		return fs.SkipDir
	})
	if err != nil {
		return fmt.Errorf("look for repositories: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for path := range s.projects {
		if found[path] == "" {
			delete(s.projects, path)
		}
	}
	for _, path := range sortedKeys(found) {
		if s.projects[path] == nil {
			s.lastPID++
			s.projects[path] = &project{id: s.lastPID, path: path, dir: found[path], createdAt: s.cfg.Now(), memory: s.cfg.Memory}
		}
	}
	return nil
}

// find returns the project with this path, former path or decimal id, nil if
// there is none. An unknown path makes the server look into the folder again.
func (s *Server) find(key string) (*project, error) {
	if p := s.known(key); p != nil {
		return p, nil
	}
	if err := s.scan(); err != nil {
		return nil, err
	}
	if p := s.known(key); p != nil {
		return p, nil
	}
	return s.former(key), nil
}

func (s *Server) known(key string) *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.projects[key]; p != nil {
		return p
	}
	id, err := strconv.Atoi(key)
	if err != nil {
		return nil
	}
	return s.numbered(id)
}

// numbered returns the project with this id, nil if there is none. s.mu is held.
func (s *Server) numbered(id int) *project {
	for _, p := range s.projects {
		if p.id == id {
			return p
		}
	}
	return nil
}

// former returns the project that was once at a path, nil if there is none.
func (s *Server) former(path string) *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.numbered(s.moved[path])
}

// list returns the known projects ordered by path.
func (s *Server) list() []*project {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*project
	for _, path := range sortedKeys(s.projects) {
		all = append(all, s.projects[path])
	}
	return all
}

// enter locks the project and brings it up to date with its repository; the
// caller unlocks p.mu unless there is an error. actor is who may have pushed,
// nil if nobody knows.
func (s *Server) enter(ctx context.Context, p *project, actor *user) error {
	p.mu.Lock()
	if p.gone { // between the look-up and the lock
		p.mu.Unlock()
		return errNoProject
	}
	if err := s.sync(ctx, p, actor); err != nil {
		p.mu.Unlock()
		return err
	}
	return nil
}

// SetProject changes the settings of a project. It fails when there is no
// project at path, or its repository cannot be read.
func (s *Server) SetProject(ctx context.Context, path string, change func(*ProjectSettings)) error {
	p, err := s.enterPath(ctx, path)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	change(&p.settings)
	p.settings.ProtectedBranches = slices.Clone(p.settings.ProtectedBranches)
	p.settings.Milestones = slices.Clone(p.settings.Milestones)
	if p.settings.PushRules != nil {
		rules := *p.settings.PushRules
		p.settings.PushRules = &rules
	}
	return nil
}

// enterPath is enter for the project at path.
func (s *Server) enterPath(ctx context.Context, path string) (*project, error) {
	p, err := s.find(path)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("find project %s: no such repository", path)
	}
	return p, s.enter(ctx, p, nil)
}
