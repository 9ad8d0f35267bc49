package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"text/template"

	"tokenward/bot"
	"tokenward/templates"
)

//go:embed summary.md.tmpl
var summaryTemplate string

// Markdown writes a summary in GitLab's flavour of Markdown, for a wiki page, an
// issue or a job's summary. Names and sentences from charts are defused: they
// mention nobody, refer to nothing and hold no HTML.
func Markdown(w io.Writer, r *bot.ScanReport) error {
	p := newPlaces(r)
	t, err := template.New("summary.md").Funcs(template.FuncMap{
		"code":     code,
		"cell":     cell,
		"text":     text,
		"sentence": func(s string) string { return text(sentence(s)) },
		"verdict":  func(s string) string { return text(verdictWords(s)) },
		"listed":   func(s string) string { return text(listedWords(s)) },
		"change":   func(s string) string { return text(changeWords(s)) },
		"turn":     turn,
		"evidence": func(w bot.WorkloadReport) string { return evidenceCell(p, w) },
	}).Parse(summaryTemplate)
	if err != nil {
		return fmt.Errorf("read the summary's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, summaryData(r)); err != nil {
		return fmt.Errorf("fill the summary: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

type summary struct {
	Umbrella   bot.UmbrellaReport
	Totals     totals
	Changes    []bot.ChangeReport
	Failed     []bot.ReleaseReport
	Notes      []bot.NoteReport
	Namespaces []summaryNamespace
}

type summaryNamespace struct {
	Name      string
	Workloads []bot.WorkloadReport
}

func summaryData(r *bot.ScanReport) summary {
	s := summary{Umbrella: r.Umbrella, Totals: count(r), Changes: r.Changes, Notes: r.Notes}
	for _, rel := range r.Releases {
		if rel.Error != "" {
			s.Failed = append(s.Failed, rel)
		}
	}
	for _, n := range namespaces(r) {
		if len(n.workloads) > 0 {
			s.Namespaces = append(s.Namespaces, summaryNamespace{n.name, n.workloads})
		}
	}
	return s
}

// evidenceCell is the strongest evidence with its template, linked where the
// repository is on the web.
func evidenceCell(p *places, w bot.WorkloadReport) string {
	if len(w.Evidence) == 0 {
		return ""
	}
	e := w.Evidence[0]
	out := text(e.Summary)
	if e.Source != "" {
		at := p.evidence(w, e)
		shown := cell(at.text())
		if link := at.web(); link != "" {
			shown = fmt.Sprintf("[%s](<%s>)", shown, link)
		}
		out += "<br>" + shown
	}
	if more := len(w.Evidence) - 1; more > 0 {
		out += fmt.Sprintf("<br>and %d more", more)
	}
	return out
}

// Foreign text, without characters that turn the reading direction.
func code(s string) string { return templates.Code(oneLine(s)) }
func cell(s string) string { return templates.Cell(oneLine(s)) }
func text(s string) string { return templates.Text(oneLine(s)) }
