package report

import "tokenward/bot"

// index finds in a report what findings name, so that a large platform's are found in a
// time that grows with their number and not with its square.
type index struct {
	workloads map[object][]int  // places in the report's list, by "Kind name"
	accounts  map[object]string // the release of a ServiceAccount, by its name
	hardening map[string]bool   // namespaces that are about to be hardened
}

// object is a name in a namespace.
type object struct{ namespace, name string }

func newIndex(r *bot.ScanReport) *index {
	x := &index{workloads: map[object][]int{}, accounts: map[object]string{}, hardening: map[string]bool{}}
	for i, w := range r.Workloads {
		o := object{w.Namespace, w.Kind + " " + w.Name}
		x.workloads[o] = append(x.workloads[o], i)
	}
	for _, a := range r.ServiceAccounts {
		o := object{a.Namespace, a.Name}
		if _, known := x.accounts[o]; !known {
			x.accounts[o] = a.Release
		}
	}
	for _, ch := range r.Changes {
		if ch.Kind == ruleHarden {
			x.hardening[ch.Namespace] = true
		}
	}
	return x
}

// setOf is for asking which violations a list has.
func setOf(list []bot.ViolationReport) map[bot.ViolationReport]bool {
	set := map[bot.ViolationReport]bool{}
	for _, v := range list {
		set[v] = true
	}
	return set
}
