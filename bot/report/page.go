package report

import (
	"html/template"
	"strings"

	"tokenward/bot"
)

// page is what the template of the HTML report shows.
type page struct {
	Policy     string
	Style      template.CSS
	Script     template.JS
	Umbrella   bot.UmbrellaReport
	Totals     totals
	Bar        []slice
	Kinds      []tally
	Failed     []bot.ReleaseReport
	Notes      []string // about the umbrella
	Rows       []row
	Namespaces []section
}

// NoticesOpen shows a short list of what was not seen at once, a long one when asked.
func (p *page) NoticesOpen() bool { return len(p.Failed)+len(p.Notes) <= 5 }

// slice is a part of the bar that shows how the verdicts divide.
type slice struct {
	Class, Text string
	Count       int
	X, W        int // in thousandths
}

type tally struct {
	Kind  string
	Count int
}

// row is one workload in the table.
type row struct {
	bot.WorkloadReport
	Mark     string
	Evidence []fact
	Order    int // of the verdict, for sorting
}

// fact is a piece of evidence with where to read it.
type fact struct {
	bot.EvidenceReport
	Place, Link string
}

// section is one namespace.
type section struct {
	Name       string
	Open       bool
	Needs      int
	None       int
	Review     int
	Changes    []bot.ChangeReport
	Before     []violation
	After      int
	Accounts   []bot.ServiceAccountReport
	Notes      []string
	Failed     []bot.ReleaseReport
	Picture    *picture
	Workloads  int
	Unlisted   bool
	Everything string // the text by which the filter finds a namespace without rows
}

type violation struct {
	bot.ViolationReport
	Stays bool // also with every change merged
}

func newPage(r *bot.ScanReport) *page {
	p := &page{Umbrella: r.Umbrella, Totals: count(r)}
	p.Bar = bar(p.Totals)
	for _, rule := range rules() {
		if n := countChanges(r.Changes, rule.id); n > 0 {
			p.Kinds = append(p.Kinds, tally{changeWords(rule.id), n})
		}
	}
	for _, rel := range r.Releases {
		if rel.Error != "" {
			p.Failed = append(p.Failed, rel)
		}
	}
	for _, n := range r.Notes {
		if n.Namespace == "" {
			p.Notes = append(p.Notes, sentence(n.Text))
		}
	}
	where := newPlaces(r)
	for _, w := range r.Workloads {
		p.Rows = append(p.Rows, newRow(where, w))
	}
	for _, n := range namespaces(r) {
		p.Namespaces = append(p.Namespaces, newSection(n))
	}
	return p
}

func countChanges(changes []bot.ChangeReport, kind string) int {
	n := 0
	for _, c := range changes {
		n += one(c.Kind == kind)
	}
	return n
}

func newRow(where *places, w bot.WorkloadReport) row {
	r := row{WorkloadReport: w, Mark: workloadBox(w).Mark}
	r.Order = map[string]int{"review": 0, "needs": 1, "none": 2, "unknown": 3}[r.Mark]
	for _, e := range w.Evidence {
		f := fact{EvidenceReport: e}
		if e.Source != "" {
			at := where.evidence(w, e)
			f.Place, f.Link = at.text(), at.web()
		}
		r.Evidence = append(r.Evidence, f)
	}
	return r
}

// First is the strongest evidence in a line.
func (r row) First() string {
	if len(r.Evidence) == 0 {
		return "no evidence"
	}
	return cut(r.Evidence[0].Summary)
}

// newSection opens a namespace where a person has something to do.
func newSection(n *namespace) section {
	s := section{Name: n.name, Changes: n.changes, Accounts: n.accounts, Failed: n.failed, Picture: draw(n), Workloads: len(n.workloads), After: len(n.after)}
	for _, w := range n.workloads {
		s.Needs += one(w.Verdict == needsToken)
		s.None += one(w.Verdict == noToken)
		s.Review += one(w.Verdict == review)
		s.Unlisted = s.Unlisted || w.Listed == "namespace-unlisted"
	}
	after := setOf(n.after)
	for _, v := range n.before {
		s.Before = append(s.Before, violation{v, after[v]})
	}
	for _, note := range n.notes {
		s.Notes = append(s.Notes, sentence(note))
	}
	s.Open = len(s.Changes) > 0 || s.Review > 0
	s.Everything = oneLine(strings.Join(append([]string{n.name}, s.Notes...), " "))
	return s
}

// bar divides a line of a thousand units by verdict.
func bar(t totals) []slice {
	parts := []slice{
		{Class: "needs", Text: "need a token", Count: t.Needs},
		{Class: "review", Text: "to review", Count: t.Review},
		{Class: "none", Text: "need none", Count: t.None},
	}
	x, sum := 0, max(t.Needs+t.Review+t.None, 1)
	var out []slice
	for _, s := range parts {
		if s.Count == 0 {
			continue
		}
		s.X, s.W = x, s.Count*1000/sum
		x += s.W
		out = append(out, s)
	}
	return out
}
