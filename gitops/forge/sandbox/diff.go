package sandbox

import (
	"context"
	"fmt"
	"strings"
)

// fileDiff is the change of one file, in the shape of GitLab's API.
type fileDiff struct {
	OldPath       string `json:"old_path"`
	NewPath       string `json:"new_path"`
	AMode         string `json:"a_mode"`
	BMode         string `json:"b_mode"`
	Diff          string `json:"diff"`
	NewFile       bool   `json:"new_file"`
	RenamedFile   bool   `json:"renamed_file"`
	DeletedFile   bool   `json:"deleted_file"`
	GeneratedFile bool   `json:"generated_file"`
	Collapsed     bool   `json:"collapsed"`
	TooLarge      bool   `json:"too_large"`
}

// diff returns what lies between two commits, file by file.
func diff(ctx context.Context, git gitRun, from, to string) ([]fileDiff, error) {
	flags := []string{"--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--full-index"}
	out, err := git.settled(ctx, append(append([]string{"diff", "--raw", "--patch", "-z"}, flags...), from, to)...)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, nil
	}
	raw, patch, _ := strings.Cut(string(out), "\x00\x00")
	files, err := parseRaw(raw + "\x00")
	if err != nil {
		return nil, err
	}
	if strings.Contains(raw, "\n") { // a path that is not to be confused with lines of the patch
		out, err := git.settled(ctx, append(append([]string{"diff", "--patch"}, flags...), from, to)...)
		if err != nil {
			return nil, err
		}
		patch = string(out)
	}
	return files, fillPatches(files, splitPatch(patch))
}

// fillPatches gives each file its part of the patch: one piece, or two where
// the file became another kind of thing, such as a symbolic link.
func fillPatches(files []fileDiff, bodies []string) error {
	for n := range files {
		pieces := 1
		if files[n].kindChanged() {
			pieces = 2
		}
		if len(bodies) < pieces {
			return fmt.Errorf("read diff: no patch for %s", files[n].NewPath)
		}
		files[n].Diff, bodies = strings.Join(bodies[:pieces], ""), bodies[pieces:]
	}
	if len(bodies) > 0 {
		return fmt.Errorf("read diff: %d patches too many", len(bodies))
	}
	return nil
}

// kindChanged says whether the file was replaced by, say, a symbolic link: the
// first three digits of a mode are the kind.
func (f fileDiff) kindChanged() bool {
	return !f.NewFile && !f.DeletedFile && f.AMode[:3] != f.BMode[:3]
}

// parseRaw reads the output of git diff --raw -z: for each file modes, object
// names and a status letter, then one path, or two for a rename or a copy.
func parseRaw(raw string) ([]fileDiff, error) {
	fields := strings.Split(raw, "\x00")
	var files []fileDiff
	for len(fields) > 1 {
		meta := strings.Fields(strings.TrimPrefix(fields[0], ":"))
		if len(meta) != 5 || len(meta[0]) != 6 || len(meta[1]) != 6 {
			return nil, fmt.Errorf("read diff: strange record %q", fields[0])
		}
		status := meta[4][0]
		f := fileDiff{AMode: meta[0], BMode: meta[1], OldPath: fields[1], NewPath: fields[1],
			NewFile: status == 'A', DeletedFile: status == 'D', RenamedFile: status == 'R'}
		fields = fields[2:]
		if (status == 'R' || status == 'C') && len(fields) > 1 {
			f.NewPath, fields = fields[0], fields[1:]
		}
		files = append(files, f)
	}
	return files, nil
}

// splitPatch returns the body of each file's patch: from its first hunk, or
// the remark that the files are binary; empty for a mere rename.
func splitPatch(patch string) []string {
	var bodies []string
	var body *strings.Builder
	inside := false
	flush := func() {
		if body != nil {
			bodies = append(bodies, body.String())
		}
	}
	for line := range strings.Lines(patch) {
		if strings.HasPrefix(line, "diff --git ") {
			flush()
			body, inside = &strings.Builder{}, false
			continue
		}
		inside = inside || strings.HasPrefix(line, "@@ ") || strings.HasPrefix(line, "Binary files ")
		if inside && body != nil {
			body.WriteString(line)
		}
	}
	flush()
	return bodies
}

// diff returns what the merge request brings; nothing while it has no common
// ground with its target.
func (mr *mergeRequest) diff(ctx context.Context, git gitRun) ([]fileDiff, error) {
	if mr.check.base == "" {
		return nil, nil
	}
	return diff(ctx, git, mr.check.base, mr.check.source)
}
