package report

import (
	"slices"
	"strings"

	"tokenward/bot"
)

// grant is one way from a ServiceAccount to a role, as the evidence tells it.
type grant struct {
	binding string // "RoleBinding shop/web", "" where the evidence names none
	group   string // the group through which the account holds the role, "" if it is named itself
	role    string // "Role shop/web"
	words   string // what the role allows
}

// lane is a ServiceAccount with the workloads whose pods run as it and its grants.
type lane struct {
	namespace string
	account   string
	known     bool // the platform renders the account
	hardened  string
	workloads []bot.WorkloadReport
	grants    []grant
}

const delegator = "ClusterRole system:auth-delegator"

// lanes puts a namespace's workloads to their ServiceAccounts, in the order in
// which the workloads come.
func lanes(n *namespace) []*lane {
	var out []*lane
	byAccount := map[string]*lane{}
	hardened := map[string]string{} // by account, the last of a name
	for _, a := range n.accounts {
		hardened[a.Name] = turn(a.HardenedBefore, a.HardenedAfter)
	}
	for _, w := range n.workloads {
		l := byAccount[w.ServiceAccount]
		if l == nil {
			l = &lane{namespace: n.name, account: w.ServiceAccount}
			l.hardened, l.known = hardened[w.ServiceAccount]
			byAccount[w.ServiceAccount] = l
			out = append(out, l)
		}
		l.workloads = append(l.workloads, w)
		for _, g := range grants(w.Evidence) {
			if !slices.Contains(l.grants, g) {
				l.grants = append(l.grants, g)
			}
		}
	}
	return out
}

// grants joins what the evidence says about roles with what it says about
// bindings: a binding's summary ends in the role that it binds.
func grants(evidence []bot.EvidenceReport) []grant {
	var out []grant
	used := map[int]bool{}
	for _, e := range evidence {
		if e.Kind == "auth-delegator" {
			out = append(out, grant{binding: e.Object, role: delegator, words: e.Summary})
			continue
		}
		if !isRole(e.Object) {
			continue
		}
		found := false
		for i, b := range evidence {
			group, role, ok := bound(b)
			if ok && role == e.Object && !used[i] {
				used[i], found = true, true
				out = append(out, grant{binding: b.Object, group: group, role: role, words: e.Summary})
				break
			}
		}
		if !found {
			out = append(out, grant{role: e.Object, words: e.Summary})
		}
	}
	return out
}

// bound reads a binding's evidence: "its ServiceAccount x is bound to Role y/z" or
// "the group g is bound to Role y/z", with the binding's release after a comma.
func bound(e bot.EvidenceReport) (group, role string, ok bool) {
	if e.Kind != "binding" {
		return "", "", false
	}
	who, rest, ok := strings.Cut(e.Summary, " is bound to ")
	if !ok {
		return "", "", false
	}
	role, _, _ = strings.Cut(rest, ", by release ")
	group, isGroup := strings.CutPrefix(who, "the group ")
	if !isGroup {
		group = ""
	}
	return group, role, isRole(role)
}

func isRole(object string) bool {
	return strings.HasPrefix(object, "Role ") || strings.HasPrefix(object, "ClusterRole ")
}

// signs are the facts behind a verdict that stand in the pod and not in a role.
func signs(evidence []bot.EvidenceReport) []string {
	var out []string
	for _, e := range evidence {
		if isRole(e.Object) || e.Kind == "binding" || e.Kind == "auth-delegator" || e.Summary == "" {
			continue
		}
		out = append(out, e.Summary)
	}
	return out
}
