package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strconv"
)

// requestRef is what the server remembers of a merge request beside its
// project, so that those of other projects can depend on it.
type requestRef struct {
	projectID, id, iid         int
	title, state               string
	sourceBranch, targetBranch string
	author                     *user
}

// dependency says that a merge request waits for another one.
type dependency struct {
	id       int
	blocking int // global id
}

// publish makes the present state of mr known to other projects. Its project
// is locked.
func (s *Server) publish(p *project, mr *mergeRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[mr.id] = requestRef{
		projectID: p.id, id: mr.id, iid: mr.iid, title: mr.title, state: mr.state,
		sourceBranch: mr.source, targetBranch: mr.target, author: mr.author,
	}
}

func (s *Server) reference(id int) (requestRef, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, known := s.byID[id]
	return ref, known
}

// blocked says whether mr waits for a merge request that is not merged. One
// that was closed keeps blocking, as in GitLab.
func (s *Server) blocked(p *project, mr *mergeRequest) bool {
	return !p.settings.Free && slices.ContainsFunc(mr.dependencies, func(d dependency) bool {
		ref, known := s.reference(d.blocking)
		return known && ref.state != merged
	})
}

type referenceJSON struct {
	ID           int       `json:"id"`
	IID          int       `json:"iid"`
	ProjectID    int       `json:"project_id"`
	Title        string    `json:"title"`
	State        string    `json:"state"`
	SourceBranch string    `json:"source_branch"`
	TargetBranch string    `json:"target_branch"`
	Author       *userJSON `json:"author"`
	WebURL       string    `json:"web_url"`
}

type dependencyJSON struct {
	ID        int           `json:"id"`
	Blocking  referenceJSON `json:"blocking_merge_request"`
	Blocked   referenceJSON `json:"blocked_merge_request"`
	ProjectID int           `json:"project_id"`
}

func (c *call) referenceJSON(ref requestRef) referenceJSON {
	out := referenceJSON{
		ID: ref.id, IID: ref.iid, ProjectID: ref.projectID, Title: ref.title, State: ref.state,
		SourceBranch: ref.sourceBranch, TargetBranch: ref.targetBranch, Author: c.userJSON(ref.author),
	}
	if p := c.server.known(strconv.Itoa(ref.projectID)); p != nil {
		out.WebURL = c.base + "/" + p.path + "/-/merge_requests/" + strconv.Itoa(ref.iid)
	}
	return out
}

func (c *call) dependencyJSON(mr *mergeRequest, d dependency) dependencyJSON {
	c.server.publish(c.project, mr)
	own, _ := c.server.reference(mr.id)
	blocking, _ := c.server.reference(d.blocking)
	return dependencyJSON{ID: d.id, Blocking: c.referenceJSON(blocking), Blocked: c.referenceJSON(own), ProjectID: c.project.id}
}

// blockedMergeRequest is pathMergeRequest where dependencies are on offer.
func (c *call) blockedMergeRequest() (*mergeRequest, error) {
	if c.project.settings.Free {
		return nil, errNotFound
	}
	return c.pathMergeRequest()
}

func (c *call) listDependencies(context.Context) (*reply, error) {
	mr, err := c.blockedMergeRequest()
	if err != nil {
		return nil, err
	}
	var all []dependencyJSON
	for _, d := range mr.dependencies {
		all = append(all, c.dependencyJSON(mr, d))
	}
	return paged(c, all)
}

func (c *call) createDependency(context.Context) (*reply, error) {
	mr, err := c.blockedMergeRequest()
	if err != nil {
		return nil, err
	}
	if err := c.params.require("blocking_merge_request_id"); err != nil {
		return nil, err
	}
	id, err := c.params.number("blocking_merge_request_id", 0)
	if err != nil {
		return nil, err
	}
	ref, known := c.server.reference(id)
	if p := c.server.known(strconv.Itoa(ref.projectID)); !known || p == nil || c.who.access(p.path, c.server.cfg.PublicRead) < Reporter {
		return nil, errNotFound
	}
	switch {
	case c.access < Developer && c.who.user != mr.author:
		return nil, errForbidden
	case id == mr.id:
		return nil, fail(http.StatusUnprocessableEntity, []string{"This block is self-referential"})
	case slices.ContainsFunc(mr.dependencies, func(d dependency) bool { return d.blocking == id }):
		return nil, fail(http.StatusConflict, "Block already exists")
	}
	d := dependency{id: c.server.nextID(), blocking: id}
	mr.dependencies = append(mr.dependencies, d)
	return created(c.dependencyJSON(mr, d)), nil
}

func (c *call) deleteDependency(context.Context) (*reply, error) {
	mr, err := c.blockedMergeRequest()
	if err != nil {
		return nil, err
	}
	if c.access < Developer && c.who.user != mr.author {
		return nil, errForbidden
	}
	before := len(mr.dependencies)
	mr.dependencies = slices.DeleteFunc(mr.dependencies, func(d dependency) bool { return strconv.Itoa(d.id) == c.request.PathValue("block") })
	if len(mr.dependencies) == before {
		return nil, errNotFound
	}
	return &reply{status: http.StatusNoContent}, nil
}
