package bot

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/wildcard"
)

// Report puts the scan into its stable form. Of a bot that was configured for certain namespaces it shows these alone,
// but for releases of others that were analysed: evidence may come from there.
func (b *Bot) Report(s *Scan) *ScanReport {
	r := &ScanReport{
		Umbrella: UmbrellaReport{Repository: s.Umbrella.URL, Ref: s.Umbrella.Ref, Commit: s.Umbrella.Commit},
		Releases: []ReleaseReport{}, Workloads: []WorkloadReport{}, ServiceAccounts: []ServiceAccountReport{},
		Changes: []ChangeReport{}, Notes: []NoteReport{},
		Violations: ViolationsReport{Before: b.violations(s.Before), After: b.violations(s.After)}, PolicyError: errorText(s.policyErr),
	}
	for _, rel := range s.Set.Releases {
		if rel.Err != nil && rel.Namespace != "" && !b.wants(rel.Namespace) {
			continue
		}
		r.Releases = append(r.Releases, ReleaseReport{Name: rel.Name, Namespace: rel.Namespace, Repository: rel.Repository,
			Ref: refText(rel.Ref), Commit: rel.Commit, Chart: rel.Chart, Error: errorText(rel.Err)})
	}
	sort.SliceStable(r.Releases, func(i, k int) bool {
		a, c := r.Releases[i], r.Releases[k]
		return a.Name < c.Name || a.Name == c.Name && a.Namespace < c.Namespace
	})
	lists := map[string]*todaysLists{}
	for _, j := range s.Judgements {
		ns := j.Workload.Namespace
		if b.wants(ns) {
			if lists[ns] == nil {
				lists[ns] = newTodaysLists(s, ns)
			}
			r.Workloads = append(r.Workloads, workloadReport(s, lists[ns], j))
		}
	}
	r.ServiceAccounts = b.accounts(s)
	for _, p := range s.Problems() {
		r.Notes = append(r.Notes, NoteReport{Text: p})
	}
	for _, ns := range s.gone {
		r.Notes = append(r.Notes, NoteReport{Text: fmt.Sprintf("%v into namespace %s", ErrNotDeployed, ns)})
	}
	r.Notes = append(r.Notes, b.liveNotes(s)...)
	for _, p := range s.Plans {
		for _, c := range p.Changes {
			r.Changes = append(r.Changes, ChangeReport{Namespace: c.Namespace, Kind: string(c.Kind), Pattern: c.Pattern, Reason: c.Reason, Workloads: nonNil(c.Workloads)})
		}
		if p.Blocked != "" {
			r.Notes = append(r.Notes, NoteReport{Namespace: p.Namespace, Text: "Not hardened: " + p.Blocked})
		}
		for _, n := range p.Notes {
			r.Notes = append(r.Notes, NoteReport{Namespace: p.Namespace, Text: n})
		}
	}
	slices.SortFunc(r.Changes, func(a, b ChangeReport) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), kindRank(a.Kind)-kindRank(b.Kind), strings.Compare(a.Pattern, b.Pattern), strings.Compare(a.Reason, b.Reason))
	})
	r.Changes = slices.CompactFunc(r.Changes, func(a, b ChangeReport) bool {
		return a.Namespace == b.Namespace && a.Kind == b.Kind && a.Pattern == b.Pattern && a.Reason == b.Reason
	})
	return r
}

// kindRank orders the kinds of changes as they are made.
func kindRank(kind string) int {
	return slices.Index([]string{string(analysis.Harden), string(analysis.HardenDefault), string(analysis.Allow), string(analysis.Deny), string(analysis.Stale)}, kind)
}

// Problems are sentences about what the umbrella could not be asked, and about
// policies that do not do what they seem to.
func (s *Scan) Problems() []string {
	var out []string
	for _, p := range s.Discovery.Problems {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s: %s", p.Package, p.Reason)))
	}
	if s.policyErr != nil {
		shown := "what is shown as the state afterwards is today's"
		if s.Policies.None() {
			shown = "tokens and violations are shown as without the policies"
		}
		out = append(out, s.policyErr.Error()+"; nothing can be proposed, and "+shown)
	}
	out = append(out, s.drawn()...)
	return append(append(out, s.undecided...), s.Policies.Warnings()...)
}

// drawn says which workloads have another name every time that they are rendered.
func (s *Scan) drawn() []string {
	var out []string
	for _, j := range s.Judgements {
		if w := j.Workload; strings.Contains(w.Name, "*") {
			out = append(out, fmt.Sprintf("%s %s/%s of release %s: its name is drawn at random or from the time; * stands for what differs", w.Kind, w.Namespace, w.Name, w.Release))
		}
	}
	return out
}

func (b *Bot) wants(namespace string) bool {
	return len(b.cfg.Namespaces) == 0 || slices.Contains(b.cfg.Namespaces, namespace)
}

func workloadReport(s *Scan, lists *todaysLists, j analysis.Judgement) WorkloadReport {
	w := j.Workload
	r := WorkloadReport{Namespace: w.Namespace, Release: w.Release, Kind: w.Kind, Name: w.Name, ServiceAccount: w.ServiceAccount,
		PodPatterns: analysis.PodPatterns(w), Verdict: string(j.Verdict), Confidence: string(j.Confidence),
		Evidence: []EvidenceReport{}, Listed: lists.say(s, w), TokenBefore: s.Before.Token[w], TokenAfter: s.After.Token[w]}
	for _, e := range j.Evidence {
		r.Evidence = append(r.Evidence, EvidenceReport{Kind: e.Kind, Summary: e.Summary, Object: e.Object, Source: sourceText(e)})
	}
	return r
}

// todaysLists are what the policies of today list of a namespace.
type todaysLists struct {
	found       bool
	allow, deny *wildcard.List
}

func newTodaysLists(s *Scan, namespace string) *todaysLists {
	entry, found := s.Listing.Find(namespace)
	return &todaysLists{found, wildcard.NewList(entry.Allow), wildcard.NewList(entry.Deny)}
}

// say says what the policies of today say about a workload of the namespace.
func (l *todaysLists) say(s *Scan, w *analysis.Workload) string {
	switch {
	case analysis.SettledElsewhere(w, s.Policies):
		return "excluded"
	case !l.found:
		return "namespace-unlisted"
	case len(analysis.HitsOf(l.deny, w)) > 0:
		return "denied"
	case len(analysis.HitsOf(l.allow, w)) > 0:
		return "allowed"
	default:
		return "unlisted"
	}
}

func (b *Bot) accounts(s *Scan) []ServiceAccountReport {
	out := []ServiceAccountReport{}
	for _, rel := range s.Set.Releases {
		for _, o := range rel.Objects {
			if o.Kind != "ServiceAccount" || !b.wants(o.Namespace) {
				continue
			}
			a := ServiceAccountReport{Namespace: o.Namespace, Release: rel.Name, Name: o.Name, HardenedBefore: s.Before.Hardened[o], HardenedAfter: s.After.Hardened[o]}
			if v, ok := o.Fields()["automountServiceAccountToken"].(bool); ok {
				a.Automount = &v
			}
			out = append(out, a)
		}
	}
	sort.SliceStable(out, func(i, k int) bool {
		a, c := out[i], out[k]
		if a.Namespace != c.Namespace {
			return a.Namespace < c.Namespace
		}
		return a.Name < c.Name || a.Name == c.Name && a.Release < c.Release
	})
	return out
}

func (b *Bot) violations(e *analysis.Effect) []ViolationReport {
	out := []ViolationReport{}
	for _, v := range e.Violations {
		if b.wants(v.Namespace) {
			out = append(out, violationReport(v))
		}
	}
	return slices.Compact(out)
}

func violationReport(v policy.Violation) ViolationReport {
	return ViolationReport{Rule: v.Rule, Kind: v.Kind, Namespace: v.Namespace, Name: v.Name}
}

func sourceText(e analysis.Evidence) string {
	if e.Source == "" || e.Line == 0 {
		return e.Source
	}
	return fmt.Sprintf("%s:%d", e.Source, e.Line)
}

// refText shows a ref as the umbrella pins it.
func refText(r analysis.SourceRef) string {
	for _, s := range []string{r.Commit, r.Name, r.Tag, r.Semver, r.Branch} {
		if s != "" {
			return s
		}
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
