package live

import (
	"encoding/json"
	"regexp"
	"strings"
)

// eventObject has the fields of both kinds of Event; each kind fills its own.
type eventObject struct {
	Reason                    string
	InvolvedObject, Regarding *reference // what it is about
	Related                   *reference
	Message, Note             string
}

// Kyverno writes two events for a violation: one at the object ("policy
// POLICY/RULE fail: MESSAGE") and one at the policy ("Pod shop/web: [RULE] fail;
// MESSAGE"), which names the object as related since release 1.11.
var (
	atObject = regexp.MustCompile(`^policy ([^\s/]+)/(.*?) ?(?:fail|warn):`)
	atPolicy = regexp.MustCompile(`^(\S+) (?:([^\s/]+)/)?([^\s/]+): (?:\[([^\]]*)\] )?(?:fail|warn)(?: \(blocked\))?(?:;|$)`)
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
		r.into.add(violation(v.policy, v.rule, v.object))
	}
	return true
}

type eventText struct {
	policy, rule string
	object       reference
}

// says reads an event's text; false if policy or object stay unknown.
func says(about, related *reference, text string) (eventText, bool) {
	if m := atObject.FindStringSubmatch(text); m != nil {
		return eventText{policy: m[1], rule: m[2], object: *about}, about.Name != ""
	}
	if !strings.HasSuffix(about.Kind, "Policy") || about.Name == "" {
		return eventText{}, false
	}
	v := eventText{policy: join(about.Namespace, about.Name)}
	if m := atPolicy.FindStringSubmatch(text); m != nil {
		v.object, v.rule = reference{Kind: m[1], Namespace: m[2], Name: m[3]}, m[4]
	}
	if related != nil && related.Name != "" {
		v.object = *related
	}
	return v, v.object.Name != ""
}
