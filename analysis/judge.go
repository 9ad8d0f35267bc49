package analysis

import (
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis/live"
)

// JudgeOptions say how a set is judged.
type JudgeOptions struct {
	// Operators are the user's additions to the operator table; they win over the
	// embedded entries.
	Operators []Operator
	// Observed is what audit logs of a live platform show, nil without any.
	Observed *live.Observations
}

// Judge gives a verdict on every workload of the set, with its evidence. It is a
// pure function; the result is sorted by namespace, release, kind and name.
func Judge(set *Set, opts JudgeOptions) []Judgement {
	ix := newIndex(set, opts)
	ix.read()
	atOnce(ix.subjects, func(_ int, s *subject) { s.own = ix.alone(s) })
	out := make([]Judgement, len(ix.subjects))
	atOnce(ix.subjects, func(i int, s *subject) { out[i] = judge(s, ix.all(s)) })
	return out
}

// atOnce does the same with all subjects, on all processors.
func atOnce(subjects []*subject, do func(int, *subject)) {
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for i, s := range subjects {
		all.Go(func() error {
			do(i, s)
			return nil
		})
	}
	_ = all.Wait() // nobody fails
}

func judge(s *subject, found []finding) Judgement {
	j := Judgement{Workload: s.Workload}
	j.Verdict, j.Confidence = decide(found)
	j.Evidence = make([]Evidence, 0, len(found))
	for _, f := range ordered(found, j.Verdict) {
		j.Evidence = append(j.Evidence, f.Evidence)
	}
	return j
}

// decide weighs findings. The order of the cases is the order of strength.
func decide(found []finding) (Verdict, Confidence) {
	has := func(effects ...effect) bool { return says(found, effects...) }
	switch {
	case has(unreadable):
		return Review, Low
	case has(ownToken):
		if has(turnedOff) {
			return NoToken, High
		}
		return NoToken, Medium
	case has(seen):
		return NeedsToken, High
	case has(needless) && !has(asks):
		return NoToken, Medium
	case has(grants, maybe):
		return decideGranted(found, has)
	case has(asks):
		if has(turnedOff) {
			return Review, Medium
		}
		return NeedsToken, Medium
	case has(turnedOff):
		return noToken(has, Medium)
	case has(mayAsk) && !has(testOnly):
		if onlyExplicit(found) && has(emptied, walled) {
			return noToken(has, Low)
		}
		return Review, Low
	case has(blanket):
		return noToken(has, Medium)
	}
	return noToken(has, High)
}

// decideGranted weighs a workload whose account holds rights.
func decideGranted(found []finding, has func(...effect) bool) (Verdict, Confidence) {
	switch {
	case has(silent):
		return Review, Medium
	case has(explained) && !has(asks) && (has(walled) || has(testOnly) || has(turnedOff)):
		return NoToken, Medium
	case has(turnedOff):
		return Review, Medium
	case has(asks):
		return NeedsToken, High
	case has(checked) && has(walled):
		return NoToken, Medium
	case has(explained, unclear, checked):
		return Review, Low
	case !has(grants) || outsideOnly(found) || has(walled, alike):
		return NeedsToken, Medium
	}
	return NeedsToken, High
}

// noToken is the verdict where nothing speaks for a token; what could not be seen
// lowers it.
func noToken(has func(...effect) bool, best Confidence) (Verdict, Confidence) {
	switch {
	case has(hidden):
		return Review, Low
	case has(partial) && best == High:
		return NoToken, Medium
	}
	return NoToken, best
}

// onlyExplicit tells whether the template's own true is all that speaks for a token.
func onlyExplicit(found []finding) bool {
	for _, f := range found {
		if f.says == mayAsk && f.Kind != "explicit-true" {
			return false
		}
	}
	return true
}

// outsideOnly tells whether all roles are ones that no release renders.
func outsideOnly(found []finding) bool {
	for _, f := range found {
		if f.says == grants && f.Kind != kindOutside {
			return false
		}
	}
	return true
}

// ordered puts what decides the verdict first and keeps the rules' order
// otherwise; what only belongs to the picture comes last.
func ordered(found []finding, v Verdict) []finding {
	out := slices.Clone(found)
	slices.SortStableFunc(out, func(a, b finding) int { return rank(a, v) - rank(b, v) })
	return out
}

// rank is where a finding stands in the evidence of a verdict.
func rank(f finding, v Verdict) int {
	const middle, end = 50, 100
	if f.says == picture && f.Kind != kindBinding {
		return end
	}
	if at := slices.Index(decisive(v), f.says); at >= 0 {
		return at
	}
	return middle
}

func decisive(v Verdict) []effect {
	switch v {
	case NoToken:
		return []effect{ownToken, needless, explained, checked, turnedOff, emptied, nothing, partial, idle, testOnly, blanket, walled}
	case Review:
		return []effect{unreadable, hidden, silent, unclear, explained, checked, turnedOff}
	}
	return nil
}
