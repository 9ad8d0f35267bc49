package report

import (
	"cmp"
	"slices"

	"tokenward/bot"
)

// namespace gathers what a report says about one namespace.
type namespace struct {
	name      string
	workloads []bot.WorkloadReport
	accounts  []bot.ServiceAccountReport
	changes   []bot.ChangeReport
	before    []bot.ViolationReport
	after     []bot.ViolationReport
	notes     []string
	failed    []bot.ReleaseReport
}

// namespaces splits a report by namespace, sorted by name. What belongs to none,
// such as a note about the umbrella, is left out.
func namespaces(r *bot.ScanReport) []*namespace {
	byName := map[string]*namespace{}
	var out []*namespace
	at := func(name string) *namespace {
		if name == "" {
			return &namespace{}
		}
		if byName[name] == nil {
			byName[name] = &namespace{name: name}
			out = append(out, byName[name])
		}
		return byName[name]
	}
	for _, w := range r.Workloads {
		n := at(w.Namespace)
		n.workloads = append(n.workloads, w)
	}
	for _, a := range r.ServiceAccounts {
		n := at(a.Namespace)
		n.accounts = append(n.accounts, a)
	}
	for _, c := range r.Changes {
		n := at(c.Namespace)
		n.changes = append(n.changes, c)
	}
	for _, v := range r.Violations.Before {
		n := at(v.Namespace)
		n.before = append(n.before, v)
	}
	for _, v := range r.Violations.After {
		n := at(v.Namespace)
		n.after = append(n.after, v)
	}
	for _, note := range r.Notes {
		n := at(note.Namespace)
		n.notes = append(n.notes, note.Text)
	}
	for _, rel := range r.Releases {
		if rel.Error != "" {
			n := at(rel.Namespace)
			n.failed = append(n.failed, rel)
		}
	}
	slices.SortFunc(out, func(a, b *namespace) int { return cmp.Compare(a.name, b.name) })
	return out
}

// totals are the figures at the top of a summary.
type totals struct {
	Releases, Analysed                int
	Namespaces, Workloads             int
	Needs, None, Review               int
	TokensBefore, TokensAfter         int
	Accounts                          int
	HardenedBefore, HardenedAfter     int
	ViolationsBefore, ViolationsAfter int
	Changes                           int
}

func count(r *bot.ScanReport) totals {
	t := totals{Releases: len(r.Releases), Workloads: len(r.Workloads), Accounts: len(r.ServiceAccounts), Namespaces: len(namespaces(r)),
		ViolationsBefore: len(r.Violations.Before), ViolationsAfter: len(r.Violations.After), Changes: len(r.Changes)}
	for _, rel := range r.Releases {
		t.Analysed += one(rel.Error == "")
	}
	for _, w := range r.Workloads {
		t.Needs += one(w.Verdict == needsToken)
		t.None += one(w.Verdict == noToken)
		t.Review += one(w.Verdict == review)
		t.TokensBefore += one(w.TokenBefore)
		t.TokensAfter += one(w.TokenAfter)
	}
	for _, a := range r.ServiceAccounts {
		t.HardenedBefore += one(a.HardenedBefore)
		t.HardenedAfter += one(a.HardenedAfter)
	}
	return t
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Words for what the report spells for machines.
func verdictWords(verdict string) string {
	switch verdict {
	case needsToken:
		return "needs a token"
	case noToken:
		return "needs none"
	case review:
		return "review"
	}
	return verdict
}

func listedWords(listed string) string {
	switch listed {
	case "namespace-unlisted":
		return "namespace not listed"
	case "unlisted":
		return "not listed"
	}
	return listed
}

func changeWords(kind string) string {
	switch kind {
	case ruleHarden:
		return "harden"
	case ruleHardenDefault:
		return "harden default"
	}
	return kind
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// turn shows a state before and after: once where nothing changes.
func turn(before, after bool) string {
	if before == after {
		return yesNo(before)
	}
	return yesNo(before) + " → " + yesNo(after)
}
