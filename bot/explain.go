package bot

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/templates"
)

const (
	maxExplained = 5  // workloads in one answer
	maxShown     = 20 // evidence of each
)

// explain shows the evidence for the workloads of the unit's namespaces that have the
// name, or pods that match it.
func (b *Bot) explain(s *Scan, u *Unit, name string) string {
	var found []analysis.Judgement
	for _, j := range s.Judgements {
		w := j.Workload
		if !u.covers(w.Namespace) {
			continue
		}
		if strings.EqualFold(w.Name, name) || analysis.Hits(name, w) || slices.Contains(analysis.PodPatterns(w), name) {
			found = append(found, j)
		}
	}
	if len(found) == 0 {
		return fmt.Sprintf("%s: the platform renders no such pod in namespace %s.", templates.Code("explain "+name), templates.Code(strings.Join(u.namespaces(), ", ")))
	}
	var out strings.Builder
	for i, j := range found {
		if i == maxExplained {
			fmt.Fprintf(&out, "\n\n%d more match %s: ask for each by its name.", len(found)-i, templates.Code(name))
			break
		}
		if i > 0 {
			out.WriteString("\n\n")
		}
		b.explainOne(&out, s, u, j)
	}
	return out.String()
}

func (b *Bot) explainOne(out *strings.Builder, s *Scan, u *Unit, j analysis.Judgement) {
	w := j.Workload
	before, after := s.Before.Token[w], s.After.Token[w]
	if u.Proof != nil {
		after = u.Proof.After.Token[w]
	}
	fmt.Fprintf(out, "%s: %s (confidence %s). Pods %s; a token today: %s, with this request: %s.\n\n| evidence | object | template |\n|---|---|---|",
		templates.Code(w.Kind+" "+w.Name), j.Verdict, j.Confidence, templates.Code(strings.Join(analysis.PodPatterns(w), ", ")), yesNo(before), yesNo(after))
	for i, e := range j.Evidence {
		if i == maxShown {
			fmt.Fprintf(out, "\n| and %d more | | |", len(j.Evidence)-i)
			break
		}
		object, source := "", ""
		if e.Object != "" {
			object = templates.Cell(e.Object)
		}
		if e.Source != "" {
			source = templates.Cell(sourceText(e))
		}
		if url := b.evidenceURL(s, e); url != "" {
			source = fmt.Sprintf("[%s](%s)", source, url)
		}
		fmt.Fprintf(out, "\n| %s | %s | %s |", templates.Text(e.Summary), object, source)
	}
}
