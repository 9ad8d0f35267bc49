package bot

import (
	"fmt"
	"strings"

	"tokenward/analysis"
	"tokenward/templates"
)

// umbrellaText says what the umbrella's merge request says.
func (b *Bot) umbrellaText(s *Scan, u *Unit) templates.Umbrella {
	ns := u.Plan.Namespace
	_, listed := s.Listing.Find(ns)
	text := templates.Umbrella{
		Namespace: ns, New: !listed, File: u.Umbrella.Path, Documented: u.Documented,
		ViolationsBefore: countViolations(u.Proof.Before, ns), ViolationsAfter: countViolations(u.Proof.After, ns),
	}
	for _, c := range u.Plan.Changes {
		if c.Kind == analysis.Stale {
			text.Stale = append(text.Stale, c.Pattern+" "+c.Reason)
			continue
		}
		text.Added = append(text.Added, templates.Entry{Kind: string(c.Kind), Pattern: c.Pattern, Reason: c.Reason, Review: c.Review})
		if c.Review {
			text.Look = append(text.Look, fmt.Sprintf("%s: %s %s", strings.Join(c.Workloads, ", "), askAbout(c), c.Reason))
		}
	}
	for _, d := range u.pending.Decisions {
		text.Decided = append(text.Decided, templates.Entry{Kind: string(d.Kind), Pattern: d.Pattern, Reason: d.Because()})
	}
	for _, n := range u.Plan.Notes {
		if rest, ok := strings.CutPrefix(n, "Not analysed: "); ok {
			text.NotAnalysed = append(text.NotAnalysed, rest)
			continue
		}
		text.Look = append(text.Look, n)
	}
	patterns := newAllowing(s, u.Plan)
	for _, j := range s.Judgements {
		if j.Workload.Namespace == ns {
			b.addPod(&text, s, u, patterns, j)
		}
	}
	return text
}

// askAbout is what a person must find out about a change.
func askAbout(c analysis.Change) string {
	if c.Kind == analysis.Deny {
		return "does it really do without the API?"
	}
	return "does it really call the API?"
}

func (b *Bot) addPod(text *templates.Umbrella, s *Scan, u *Unit, patterns allowing, j analysis.Judgement) {
	w, id := j.Workload, j.Workload.Kind+" "+j.Workload.Name
	before, after := u.Proof.Before.Token[w], u.Proof.After.Token[w]
	switch {
	case before && !after:
		text.Taken = append(text.Taken, id)
	case !before && after:
		text.Granted = append(text.Granted, id)
	}
	token := yesNo(after)
	if before != after {
		token = yesNo(before) + " → " + token
	}
	if after && analysis.SettledElsewhere(w, s.Policies) {
		token += ", excluded from the validating policy"
	}
	e := j.Evidence[0]
	text.Pods = append(text.Pods, templates.Pod{
		Workload: id, Pattern: patterns.of(w), Verdict: string(j.Verdict), Confidence: string(j.Confidence),
		Evidence: e.Summary, Source: e.Source, SourceURL: b.evidenceURL(s, e), Token: token,
	})
	if j.Verdict == analysis.NoToken && after {
		text.Look = append(text.Look, fmt.Sprintf("%s keeps a token that it does not need: %s", id, e.Summary))
	}
	if j.Verdict == analysis.Review && !after {
		text.Look = append(text.Look, fmt.Sprintf("%s gets no token and could not be judged for certain: %s", id, doubt(j)))
	}
}

// doubt says why a verdict is for a person: its strongest fact, and the strongest of
// another rule, which as a rule says the contrary.
func doubt(j analysis.Judgement) string {
	first := j.Evidence[0]
	for _, e := range j.Evidence[1:] {
		if e.Kind != first.Kind {
			return first.Summary + "; " + e.Summary
		}
	}
	return first.Summary
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
