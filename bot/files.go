package bot

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	decisions "tokenward/bot/decision"
	"tokenward/gitops/edit"
)

// FileEdit is a further file of a change.
type FileEdit struct {
	Path    string
	Content []byte
	Diff    string // unified diff against the target branch
	Edit    edit.Edit
	// Incidental says that the file only follows from the rest, as a version does. A
	// request that people have declined does not become another one by it.
	Incidental bool
}

// files lists all files of the change, its own first.
func (c *FileChange) files() []FileEdit {
	own := FileEdit{Path: c.Path, Content: c.Content, Diff: c.Diff, Edit: c.Edit}
	return append([]FileEdit{own}, c.Also...)
}

// contents is what to commit, by path.
func (c *FileChange) contents() map[string][]byte {
	out := map[string][]byte{}
	for _, f := range c.files() {
		out[f.Path] = f.Content
	}
	return out
}

// diff shows the change in all its files.
func (c *FileChange) diff() string {
	var out strings.Builder
	for _, f := range c.files() {
		out.WriteString(f.Diff)
	}
	return out.String()
}

// lines are the diffs of the change: all that a commit has to make, asked those that
// people decide on.
func (c *FileChange) lines() (all, asked []fileDiff) {
	for _, f := range c.files() {
		all = append(all, fileDiff{f.Path, f.Diff})
	}
	return all, c.asked(all)
}

// asked leaves out the diffs of files that only follow from the rest.
func (c *FileChange) asked(diffs []fileDiff) []fileDiff {
	return slices.DeleteFunc(slices.Clone(diffs), func(d fileDiff) bool {
		return slices.ContainsFunc(c.Also, func(f FileEdit) bool { return f.Incidental && f.Path == d.path })
	})
}

// fileDiff is how one file changes.
type fileDiff struct{ path, diff string }

// digest identifies the content of a change by the lines that it adds to its files, or
// takes out of one to which it adds none, so that a target branch that moves on does
// not make it another change. The order of a
// file's lines does not count: where a line stands twice, two programs may say of
// either that it was added.
func digest(unit, role string, diffs ...fileDiff) string {
	h := sha256.New()
	h.Write([]byte(unit + "\x00" + role + "\x00"))
	diffs = slices.SortedFunc(slices.Values(diffs), func(a, b fileDiff) int { return cmp.Compare(a.path, b.path) })
	for _, d := range diffs {
		h.Write([]byte(d.path + "\x00"))
		lines := linesWith("+", d.diff)
		if len(lines) == 0 {
			lines = linesWith("-", d.diff)
		}
		lines = slices.DeleteFunc(lines, func(line string) bool { return isFrame(d.path, line) })
		slices.Sort(lines)
		h.Write([]byte(strings.Join(lines, "")))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// isFrame tells whether an added line is what stands around the decisions in their
// file: whoever decides first writes it, and it is nobody's content.
func isFrame(path, line string) bool {
	return path == decisions.Path && !strings.HasPrefix(line, "+ ") && !strings.HasPrefix(line, "+-")
}

// linesWith lists the lines of a diff that begin with a sign, its headers left out.
func linesWith(sign, diff string) []string {
	var out []string
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, sign) && !strings.HasPrefix(line, sign+sign+sign+" ") {
			out = append(out, strings.TrimSuffix(line, "\n")+"\n")
		}
	}
	return out
}
