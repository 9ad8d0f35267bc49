package analysis

import (
	"slices"
	"sync"

	"tokenward/analysis/live"
	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// index is everything that the rules look things up in. It is built once per
// Judge, and stays as it is while rules run.
type index struct {
	subjects []*subject
	rbac     *rbac.Index
	objects  map[manifestKey][]rbac.Source
	policies map[string][]networkPolicy // by namespace
	// otherPolicies are the namespaces, "" for all, with network policies that are not read.
	otherPolicies map[string]bool
	users         map[account][]*subject // who runs as a ServiceAccount
	charts        map[chart]given        // without tests
	invalid       map[string][]Evidence  // unreadable pieces, by release
	failed        map[string][]string    // namespaces whose releases could not be analysed
	signs         *signs
	observed      *live.Observations
	err           error // embedded data that could not be read

	ofAccounts memo[holder, *granted]
	ofGroups   memo[holder, []finding]
	texts      memo[*render.Object, map[string]string] // what ConfigMaps and Secrets hold
	companies  memo[asker, *company]
}

// memo keeps what is worked out for a key, for all who ask for the same.
type memo[K comparable, V any] struct {
	sync.Mutex
	kept map[K]func() V
}

func (m *memo[K, V]) get(key K, work func() V) V {
	m.Lock()
	if m.kept == nil {
		m.kept = map[K]func() V{}
	}
	known, ok := m.kept[key]
	if !ok {
		known = sync.OnceValue(work)
		m.kept[key] = known
	}
	m.Unlock()
	return known()
}

type manifestKey struct{ kind, namespace, name string }

type account struct{ namespace, name string }

func newIndex(set *Set, opts JudgeOptions) *index {
	objects := sources(set)
	table := newOperatorTable(opts.Operators)
	ix := &index{
		objects:  map[manifestKey][]rbac.Source{},
		policies: map[string][]networkPolicy{}, otherPolicies: map[string]bool{}, users: map[account][]*subject{}, charts: map[chart]given{}, invalid: map[string][]Evidence{}, failed: map[string][]string{},
		err: table.err, observed: opts.Observed,
	}
	var both sync.WaitGroup
	both.Go(func() { ix.subjects = subjects(objects, table) })
	both.Go(func() { ix.rbac = rbac.New(objects) })
	signs, err := loadSigns()
	if ix.signs = signs; err != nil {
		ix.err, ix.signs = err, nil
	}
	for _, s := range objects {
		ix.add(s)
	}
	both.Wait()
	for _, s := range ix.subjects {
		for _, name := range s.accounts() {
			key := account{s.Namespace, name}
			ix.users[key] = append(ix.users[key], s)
		}
		if !s.isTest() {
			all := ix.charts[chartKey(s)]
			all.add(s)
			ix.charts[chartKey(s)] = all
		}
	}
	ix.addUnreadable(set)
	return ix
}

// accounts lists the accounts that a subject's pods run as.
func (w *Workload) accounts() []string {
	return append([]string{w.ServiceAccount}, w.OtherAccounts...)
}

func (ix *index) add(s rbac.Source) {
	if namespace, ok := otherPolicy(s.Object); ok {
		ix.otherPolicies[namespace] = true
	}
	switch s.Object.Kind {
	case "ConfigMap", "Secret", "ServiceAccount":
		if groupOf(s.Object) == "" {
			key := manifestKey{s.Object.Kind, s.Object.Namespace, s.Object.Name}
			ix.objects[key] = append(ix.objects[key], s)
		}
	case "NetworkPolicy":
		if isNetworkPolicy(s.Object) {
			ix.addPolicy(s)
		}
	}
}

// addUnreadable notes what could not be read, so that no verdict rests on its absence.
func (ix *index) addUnreadable(set *Set) {
	for _, r := range set.Releases {
		for _, piece := range r.Invalid {
			e := Evidence{Kind: ruleUnreadable, Summary: "a manifest of its release could not be read, which may bind roles: " + piece.Err.Error(), Source: piece.Source, Release: r.Name}
			ix.invalid[r.Name] = append(ix.invalid[r.Name], e)
		}
		if r.Err != nil {
			ix.failed[r.Namespace] = append(ix.failed[r.Namespace], r.Name)
		}
	}
	for _, p := range ix.rbac.Problems() {
		e := Evidence{Kind: ruleUnreadable, Summary: "a role or binding of its release could not be read: " + p.Err.Error(),
			Object: p.Object.ID(), Source: p.Object.Source, Line: p.Object.Line, Release: p.Release}
		ix.invalid[p.Release] = append(ix.invalid[p.Release], e)
	}
}

// account returns the manifest of a subject's ServiceAccount, nil if no release renders it.
func (ix *index) account(namespace, name string) *rbac.Source {
	found := ix.objects[manifestKey{"ServiceAccount", namespace, name}]
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

// runsAlone tells whether no other workload runs as one of the subject's accounts.
func (ix *index) runsAlone(s *subject) bool {
	return !slices.ContainsFunc(s.accounts(), func(name string) bool {
		return slices.ContainsFunc(ix.users[account{s.Namespace, name}], func(other *subject) bool { return other != s })
	})
}
