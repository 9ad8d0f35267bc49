package edit

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	namespacesKey = "namespaces"
	namespaceKey  = "namespace"
	podsKey       = "pods"
	allowKey      = "allow"
	denyKey       = "deny"
)

// Entry is one pattern of pod names, with the reason for it.
type Entry struct {
	Pattern string
	// Comment are the lines of the comment above it, without "# ".
	Comment []string
}

// PolicyEdit lists one namespace in the values of the policies chart: under the
// policy Mutator, which hardens a namespace's ServiceAccounts, and under
// DefaultMutator, which hardens its ServiceAccount default.
//
// The values may be a Go template or plain YAML. Lines are added in the style of
// their neighbours; what is listed already is left out; a policy that the file
// does not have is created. See https://kyverno.io for what the policies do.
type PolicyEdit struct {
	// Mutator and DefaultMutator are the names of the two policies.
	Mutator, DefaultMutator string
	Namespace               string
	// Harden lists the namespace under Mutator, HardenDefault under DefaultMutator.
	Harden, HardenDefault bool
	// Allow and Deny are the patterns to add to the namespace's pods.
	Allow, Deny []Entry
	// ListForm says that the policies chart takes pods as a plain list of what is
	// allowed. It is used where no neighbour shows the form.
	ListForm bool
}

// Apply adds what is missing. Text without a place for it is refused with
// ErrNoAnchor, ErrAmbiguous or ErrForm; names that cannot be written with ErrName;
// pods of a namespace that is not listed, without Harden, with ErrNotListed. The result is parsed
// again and compared with what the edit wants: ErrUnproven if it says anything else.
func (e PolicyEdit) Apply(src []byte) (dst []byte, changes []Change, err error) {
	if err := e.check(); err != nil {
		return nil, nil, err
	}
	if !e.Harden && !e.HardenDefault && len(e.Allow)+len(e.Deny) == 0 {
		return src, nil, nil
	}
	d, err := readSource(src).locate(e.Mutator, e.DefaultMutator)
	if err != nil {
		return nil, nil, err
	}
	missing, err := e.missing(d)
	if err != nil {
		return nil, nil, err
	}
	if missing.nothing() {
		return src, nil, nil
	}
	p := &placer{document: d, splice: newSplice(src, d.lines)}
	if err := missing.place(p); err != nil {
		return nil, nil, err
	}
	dst, changes = p.splice.apply()
	if err := missing.verify(d, dst); err != nil {
		return nil, nil, err
	}
	return dst, changes, nil
}

func (e PolicyEdit) check() error {
	if err := checkName("the namespace", e.Namespace); err != nil {
		return err
	}
	if e.Mutator == "" && (e.Harden || len(e.Allow)+len(e.Deny) > 0) {
		return fmt.Errorf("%w: the mutator has no name", ErrName)
	}
	if e.DefaultMutator == "" && e.HardenDefault {
		return fmt.Errorf("%w: the default mutator has no name", ErrName)
	}
	for _, entries := range [][]Entry{e.Allow, e.Deny} {
		for _, entry := range entries {
			if err := checkName("the pattern", entry.Pattern); err != nil {
				return err
			}
			for _, text := range entry.Comment {
				if err := checkText("the comment", text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// policy is one policy's entry in the values, as far as it is there.
type policy struct {
	name          string
	key, value    *yaml.Node
	listKey, list *yaml.Node
}

func (d *document) policy(name string) (policy, error) {
	p := policy{name: name}
	var err error
	if p.key, p.value, err = child(d.policies, name); err != nil || p.key == nil {
		return p, err
	}
	if p.value.Kind != yaml.MappingNode && !isNull(p.value) {
		return p, fmt.Errorf("%w: policy %s at line %d is not a mapping", ErrForm, name, p.key.Line)
	}
	if p.listKey, p.list, err = child(p.value, namespacesKey); err != nil || p.listKey == nil {
		return p, err
	}
	if p.list.Kind != yaml.SequenceNode && !isNull(p.list) {
		return p, fmt.Errorf("%w: %s of policy %s at line %d is not a list", ErrForm, namespacesKey, name, p.listKey.Line)
	}
	return p, nil
}

// addition is what an edit adds to a file that has the rest already.
type addition struct {
	edit              PolicyEdit // its Allow and Deny hold only what is missing
	mutator, fallback policy
	defaultItem       bool       // the namespace goes into the list of the default mutator
	item              *yaml.Node // the namespace's item in the mutator's list, nil if it must be created
	form              podsForm
	style             podsStyle
}

func (a *addition) nothing() bool {
	return !a.defaultItem && !a.newItem() && len(a.edit.Allow)+len(a.edit.Deny) == 0
}

func (a *addition) newItem() bool { return a.item == nil && a.edit.Harden }

// missing compares the edit with the file.
func (e PolicyEdit) missing(d *document) (*addition, error) {
	a := &addition{edit: e}
	var err error
	if a.mutator, err = d.policy(e.Mutator); err != nil {
		return nil, err
	}
	if a.fallback, err = d.policy(e.DefaultMutator); err != nil {
		return nil, err
	}
	a.defaultItem = e.HardenDefault && !d.holds(a.fallback.list, e.Namespace)
	if !e.Harden && len(e.Allow)+len(e.Deny) == 0 {
		return a, nil
	}
	items, err := d.itemsOf(a.mutator.list, e.Namespace)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 && !e.Harden {
		return nil, fmt.Errorf("%w: %s has no entry for %s, whose pods it should name", ErrNotListed, e.Mutator, e.Namespace)
	}
	listed, err := d.listed(items)
	if err != nil {
		return nil, err
	}
	a.edit.Allow = d.without(e.Allow, listed[allowKey])
	a.edit.Deny = d.without(e.Deny, listed[denyKey])
	if len(items) > 0 {
		a.item = items[0]
	}
	if len(items) > 1 && len(a.edit.Allow)+len(a.edit.Deny) > 0 {
		if a.item, err = d.itemFor(e.Namespace, items, a.mutator.listKey); err != nil {
			return nil, err
		}
	}
	return a, a.chooseForm(d)
}

// chooseForm finds out how the namespace's pods are to be written.
func (a *addition) chooseForm(d *document) error {
	offset := d.dashOffset(a.mutator.value, a.fallback.value, d.policies)
	byDefault := podsStyle{form: formMap, step: d.step(), inMap: offset, list: offset, gap: 2, quote: quotingOf(nil)}
	if a.edit.ListForm {
		byDefault.form = formList
	}
	var err error
	if a.style, err = d.podsStyleOf(a.mutator.list, byDefault); err != nil {
		return err
	}
	a.form = a.style.form
	if a.item != nil {
		_, pods, err := child(a.item, podsKey)
		if err != nil {
			return err
		}
		if own := formOf(pods); own != formUnknown {
			a.form = own
		}
	}
	if a.form == formList && len(a.edit.Deny) > 0 {
		return fmt.Errorf("%w: %s takes pods as a plain list, which cannot deny %s", ErrForm, a.edit.Mutator, a.edit.Deny[0].Pattern)
	}
	return nil
}

// itemsOf returns the items of the mutator's list that are about the namespace.
func (d *document) itemsOf(list *yaml.Node, namespace string) ([]*yaml.Node, error) {
	var items []*yaml.Node
	if list == nil {
		return nil, nil
	}
	for _, item := range list.Content {
		_, name, err := child(item, namespaceKey)
		if err != nil {
			return nil, err
		}
		if name != nil && d.says(name, namespace) {
			items = append(items, item)
		}
	}
	return items, nil
}

// itemFor chooses of a namespace's items the one that additions go to: the last of those that are there
// whenever the list is, since whoever lets values override others by the name of the
// namespace takes the last. Of items under conditions it must be clear which is meant.
func (d *document) itemFor(namespace string, items []*yaml.Node, listKey *yaml.Node) (*yaml.Node, error) {
	home, last := d.blockAt(lineOf(listKey)), items[len(items)-1]
	for _, item := range slices.Backward(items) {
		if d.blockAt(lineOf(item)) == home {
			return item, nil
		}
	}
	for _, item := range items {
		if d.blockAt(lineOf(item)) != d.blockAt(lineOf(last)) {
			return nil, fmt.Errorf("%w: %s is listed under different conditions, at lines %d and %d", ErrAmbiguous, namespace, item.Line, last.Line)
		}
	}
	return last, nil
}

// holds says whether a list has an item that says exactly name.
func (d *document) holds(list *yaml.Node, name string) bool {
	if list == nil {
		return false
	}
	for _, item := range list.Content {
		if d.says(item, name) {
			return true
		}
	}
	return false
}

// says whether a node is a scalar with that value, written out and not filled in by the template.
func (d *document) says(n *yaml.Node, value string) bool {
	if n.Kind != yaml.ScalarNode || n.Value != value {
		return false
	}
	start := d.offsetOf(n)
	return !d.isDynamic(start, start+len(value))
}

// listed collects the patterns that the items name, by "allow" and "deny".
func (d *document) listed(items []*yaml.Node) (map[string]patterns, error) {
	by := map[string]patterns{allowKey: {}, denyKey: {}}
	for _, item := range items {
		_, pods, err := child(item, podsKey)
		if err != nil {
			return nil, err
		}
		if pods != nil && pods.Kind == yaml.SequenceNode {
			by[allowKey].add(pods)
			continue
		}
		for _, name := range []string{allowKey, denyKey} {
			_, list, err := child(pods, name)
			if err != nil {
				return nil, err
			}
			by[name].add(list)
		}
	}
	return by, nil
}

// patterns are the scalars of some lists by their values.
type patterns map[string][]*yaml.Node

func (p patterns) add(list *yaml.Node) {
	if list == nil {
		return
	}
	for _, n := range list.Content {
		p[n.Value] = append(p[n.Value], n)
	}
}

// without returns the entries whose patterns are not listed, each pattern once.
func (d *document) without(entries []Entry, listed patterns) []Entry {
	var missing []Entry
	taken := map[string]bool{}
	for _, entry := range entries {
		for _, n := range listed[entry.Pattern] {
			taken[entry.Pattern] = taken[entry.Pattern] || d.says(n, entry.Pattern)
		}
		if !taken[entry.Pattern] {
			taken[entry.Pattern] = true
			missing = append(missing, entry)
		}
	}
	return missing
}
