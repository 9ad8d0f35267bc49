package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"tokenward/analysis/render"
)

// failure is a package that cannot be enabled together with the others, and what its template says.
type failure struct {
	pkg packageNode
	err error
}

// trial renders the umbrella with some packages on and all others off, and
// remembers what failed.
type trial struct {
	u      *umbrella
	all    []packageNode
	errs   map[string]error
	last   *render.Output // of the set lastID
	lastID string
}

// enableAll renders the umbrella with as many packages as render together, and
// returns the others with their errors. It is an error only if the umbrella renders with no choice of packages.
func (u *umbrella) enableAll(ctx context.Context) (*render.Output, []failure, error) {
	t := &trial{u: u, errs: map[string]error{}}
	for _, p := range u.packages {
		if p.switchable {
			t.all = append(t.all, p)
		}
	}
	on := slices.Clone(t.all)
	var off []packageNode
	err := t.run(ctx, on)
	for err != nil && ctx.Err() == nil && len(on) > 0 {
		i, findErr := t.culprit(ctx, on, err)
		if findErr != nil {
			return nil, nil, findErr
		}
		off = append(off, on[i])
		on = slices.Delete(slices.Clone(on), i, i+1)
		err = t.run(ctx, on)
	}
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("render umbrella: %w", err)
	}
	on, left := t.putBack(ctx, on, off)
	if err := t.run(ctx, on); err != nil {
		return nil, nil, fmt.Errorf("render umbrella: %w", err)
	}
	return t.last, left, nil
}

// run renders with the packages of on; a set that was tried is not rendered again.
func (t *trial) run(ctx context.Context, on []packageNode) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id := setID(on)
	if err, known := t.errs[id]; known && (err != nil || t.lastID == id) {
		return err
	}
	var off []packageNode
	enabled := map[string]bool{}
	for _, p := range on {
		enabled[p.path()] = true
	}
	for _, p := range t.all {
		if !enabled[p.path()] {
			off = append(off, p)
		}
	}
	out, err := t.u.render(ctx, overlay(on, off))
	t.errs[id] = err
	if err == nil {
		t.last, t.lastID = out, id
	}
	return err
}

func setID(on []packageNode) string {
	paths := make([]string, len(on))
	for i, p := range on {
		paths[i] = p.path()
	}
	slices.Sort(paths)
	return strings.Join(paths, "\n")
}

// culprit finds a package of on whose enabling makes the rendering fail with
// err: first among those that the error names, then by halving.
func (t *trial) culprit(ctx context.Context, on []packageNode, failed error) (int, error) {
	for _, i := range mentioned(on, failed) {
		err := t.run(ctx, slices.Delete(slices.Clone(on), i, i+1))
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err == nil || !sameFailure(err, failed) {
			return i, nil
		}
	}
	if err := t.run(ctx, nil); err != nil {
		return t.byRemoval(ctx, on, failed, err)
	}
	// The first n packages fail together and the first n-1 do not: the last of them is to blame.
	n := sort.Search(len(on), func(n int) bool { return t.run(ctx, on[:n]) != nil })
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return max(n, 1) - 1, nil
}

// byRemoval finds a culprit where the umbrella fails without any package too,
// as one does that insists on a package of its own: it tries to do without each in turn.
func (t *trial) byRemoval(ctx context.Context, on []packageNode, failed, bare error) (int, error) {
	if !sameFailure(failed, bare) {
		for i := range on {
			err := t.run(ctx, slices.Delete(slices.Clone(on), i, i+1))
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if err == nil || !sameFailure(err, failed) {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("render umbrella: %w", failed)
}

// putBack enables again, one by one, what was left out: a package may have been
// blamed for another's failure. It returns what is on, and what fails with it.
func (t *trial) putBack(ctx context.Context, on, off []packageNode) ([]packageNode, []failure) {
	var left []failure
	for _, p := range off {
		with := append(slices.Clone(on), p)
		if err := t.run(ctx, with); err != nil {
			left = append(left, failure{p, err})
			continue
		}
		on = with
	}
	slices.SortFunc(left, func(a, b failure) int { return strings.Compare(a.pkg.path(), b.pkg.path()) })
	return on, left
}

// mentioned lists the packages that an error names, the likeliest first: the
// one whose folder the failing template is in, then those whose values it reads.
func mentioned(on []packageNode, failed error) []int {
	var te *render.TemplateError
	raw, folders := failed.Error(), []string{}
	if errors.As(failed, &te) {
		raw += " " + te.Err.Error()
		for part := range strings.SplitSeq(te.Source, "/") {
			folders = append(folders, plainName(part))
		}
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(raw, func(r rune) bool { return strings.ContainsRune(" ./<>()[]{}:;,'\"`\n\t", r) }) {
		words[plainName(w)] = true
	}
	var byFolder, byPath, byWord []int
	for i, p := range on {
		name := plainName(p.last())
		switch {
		case slices.Contains(folders, name):
			byFolder = append(byFolder, i)
		case strings.Contains(raw, "Values."+p.path()+"."):
			byPath = append(byPath, i)
		case words[name]:
			byWord = append(byWord, i)
		}
	}
	return slices.Concat(byFolder, byPath, byWord)
}

func sameFailure(a, b error) bool {
	var x, y *render.TemplateError
	if errors.As(a, &x) && errors.As(b, &y) {
		return x.Source == y.Source && x.Line == y.Line && x.Message == y.Message
	}
	return a.Error() == b.Error()
}
