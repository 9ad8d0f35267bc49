package render

import (
	"bytes"
	"context"
	"maps"
	"path"
	"slices"
	"strings"
)

// upgrades tells whether the chart may render something else when a release is
// upgraded than when it is installed.
func (c *Chart) upgrades() bool {
	for _, f := range c.Files {
		if path.Ext(f.Name) == ".md" || !strings.Contains("/"+f.Name, "/templates/") {
			continue
		}
		for _, word := range []string{"IsUpgrade", "IsInstall", "Release.Revision"} {
			if bytes.Contains(f.Data, []byte(word)) {
				return true
			}
		}
	}
	return false
}

// addUpgrade adds to an installation what the first upgrade of the release renders
// beside it, and gives objects that only the revision renames their later name. The
// upgrade is rendered as helm lint would, so that fail and required do not end it: they
// ask for what only a cluster or a person knows, such as the passwords of the
// installation. Where a template cannot do without a cluster all the same, the
// release is taken as installed. Of the upgrade only the files that differ from those of
// the installation are looked at.
func addUpgrade(ctx context.Context, c *Chart, r Request, e *execution, out *Output) {
	later, err := e.by.execute(ctx, c, r, upgrade, nil, drawnTimes[0])
	if err != nil || maps.Equal(e.rendered, later.rendered) {
		return
	}
	// Post-renderers change files that know of each other, and names that are drawn are found by all files together.
	whole := len(r.PostRenderers) > 0 || c.draws()
	same := func(template string) bool {
		text, ok := later.rendered[template]
		return ok && text == e.rendered[template] && !whole
	}
	known, upgraded := map[objectKey]bool{}, map[objectKey]bool{}
	for i, o := range out.Objects {
		known[keyOf(o)] = true
		if same(e.made[i]) {
			upgraded[keyOf(o)] = true
		}
	}
	different := maps.Clone(later.rendered)
	maps.DeleteFunc(different, func(name, _ string) bool { return same(name) })
	later.rendered = different
	up, err := later.output(ctx, c, r, upgrade, nil)
	if err != nil {
		return
	}
	SetNamespaces(up.Objects, r.Namespace, slices.Concat(up.CRDs, out.CRDs, r.CRDs))
	for _, o := range up.Objects {
		upgraded[keyOf(o)] = true
	}
	for _, o := range up.Objects {
		if known[keyOf(o)] {
			continue
		}
		known[keyOf(o)] = true
		if before := firstRevision(out.Objects, upgraded, o); before != nil {
			before.Later = o.Name
			continue
		}
		out.Objects = append(out.Objects, o)
	}
	for _, i := range up.Invalid {
		if !slices.ContainsFunc(out.Invalid, func(j Invalid) bool { return j.Source == i.Source }) {
			out.Invalid = append(out.Invalid, i)
		}
	}
	slices.SortStableFunc(out.Objects, func(a, b *Object) int { return strings.Compare(a.Source, b.Source) })
}

// objectKey is what makes an object the same one on a cluster.
type objectKey struct{ group, kind, namespace, name string }

func keyOf(o *Object) objectKey {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		group = ""
	}
	return objectKey{group, o.Kind, o.Namespace, o.Name}
}

// firstRevision finds the object of the installation that the upgrade renders under
// another name: the same kind of the same template, gone from the upgrade, and called
// the same but for the revision.
func firstRevision(installed []*Object, upgraded map[objectKey]bool, o *Object) *Object {
	for _, before := range installed {
		if before.Kind == o.Kind && before.Namespace == o.Namespace && before.Source == o.Source &&
			!upgraded[keyOf(before)] && onlyRevised(before.Name, o.Name) {
			return before
		}
	}
	return nil
}

// onlyRevised tells whether two names differ in nothing but the revision: 1 of an
// installation, 2 of its upgrade.
func onlyRevised(before, after string) bool {
	if len(before) != len(after) || before == after {
		return false
	}
	for i := range len(before) {
		if before[i] != after[i] && (before[i] != '1' || after[i] != '2') {
			return false
		}
	}
	return true
}
