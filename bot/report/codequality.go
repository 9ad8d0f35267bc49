package report

import (
	"encoding/json"
	"fmt"
	"io"

	"tokenward/bot"
)

// CodeQuality writes the findings in the form of GitLab's Code Quality report, a
// JSON array; without findings it is empty. A path starts with the name of the
// repository that holds the file; a finding about the umbrella's values has the
// umbrella's name alone. Releases that could not be analysed are part of it, so that
// nobody takes silence for a clean platform.
func CodeQuality(w io.Writer, r *bot.ScanReport) error {
	p := newPlaces(r)
	found, err := findings(r, p)
	if err != nil {
		return err
	}
	issues := []qualityIssue{}
	for _, f := range found {
		issues = append(issues, issue(f, severity(f)))
	}
	for i, rel := range r.Releases {
		if rel.Error == "" {
			continue
		}
		c := collector{report: r, places: p}
		c.add(finding{rule: noticeNotAnalysed, namespace: rel.Namespace, subject: rel.Name, at: place{repository: p.of[i]},
			message: notAnalysed(rel)})
		issues = append(issues, issue(c.sorted()[0], "major"))
	}
	return writeJSON(w, issues)
}

type qualityIssue struct {
	Description string          `json:"description"`
	CheckName   string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

func issue(f finding, severity string) qualityIssue {
	location := qualityLocation{Path: f.at.repository.id, Lines: qualityLines{Begin: max(f.at.line, 1)}}
	if f.at.path != "" {
		location.Path += "/" + f.at.path
	}
	return qualityIssue{Description: oneLine(f.message), CheckName: "tokenward/" + f.rule, Fingerprint: f.fingerprint, Severity: severity, Location: location}
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
