package live

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// eventObject has the fields of both kinds of Event; each kind fills its own.
type eventObject struct {
	Reason   string
	Metadata struct {
		Name, Namespace   string
		CreationTimestamp string
	}
	InvolvedObject, Regarding *reference // what it is about
	Related                   *reference
	Message, Note             string

	LastTimestamp, DeprecatedLastTimestamp, EventTime string
	Series                                            *struct{ LastObservedTime string }
}

// Kyverno writes two events for a violation: one at the object ("policy
// POLICY/RULE fail: MESSAGE") and one at the policy ("Pod shop/web: [RULE] fail;
// MESSAGE"), which names the object as related since release 1.11.
var (
	atObject = regexp.MustCompile(`^policy ([^\s/]+)/(.*?) ?(?:fail|warn):\s*(?s:(.*))$`)
	atPolicy = regexp.MustCompile(`^(\S+) (?:([^\s/]+)/)?([^\s/]+): (?:\[([^\]]*)\] )?(?:fail|warn)(?: \(blocked\))?(?:;\s*(?s:(.*)))?$`)
)

func (r *reports) event(b []byte) bool {
	var e eventObject
	if json.Unmarshal(b, &e) != nil {
		return false
	}
	r.known++
	if e.Reason != "PolicyViolation" {
		return true
	}
	about := e.InvolvedObject
	if about == nil {
		about = e.Regarding
	}
	if about == nil {
		r.unclear++
		return true
	}
	v, ok := says(about, e.Related, strings.TrimSpace(e.Message+e.Note))
	if !ok {
		r.unclear++
		return true
	}
	if r.into.wants(v.policy) {
		source := r.name + ": Event " + join(e.Metadata.Namespace, e.Metadata.Name)
		r.into.add(violation(v.policy, v.rule, v.object, v.message, source, e.last()))
	}
	return true
}

type eventText struct {
	policy, rule, message string
	object                reference
}

// says reads an event's text; false if policy or object stay unknown.
func says(about, related *reference, text string) (eventText, bool) {
	if m := atObject.FindStringSubmatch(text); m != nil {
		return eventText{policy: m[1], rule: m[2], message: m[3], object: *about}, about.Name != ""
	}
	if !strings.HasSuffix(about.Kind, "Policy") || about.Name == "" {
		return eventText{}, false
	}
	v := eventText{policy: join(about.Namespace, about.Name), message: text}
	m := atPolicy.FindStringSubmatch(text)
	if m != nil {
		v.object, v.rule, v.message = reference{Kind: m[1], Namespace: m[2], Name: m[3]}, m[4], m[5]
	}
	if related != nil && related.Name != "" {
		v.object = *related
	}
	return v, v.object.Name != ""
}

// last is the latest of the times that an event gives.
func (e *eventObject) last() time.Time {
	times := []string{e.LastTimestamp, e.DeprecatedLastTimestamp, e.EventTime, e.Metadata.CreationTimestamp}
	if e.Series != nil {
		times = append(times, e.Series.LastObservedTime)
	}
	var last time.Time
	for _, s := range times {
		if t := parseTime([]byte(s)); t.After(last) {
			last = t
		}
	}
	return last.UTC()
}
