package report

import (
	"bytes"
	"fmt"
	"html/template"

	"tokenward/bot"
)

// Style is the style sheet of the HTML report, for pages that show parts of it.
func Style() string { return pageStyle }

// Mark is the shape, beside its colour, that stands for a verdict.
func Mark(verdict string) string { return workloadBox(bot.WorkloadReport{Verdict: verdict}).Mark }

// Namespace is what the HTML report shows of one namespace, as a part of a page with
// the report's style: changes, the picture of the evidence, notes, accounts,
// violations and workloads. It is "" for a namespace that the report does not know.
func Namespace(r *bot.ScanReport, name string) (template.HTML, error) {
	for _, n := range namespaces(r) {
		if n.name != name {
			continue
		}
		t, err := parsePage()
		if err != nil {
			return "", err
		}
		part := struct {
			Section section
			Rows    []row
		}{Section: newSection(n)}
		where := newPlaces(r)
		for _, w := range n.workloads {
			part.Rows = append(part.Rows, newRow(where, w))
		}
		var out bytes.Buffer
		if err := t.ExecuteTemplate(&out, "one", part); err != nil {
			return "", fmt.Errorf("show namespace %s: %w", name, err)
		}
		return template.HTML(out.String()), nil
	}
	return "", nil
}
