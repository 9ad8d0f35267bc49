package report

import (
	"fmt"
	"io"
	"strings"

	"tokenward/bot"
)

// SARIF writes the findings as a SARIF 2.1.0 log of one run. A release that could
// not be analysed is a notification of level error, and the run then counts as
// not successful: its results are incomplete. Paths are relative to the
// repository that their uriBaseId names.
func SARIF(w io.Writer, r *bot.ScanReport) error {
	p := newPlaces(r)
	found, err := findings(r, p)
	if err != nil {
		return err
	}
	run := sarifRun{
		Tool:       sarifTool{Driver: sarifDriver{Name: "tokenward", Rules: descriptors(rules()), Notifications: descriptors(notices())}},
		Automation: sarifAutomation{ID: "tokenward/scan/" + p.umbrella.id + "/"},
		Bases:      map[string]sarifBase{}, Provenance: []sarifRepository{}, Results: []sarifResult{},
	}
	for _, repo := range p.all {
		run.Bases[repo.id] = sarifBase{URI: repo.base(), Description: sarifText{Text: plain(fmt.Sprintf("Repository %s at %s", repo.path(), repo.revision))}}
		run.Provenance = append(run.Provenance, sarifRepository{URI: repo.uri(), Revision: repo.revision,
			MappedTo: sarifArtifact{URI: "./", Base: repo.id}})
	}
	run.Invocations = []sarifInvocation{invocation(r, p)}
	index := map[string]int{}
	for i, rule := range rules() {
		index[rule.id] = i
	}
	for _, f := range found {
		run.Results = append(run.Results, result(f, index[f.rule]))
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

func descriptors(list []rule) []sarifRule {
	out := make([]sarifRule, len(list))
	for i, r := range list {
		out[i] = sarifRule{ID: r.id, Name: pascal(r.id), Short: sarifText{Text: r.title + "."}, Full: sarifText{Text: r.full},
			Help: sarifText{Text: r.help}, Default: sarifConfiguration{Level: r.level}}
	}
	return out
}

// pascal turns harden-default into HardenDefault, the form that SARIF recommends
// for a rule's readable name.
func pascal(id string) string {
	var out strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		out.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return out.String()
}

func invocation(r *bot.ScanReport, p *places) sarifInvocation {
	inv := sarifInvocation{Successful: true, Notifications: []sarifNotification{}}
	for i, rel := range r.Releases {
		if rel.Error == "" {
			continue
		}
		inv.Successful = false
		inv.Notifications = append(inv.Notifications, sarifNotification{
			Descriptor: sarifReference{ID: noticeNotAnalysed, Index: 0}, Level: levelError,
			Message:   sarifText{Text: plain(sentence(notAnalysed(rel)))},
			Locations: []sarifLocation{{Physical: physical(place{repository: p.of[i]})}},
		})
	}
	for _, n := range r.Notes {
		text := sentence(n.Text)
		if n.Namespace != "" {
			text = sentence("Namespace " + n.Namespace + ": " + n.Text)
		}
		inv.Notifications = append(inv.Notifications, sarifNotification{
			Descriptor: sarifReference{ID: noticeNote, Index: 1}, Level: levelNote, Message: sarifText{Text: plain(text)},
		})
	}
	return inv
}

func result(f finding, ruleIndex int) sarifResult {
	res := sarifResult{
		RuleID: f.rule, RuleIndex: ruleIndex, Kind: "fail", Level: f.level, Message: sarifText{Text: plain(f.message)},
		Locations:    []sarifLocation{{Physical: physical(f.at)}},
		Fingerprints: map[string]string{"tokenwardFinding/v1": f.fingerprint},
		Properties:   sarifProperties{Namespace: oneLine(f.namespace)},
	}
	if f.level == levelNone {
		res.Kind = "review"
	}
	for _, o := range f.objects {
		res.Locations[0].Logical = append(res.Locations[0].Logical, sarifLogical{Name: o, Kind: "resource"})
	}
	for i, m := range f.also {
		res.Related = append(res.Related, sarifLocation{ID: i + 1, Physical: physical(m.at), Message: &sarifText{Text: plain(sentence(m.text))}})
	}
	if f.settled != "" {
		res.Suppressions = []sarifSuppression{{Kind: "external", Status: "accepted", Justification: f.settled}}
	}
	return res
}

func physical(p place) sarifPhysical {
	out := sarifPhysical{Artifact: sarifArtifact{URI: p.uri(), Base: p.repository.id}}
	if p.line > 0 {
		out.Region = &sarifRegion{StartLine: p.line}
	}
	return out
}

// plain makes a message of foreign text: SARIF reads braces as placeholders, which
// are doubled to stand for themselves, and [text](target) as a link, which is broken up.
func plain(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}", "](", "] (").Replace(oneLine(s))
}
