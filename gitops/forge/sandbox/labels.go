package sandbox

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// defaultColor is the colour that GitLab gives to labels created on use.
const defaultColor = "#6699cc"

var hexColor = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

type label struct {
	id          int
	name        string
	color       string
	description string
}

// label returns the project's label of this name, made on the spot if there
// is none.
func (s *Server) label(p *project, name string) *label {
	if l := p.findLabel(name); l != nil {
		return l
	}
	l := &label{id: s.nextID(), name: name, color: defaultColor}
	p.labels = append(p.labels, l)
	slices.SortFunc(p.labels, func(a, b *label) int { return cmp.Compare(a.name, b.name) })
	return l
}

func (p *project) findLabel(name string) *label {
	for _, l := range p.labels {
		if l.name == name {
			return l
		}
	}
	return nil
}

type labelJSON struct {
	ID                     int     `json:"id"`
	Name                   string  `json:"name"`
	Description            *string `json:"description"`
	DescriptionHTML        string  `json:"description_html"`
	TextColor              string  `json:"text_color"`
	Color                  string  `json:"color"`
	OpenIssuesCount        int     `json:"open_issues_count"`
	ClosedIssuesCount      int     `json:"closed_issues_count"`
	OpenMergeRequestsCount int     `json:"open_merge_requests_count"`
	Subscribed             bool    `json:"subscribed"`
	Priority               *int    `json:"priority"`
	IsProjectLabel         bool    `json:"is_project_label"`
}

func (p *project) labelJSON(l *label) labelJSON {
	open := 0
	for _, mr := range p.mergeRequests {
		if mr.state == opened && slices.Contains(mr.labels, l.name) {
			open++
		}
	}
	out := labelJSON{
		ID: l.id, Name: l.name, Color: l.color, TextColor: "#FFFFFF",
		OpenMergeRequestsCount: open, IsProjectLabel: true,
	}
	if l.description != "" {
		out.Description = &l.description
	}
	return out
}

func (c *call) listLabels(context.Context) (*reply, error) {
	search, _ := c.params.text("search")
	var found []labelJSON
	for _, l := range c.project.labels {
		if strings.Contains(strings.ToLower(l.name), strings.ToLower(search)) {
			found = append(found, c.project.labelJSON(l))
		}
	}
	return paged(c, found)
}

// pathLabel returns the label that the path names, by id or by name.
func (c *call) pathLabel() (*label, error) {
	key := c.request.PathValue("label")
	for _, l := range c.project.labels {
		if l.name == key || strconv.Itoa(l.id) == key {
			return l, nil
		}
	}
	return nil, fail(http.StatusNotFound, "404 Label Not Found")
}

func (c *call) getLabel(context.Context) (*reply, error) {
	l, err := c.pathLabel()
	if err != nil {
		return nil, err
	}
	return ok(c.project.labelJSON(l)), nil
}

func (c *call) createLabel(context.Context) (*reply, error) {
	if err := c.params.require("name", "color"); err != nil {
		return nil, err
	}
	name, _ := c.params.text("name")
	color, _ := c.params.text("color")
	if !hexColor.MatchString(color) {
		return nil, fail(http.StatusBadRequest, map[string][]string{"color": {"must be a valid color code"}})
	}
	if c.project.findLabel(name) != nil {
		return nil, fail(http.StatusConflict, "Label already exists")
	}
	l := c.server.label(c.project, name)
	l.color = color
	l.description, _ = c.params.text("description")
	return created(c.project.labelJSON(l)), nil
}

func (c *call) updateLabel(context.Context) (*reply, error) {
	l, err := c.pathLabel()
	if err != nil {
		return nil, err
	}
	if color, given := c.params.text("color"); given {
		if !hexColor.MatchString(color) {
			return nil, fail(http.StatusBadRequest, map[string][]string{"color": {"must be a valid color code"}})
		}
		l.color = color
	}
	if text, given := c.params.text("description"); given {
		l.description = text
	}
	return ok(c.project.labelJSON(l)), nil
}
