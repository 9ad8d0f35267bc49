package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tokenward/bot"
)

// finding is one thing that a maintainer should change, decide or know.
type finding struct {
	rule      string
	level     string
	namespace string
	// subject is what the finding is about: with rule and namespace it is the
	// finding's identity, whatever the evidence says today.
	subject string
	message string // one sentence
	at      place
	also    []mention
	known   map[mention]bool // those of also
	// settled says why nobody needs to act on it, "" for most.
	settled string
	// objects are the Kubernetes objects that it is about, as namespace/Kind/name.
	objects     []string
	fingerprint string
}

// mention is a place that helps to understand a finding.
type mention struct {
	at   place
	text string
}

// notAnalysed says in a sentence why a release could not be analysed.
func notAnalysed(r bot.ReleaseReport) string {
	in := ""
	if r.Namespace != "" {
		in = " of namespace " + r.Namespace
	}
	return fmt.Sprintf("Release %s%s could not be analysed: %s", r.Name, in, r.Error)
}

// findings derives everything that the report says should be acted on, sorted by
// namespace, rule and subject. A kind of change that it does not know is an error.
func findings(r *bot.ScanReport, p *places) ([]finding, error) {
	c := &collector{report: r, places: p, index: newIndex(r)}
	for _, change := range r.Changes {
		if err := c.change(change); err != nil {
			return nil, err
		}
	}
	for _, w := range r.Workloads {
		c.workload(w)
	}
	c.violations()
	return c.sorted(), nil
}

type collector struct {
	report *bot.ScanReport
	places *places
	index  *index
	found  []finding
}

func (c *collector) change(ch bot.ChangeReport) error {
	f := finding{rule: ch.Kind, namespace: ch.Namespace, subject: ch.Pattern, level: levelWarning, at: place{repository: c.places.umbrella}}
	reason := oneLine(ch.Reason)
	switch ch.Kind {
	case ruleHarden:
		f.message = fmt.Sprintf("Namespace %s is not hardened: %s", ch.Namespace, reason)
	case ruleHardenDefault:
		f.message = fmt.Sprintf("The default ServiceAccount of namespace %s is not hardened: %s", ch.Namespace, reason)
	case ruleAllow:
		f.level = c.allowLevel(ch)
		f.message = fmt.Sprintf("Pods %s of namespace %s should be allowed a token: %s", ch.Pattern, ch.Namespace, reason)
	case ruleDeny:
		f.message = fmt.Sprintf("Pods %s of namespace %s should be denied a token: %s", ch.Pattern, ch.Namespace, reason)
	case ruleStale:
		f.level = levelNote
		f.message = fmt.Sprintf("Entry %s of namespace %s has no use: %s", ch.Pattern, ch.Namespace, reason)
	default:
		return fmt.Errorf("report a change of namespace %s: its kind %q is not known", ch.Namespace, ch.Kind)
	}
	for _, w := range c.workloadsOf(ch) {
		f.add(c.mentions(w)...)
		f.objects = append(f.objects, objectName(w.Namespace, w.Kind, w.Name))
	}
	c.add(f)
	return nil
}

// allowLevel is higher where pods already go without the token that they need.
func (c *collector) allowLevel(ch bot.ChangeReport) string {
	for _, w := range c.workloadsOf(ch) {
		if w.Verdict == needsToken && !w.TokenBefore {
			return levelError
		}
	}
	if c.index.hardening[ch.Namespace] {
		return levelNote
	}
	return levelWarning
}

// workloadsOf finds the workloads that a change names as "Kind name", in the report's order.
func (c *collector) workloadsOf(ch bot.ChangeReport) []bot.WorkloadReport {
	var at []int
	for _, name := range ch.Workloads {
		at = append(at, c.index.workloads[object{ch.Namespace, name}]...)
	}
	slices.Sort(at)
	var out []bot.WorkloadReport
	for _, i := range slices.Compact(at) {
		out = append(out, c.report.Workloads[i])
	}
	return out
}

func (c *collector) workload(w bot.WorkloadReport) {
	id := w.Kind + " " + w.Namespace + "/" + w.Name
	f := finding{namespace: w.Namespace, subject: w.Release + " " + id, objects: []string{objectName(w.Namespace, w.Kind, w.Name)}}
	switch {
	case w.Verdict == noToken && (w.TokenBefore || w.TokenAfter):
		f.rule, f.level = ruleNeedlessToken, levelWarning
		f.message = fmt.Sprintf("The pods of %s get a token that they do not need, %s", id, fate(w))
		if w.Listed == "excluded" {
			f.settled = "The validating policy's own exclusions settle this workload elsewhere."
		}
	case w.Verdict == needsToken && !w.TokenAfter:
		f.rule, f.level = ruleMissingToken, levelError
		f.message = fmt.Sprintf("The pods of %s need a token and get none, even with every proposed change merged", id)
	case w.Verdict == review:
		f.rule, f.level = ruleReview, levelNone
		f.message = fmt.Sprintf("A person must judge whether the pods of %s need a token", id)
	default:
		return
	}
	if len(w.Evidence) > 0 && w.Evidence[0].Summary != "" {
		f.message += ": " + oneLine(w.Evidence[0].Summary)
	}
	f.at = c.places.chart(w.Release, w.Namespace)
	f.add(c.mentions(w)...)
	c.add(f)
}

// fate says what the proposed changes make of a token.
func fate(w bot.WorkloadReport) string {
	switch {
	case !w.TokenBefore:
		return "once the proposed changes are merged"
	case w.TokenAfter:
		return "and no proposed change takes it"
	default:
		return "and the proposed changes take it"
	}
}

// mentions are the places that a workload's evidence names, the strongest first.
func (c *collector) mentions(w bot.WorkloadReport) []mention {
	var out []mention
	for _, e := range w.Evidence {
		if e.Source == "" {
			continue
		}
		text := oneLine(e.Summary)
		if e.Object != "" {
			text = strings.TrimSpace(oneLine(e.Object) + ": " + text)
		}
		out = append(out, mention{c.places.evidence(w, e), text})
	}
	return out
}

// add puts the finding at the first place with a path, and keeps the others.
func (f *finding) add(mentions ...mention) {
	for _, m := range mentions {
		if len(f.also) == 0 {
			f.at = m.at
		}
		if f.known[m] {
			continue
		}
		if f.known == nil {
			f.known = map[mention]bool{}
		}
		f.known[m] = true
		f.also = append(f.also, m)
	}
}

func (c *collector) violations() {
	before, after := setOf(c.report.Violations.Before), setOf(c.report.Violations.After)
	for _, v := range c.report.Violations.Before {
		state := "today, and no longer with every proposed change merged"
		if after[v] {
			state = "today, and still with every proposed change merged"
		}
		c.violation(v, levelWarning, "breaks", state)
	}
	for _, v := range c.report.Violations.After {
		if !before[v] {
			c.violation(v, levelError, "would break", "with every proposed change merged, and does not today")
		}
	}
}

func (c *collector) violation(v bot.ViolationReport, level, verb, state string) {
	id := v.Kind + " " + v.Namespace + "/" + v.Name
	f := finding{rule: ruleViolation, level: level, namespace: v.Namespace, subject: v.Rule + " " + id, at: place{repository: c.places.umbrella},
		message: fmt.Sprintf("%s %s rule %s of the validating policy %s", id, verb, v.Rule, state), objects: []string{objectName(v.Namespace, v.Kind, v.Name)}}
	if release, ok := c.index.accounts[object{v.Namespace, v.Name}]; ok && v.Kind == "ServiceAccount" {
		f.at = c.places.chart(release, v.Namespace)
	}
	if at := c.index.workloads[object{v.Namespace, v.Kind + " " + v.Name}]; len(at) > 0 {
		f.at = c.own(c.report.Workloads[at[0]])
	}
	c.add(f)
}

// own is the template of the workload itself where some evidence stands in it, else
// its chart.
func (c *collector) own(w bot.WorkloadReport) place {
	for _, e := range w.Evidence {
		if e.Source != "" && e.Object == w.Kind+" "+w.Namespace+"/"+w.Name {
			return c.places.evidence(w, e)
		}
	}
	return c.places.chart(w.Release, w.Namespace)
}

func (c *collector) add(f finding) {
	f.message = sentence(f.message)
	c.found = append(c.found, f)
}

// sorted orders the findings and gives each its fingerprint: rule, namespace and
// subject, and a number where several are alike.
func (c *collector) sorted() []finding {
	order := map[string]int{}
	for i, r := range rules() {
		order[r.id] = i
	}
	slices.SortStableFunc(c.found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(order[a.rule], order[b.rule]), cmp.Compare(a.subject, b.subject))
	})
	seen := map[string]int{}
	for i := range c.found {
		f := &c.found[i]
		identity := f.rule + "\x00" + f.namespace + "\x00" + f.subject
		seen[identity]++
		if n := seen[identity]; n > 1 {
			identity += "\x00" + strconv.Itoa(n)
		}
		sum := sha256.Sum256([]byte(identity))
		f.fingerprint = hex.EncodeToString(sum[:])
	}
	return c.found
}

func objectName(namespace, kind, name string) string {
	return oneLine(namespace + "/" + kind + "/" + name)
}
