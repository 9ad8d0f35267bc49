package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tokenward/analysis"
	decisions "tokenward/bot/decision"
	"tokenward/bot/redact"
	"tokenward/gitops/edit"
	"tokenward/gitops/git"
)

// Unit is one namespace's work, computed to the last byte before anything is written.
type Unit struct {
	Plan     analysis.NamespacePlan
	Umbrella *FileChange // nil if the umbrella's values say all that they should
	Packages []*FileChange
	Proof    *Proof // nil without a change of the umbrella
	// Documented names the packages whose documentation has the section already.
	Documented []string
	documented []*git.Snapshot // their default branches
	pending    *decisions.File // decisions that the umbrella's request carries
	// Removes says that the unit only takes stale entries out: Removed. Kept are those
	// that the file does not let go.
	Removes       bool
	Removed, Kept []analysis.Change
	// Members are the units that this one proposes together, see gather; Plan is empty then.
	Members []*Unit
}

// FileChange is one file of one repository with its wanted content, and what else
// changes with it in the same commit.
type FileChange struct {
	Base    *git.Snapshot // the tip of the target branch
	Package string        // the repository's name
	Path    string
	Content []byte
	Diff    string // unified diff against Base
	Why     string // why the change goes to this file
	Edit    edit.Edit
	Also    []FileEdit
	bump    bump
}

// Refusal is a unit that is not proposed, with the lines that a person may place
// by hand.
type Refusal struct {
	Unit     string
	Reason   error
	Intended string
}

func (r *Refusal) Error() string { return fmt.Sprintf("unit %s: %v", r.Unit, r.Reason) }

func (r *Refusal) Unwrap() error { return r.Reason }

// prepare computes a unit: the edit of the umbrella with its proof, and the
// documentation of every package of the namespace. The error is a *Refusal.
func (b *Bot) prepare(ctx context.Context, s *Scan, plan analysis.NamespacePlan) (*Unit, error) {
	u := &Unit{Plan: plan, pending: &decisions.File{}}
	if len(plan.Edits()) > 0 {
		if err := b.editUmbrella(ctx, s, u); err != nil {
			return nil, &Refusal{Unit: plan.Namespace, Reason: err, Intended: b.intended(s, plan)}
		}
	}
	_, listed := s.Listing.Find(plan.Namespace)
	if !b.cfg.Documentation || !listed && u.Umbrella == nil {
		return u, b.leaveAlone(ctx, s, u, s.Decisions.For(plan.Namespace))
	}
	if err := b.editPackages(ctx, s, u); err != nil {
		return nil, &Refusal{Unit: plan.Namespace, Reason: err}
	}
	return u, nil
}

// editUmbrella edits the file that holds the mutator's values and proves it. Where
// several files could hold them, the first whose edit is proven is taken.
func (b *Bot) editUmbrella(ctx context.Context, s *Scan, u *Unit) error {
	if s.policyErr != nil {
		return s.policyErr
	}
	if s.Umbrella.Branch == "" {
		return fmt.Errorf("a merge request needs a branch to go to: give a branch of the umbrella instead of %s", s.Umbrella.Ref)
	}
	files, err := b.policyFiles(s.Umbrella.FS())
	if err != nil {
		return err
	}
	var reasons []error
	for _, f := range files {
		src, err := fs.ReadFile(s.Umbrella.FS(), f)
		if err != nil {
			return fmt.Errorf("read %s of the umbrella: %w", f, err)
		}
		change := b.policyEdit(s, u.Plan)
		dst, changes, err := change.Apply(src)
		if err == nil && len(changes) == 0 {
			err = errors.New("it says all that is planned, and yet the rendered values do not")
		}
		if err == nil {
			u.Proof, err = b.prove(ctx, s, u.plans(), f, dst)
		}
		if err == nil {
			u.Umbrella = &FileChange{Base: s.Umbrella, Package: repositoryName(s.Umbrella.URL), Path: f, Content: dst, Diff: edit.UnifiedDiff(f, src, dst), Edit: change}
			return nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", f, err))
	}
	return errors.Join(reasons...)
}

// policyFiles lists the umbrella's files that can hold the mutator's values: those
// that name it, else those that hold other policies' values.
func (b *Bot) policyFiles(tree fs.FS) ([]string, error) {
	if b.cfg.PolicyValues != "" {
		return []string{b.cfg.PolicyValues}, nil
	}
	var named, possible []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".tpl"}, path.Ext(name)) {
			return err
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		switch {
		case edit.HasAnchor(src, b.cfg.Policies.Mutator):
			named = append(named, name)
		case edit.HasAnchor(src, b.cfg.Policies.Validator) && edit.HasPolicies(src):
			possible = append(possible, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search the umbrella for the values of %s: %w", b.cfg.Policies.Mutator, err)
	}
	// What the chart renders comes before examples and tests that only look like it.
	slices.SortStableFunc(named, func(a, c string) int { return outsideTemplates(a) - outsideTemplates(c) })
	if files := append(named, possible...); len(files) > 0 {
		return files, nil
	}
	return nil, fmt.Errorf("no file of the umbrella holds values of the policies %s or %s: name it in policies.valuesFile", b.cfg.Policies.Mutator, b.cfg.Policies.Validator)
}

// unreadable names the files with the policies' values that cannot be read as YAML,
// nil if all can or there are none.
func (b *Bot) unreadable(s *Scan) error {
	files, err := b.policyFiles(s.Umbrella.FS())
	if err != nil {
		return err
	}
	var reasons []error
	for _, f := range files {
		src, err := fs.ReadFile(s.Umbrella.FS(), f)
		if err == nil {
			probe := edit.PolicyEdit{Mutator: b.cfg.Policies.Mutator, DefaultMutator: b.cfg.Policies.DefaultMutator, Namespace: "probe", Harden: true}
			_, _, err = probe.Apply(src)
		}
		if err != nil {
			reasons = append(reasons, fmt.Errorf("%s: %w", f, err))
		}
	}
	return errors.Join(reasons...)
}

func outsideTemplates(file string) int {
	if strings.Contains("/"+file, "/templates/") {
		return 0
	}
	return 1
}

func (b *Bot) policyEdit(s *Scan, plan analysis.NamespacePlan) edit.PolicyEdit {
	e := edit.PolicyEdit{Mutator: b.cfg.Policies.Mutator, DefaultMutator: b.cfg.Policies.DefaultMutator, Namespace: plan.Namespace, ListForm: s.ListForm}
	for _, c := range plan.Edits() {
		switch c.Kind {
		case analysis.Harden:
			e.Harden = true
		case analysis.HardenDefault:
			e.HardenDefault = true
		case analysis.Allow:
			e.Allow = append(e.Allow, edit.Entry{Pattern: c.Pattern, Comment: comment(s, c)})
		case analysis.Deny:
			e.Deny = append(e.Deny, edit.Entry{Pattern: c.Pattern, Comment: wrap(oneLine(c.Reason))})
		}
	}
	e.Allow, e.Deny = once(e.Allow), once(e.Deny)
	return e
}

// once keeps a comment only above the first of neighbouring entries that share it.
func once(entries []edit.Entry) []edit.Entry {
	for i := len(entries) - 1; i > 0; i-- {
		if slices.Equal(entries[i].Comment, entries[i-1].Comment) {
			entries[i].Comment = nil
		}
	}
	return entries
}

// comment says above a pattern why it is there, as a maintainer would: what the
// pods do with the API, and the template that shows it.
func comment(s *Scan, c analysis.Change) []string {
	var out []string
	for i, e := range c.Evidence {
		line := e.Summary
		if len(c.Evidence) > 1 {
			line = c.Workloads[i] + ": " + line
		}
		if c.Review {
			line += " (to be confirmed)"
		}
		for _, l := range []string{line, sourceInRepository(s, e)} {
			if l = oneLine(l); l != "" && !slices.Contains(out, l) {
				out = append(out, wrap(l)...)
			}
		}
	}
	return out
}

// commentWidth is how long a line of a comment may become, about that of people's own.
const commentWidth = 120

// wrap breaks a sentence between words.
func wrap(s string) []string {
	var out []string
	for len(s) > commentWidth {
		i := strings.LastIndexByte(s[:commentWidth], ' ')
		if i <= 0 {
			break
		}
		out, s = append(out, s[:i]), s[i+1:]
	}
	return append(out, s)
}

// sourceInRepository names a template as people look for it: the repository's
// name and the path in it.
func sourceInRepository(s *Scan, e analysis.Evidence) string {
	for _, r := range s.Set.Releases {
		if r.Name == e.Release && e.Source != "" {
			return repositoryName(r.Repository) + "/" + e.Source
		}
	}
	return e.Source
}

// oneLine makes foreign text fit for a comment in a template: no line ends, no
// template directives.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(redact.OneLine(s)), " ")
	return strings.NewReplacer("{{", "{ {", "}}", "} }").Replace(s)
}

// intended shows a plan as the lines that a person would add.
func (b *Bot) intended(s *Scan, plan analysis.NamespacePlan) string {
	src := "policies:\n"
	dst, _, err := b.policyEdit(s, plan).Apply([]byte(src))
	if err == nil {
		return strings.TrimPrefix(string(dst), src)
	}
	var out strings.Builder
	for _, c := range plan.Edits() {
		fmt.Fprintf(&out, "%s %s %s\n", oneLine(c.Namespace), c.Kind, oneLine(c.Pattern))
	}
	return out.String()
}

// repositoryName is the last element of a git URL without .git.
func repositoryName(url string) string {
	return strings.TrimSuffix(path.Base(strings.TrimSuffix(url, "/")), ".git")
}
