package sandbox

import (
	"html/template"
	"strconv"
	"strings"
	"time"
)

// talk is a note as pages show it.
type talk struct {
	Author string
	System bool
	At     time.Time
	Text   template.HTML
}

// systemList turns the HTML list in a system note into Markdown.
func systemList(body string) string {
	return strings.NewReplacer("<ul>", "", "</ul>", "", "<li>", "* ", "</li>", "\n").Replace(body)
}

// talk renders what was said on a merge request or an issue.
func (v view) talk(t *thread) ([]talk, error) {
	var all []talk
	for _, n := range t.notes {
		source := n.body
		if n.system {
			source = systemList(source)
		}
		text, err := v.s.render(source, v.place())
		if err != nil {
			return nil, err
		}
		all = append(all, talk{n.author.name, n.system, n.createdAt, text})
	}
	return all, nil
}

func (v view) issuePage(number string) (string, page, error) {
	iid, err := strconv.Atoi(number)
	i := v.p.issue(iid)
	if err != nil || i == nil || v.p.settings.IssuesDisabled {
		return "", page{}, errNoPage
	}
	var body struct {
		issueJSON
		Text template.HTML
		Talk []talk
	}
	body.issueJSON = v.c.issueJSON(i)
	if body.Text, err = v.s.render(i.description, v.place()); err != nil {
		return "", page{}, err
	}
	if body.Talk, err = v.talk(&i.thread); err != nil {
		return "", page{}, err
	}
	return "issue", page{Title: i.title + " (#" + number + ")", Path: v.p.path, Body: body}, nil
}
