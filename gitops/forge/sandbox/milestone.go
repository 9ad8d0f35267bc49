package sandbox

import (
	"context"
	"strings"
)

// milestoneJSON is a milestone of a project.
type milestoneJSON struct {
	ID          int     `json:"id"`
	IID         int     `json:"iid"`
	ProjectID   int     `json:"project_id"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	State       string  `json:"state"`
	CreatedAt   stamp   `json:"created_at"`
	UpdatedAt   stamp   `json:"updated_at"`
	DueDate     *string `json:"due_date"`
	StartDate   *string `json:"start_date"`
	Expired     bool    `json:"expired"`
}

// milestones lists the project's milestones; their numbers are their places.
func (p *project) milestones() []milestoneJSON {
	var all []milestoneJSON
	for n, title := range p.settings.Milestones {
		all = append(all, milestoneJSON{ID: p.id*1000 + n + 1, IID: n + 1, ProjectID: p.id, Title: title, State: "active",
			CreatedAt: stamp(p.createdAt), UpdatedAt: stamp(p.createdAt)})
	}
	return all
}

// milestoneNamed returns the milestone with this title, nil if there is none.
func (p *project) milestoneNamed(title string) *milestoneJSON {
	for _, m := range p.milestones() {
		if m.Title == title {
			return &m
		}
	}
	return nil
}

func (c *call) listMilestones(context.Context) (*reply, error) {
	title, titled := c.params.text("title")
	search, _ := c.params.text("search")
	state, byState := c.params.text("state")
	var found []milestoneJSON
	for _, m := range c.project.milestones() {
		if (!titled || m.Title == title) && (!byState || state == m.State) && strings.Contains(strings.ToLower(m.Title), strings.ToLower(search)) {
			found = append(found, m)
		}
	}
	return paged(c, found)
}

// setMilestone sets the milestone that a new merge request asks for; as in GitLab, one
// that the project does not have is ignored.
func (c *call) setMilestone(mr *mergeRequest) error {
	id, err := c.params.number("milestone_id", 0)
	if err != nil {
		return err
	}
	for _, m := range c.project.milestones() {
		if m.ID == id {
			mr.milestone = m.Title
		}
	}
	return nil
}
