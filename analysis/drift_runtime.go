package analysis

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// maxSearched bounds the text that is searched for the names of a namespace's patterns, counted once for each name: some
// seconds of work.
const maxSearched = 16 << 30

const tooMuchSaid = "nobody looked for whether anything mentions it: its namespace has too many such patterns, and too much text"

// mentioned says where the pods of a pattern that nothing rendered matches are named
// all the same: a script, a command or a configuration may make them at run time. It is
// "" if nowhere, and says so if that is not known.
func (p *planner) mentioned(pattern string) string {
	var common []string
	for _, r := range p.in.Set.Releases {
		if r.Namespace == p.plan.Namespace {
			common = append(common, r.Name, r.HelmRelease)
		}
	}
	names := spokenNames(pattern, strings.Join(append(common, p.plan.Namespace), " "))
	if len(names) == 0 {
		return ""
	}
	if p.speakers == nil {
		var here []*render.Object
		for _, r := range p.in.Set.Releases {
			for _, o := range r.Objects {
				if o.Namespace == p.plan.Namespace {
					here = append(here, o)
				}
			}
		}
		p.speakers = speakersOf(here)
	}
	for _, o := range p.speakers {
		if p.searched += len(names) * len(o.text); p.searched > maxSearched {
			return tooMuchSaid
		}
		if name := o.namesOne(names); name != "" {
			return fmt.Sprintf("%s %s mentions %s", o.Kind, o.Name, name)
		}
	}
	return ""
}

var withoutWildcards = strings.NewReplacer("*", "", "?", "")

// spokenNames are what the pods of a pattern may be called in a text, the longest
// first: the pattern without its wildcards, and its last words, without those that
// all names of the release share. Single words say nothing, and no pod has a name of more than 253 characters.
func spokenNames(pattern, common string) []string {
	if !render.IsNamePart(withoutWildcards.Replace(pattern)) {
		return nil
	}
	var out []string
	if whole := strings.Trim(pattern, "*?-"); strings.Count(whole, "-") > 0 && !strings.ContainsAny(whole, "*?") {
		out = append(out, strings.ToLower(whole))
	}
	shared := words(common)
	own := slices.DeleteFunc(words(pattern), func(w string) bool { return slices.Contains(shared, w) })
	for ; len(own) > 1; own = own[1:] {
		if name := strings.Join(own, "-"); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// speaker is an object with what it runs or says, in the form in which names are looked for.
type speaker struct {
	*render.Object
	text string
}

// speakersOf reads what objects say; those that say nothing are left out.
func speakersOf(objects []*render.Object) []speaker {
	out := []speaker{}
	for _, o := range objects {
		if text := spokenText(o); text != "" {
			out = append(out, speaker{o, strings.ReplaceAll(strings.ToLower(text), "_", "-")})
		}
	}
	return out
}

// namesOne returns the first of the names that the object says, "" if it says none.
func (s speaker) namesOne(names []string) string {
	for _, name := range names {
		if strings.Contains(s.text, name) {
			return name
		}
	}
	return ""
}

// spokenText is what an object says: the data of a ConfigMap or Secret, or the commands,
// arguments and environments of a pod template.
func spokenText(o *render.Object) string {
	var lines []string
	switch o.Kind {
	case "ConfigMap":
		collectText(o.Field("data"), 0, &lines)
	case "Secret":
		collectText(o.Field("stringData"), 0, &lines)
	default:
		collectSpoken(o.Fields()["spec"], 0, &lines)
	}
	return strings.Join(lines, "\n")
}

// collectSpoken gathers what containers run, wherever they stand in a manifest.
func collectSpoken(v any, depth int, lines *[]string) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch key {
			case "command", "args", "env":
				collectText(v[key], depth+1, lines)
			default:
				collectSpoken(v[key], depth+1, lines)
			}
		}
	case []any:
		for _, item := range v {
			collectSpoken(item, depth+1, lines)
		}
	}
}

// podMakers lists the namespace's workloads that have a token and may make pods at run
// time: what matches nothing that charts render may be theirs.
func (p *planner) podMakers() []string {
	var out []string
	known := map[string]bool{}
	makes := func(account string) bool {
		made, ok := known[account]
		if !ok {
			made = anyGrant(p.rbac().Account(p.plan.Namespace, account), makesPods)
			known[account] = made
		}
		return made
	}
	for _, j := range p.judgements {
		w := j.Workload
		if j.Verdict != NoToken && len(w.Object.Hook) == 0 && slices.ContainsFunc(w.accounts(), makes) {
			out = append(out, w.Kind+" "+w.Name)
		}
	}
	return slices.Compact(out)
}

func anyGrant(grants iter.Seq[rbac.Grant], such func(rbac.Grant) bool) bool {
	for g := range grants {
		if such(g) {
			return true
		}
	}
	return false
}

// makesPods tells whether a role lets its holder create pods, or what makes pods.
func makesPods(g rbac.Grant) bool {
	if g.Origin == rbac.BuiltIn {
		return slices.Contains([]string{"cluster-admin", "admin", "edit"}, g.Binding.RoleRef.Name)
	}
	return slices.ContainsFunc(g.Rules, func(r rbacv1.PolicyRule) bool {
		return hasAny(r.Verbs, "create", "*") && hasAny(r.APIGroups, "", "apps", "batch", "*") &&
			hasAny(r.Resources, "pods", "jobs", "cronjobs", "deployments", "statefulsets", "daemonsets", "replicasets", "*")
	})
}

func hasAny(list []string, any ...string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return slices.Contains(any, s) })
}
