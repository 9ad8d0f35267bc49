package live

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reportHead tells what an object is. Lists of one kind, as the API server sends
// them, leave the kind of their elements out: then it shows in the fields.
type reportHead struct {
	APIVersion, Kind string
	Reason           string
	Results          json.RawMessage
}

type reportObject struct {
	Scope   *reference
	Results []reportResult
}

type reportResult struct {
	Policy, Rule string
	Result       string
	Status       string // the result's name in v1alpha1
	Resources    []reference
}

type reference struct{ Kind, Namespace, Name string }

// object takes in one object of any kind; false if it is not one.
func (r *reports) object(b []byte) bool {
	var head reportHead
	if json.Unmarshal(b, &head) != nil {
		return false
	}
	group, _, _ := strings.Cut(head.APIVersion, "/")
	switch head.Kind {
	case "PolicyReport", "ClusterPolicyReport":
		return r.report(b)
	case "Report", "ClusterReport":
		if group == "openreports.io" {
			return r.report(b)
		}
	case "Event":
		if head.APIVersion == "v1" || group == "events.k8s.io" {
			return r.event(b)
		}
	case "":
		switch {
		case head.Results != nil:
			return r.report(b)
		case head.Reason != "":
			return r.event(b)
		}
	}
	r.others++
	return true
}

func (r *reports) report(b []byte) bool {
	var report reportObject
	if json.Unmarshal(b, &report) != nil {
		return false
	}
	r.known++
	for _, result := range report.Results {
		verdict := result.Result + result.Status
		if verdict != "fail" && verdict != "warn" || !r.into.wants(result.Policy) {
			continue
		}
		about := result.Resources
		if len(about) == 0 && report.Scope != nil {
			about = []reference{*report.Scope}
		}
		for _, object := range about {
			r.into.add(violation(result.Policy, result.Rule, object))
		}
	}
	return true
}

// violation puts a violation together out of text from outside, made safe to be shown.
func violation(policy, rule string, object reference) Violation {
	const name = 253 // the longest name that Kubernetes allows
	return Violation{
		Policy: line(policy, 2*name), Rule: line(rule, name),
		Kind: line(object.Kind, name), Namespace: line(object.Namespace, name), Name: line(object.Name, name),
	}
}

// line makes one line of text, without control characters and at most longest bytes long.
func line(s string, longest int) string {
	if cut := longest * 4; len(s) > cut {
		s = s[:cut]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= longest {
		return s
	}
	s = s[:longest-len("…")]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

func join(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}
