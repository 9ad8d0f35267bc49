package render

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// What Flux's source-controller leaves out of every artifact, and what it
// leaves out where neither spec.ignore nor a .sourceignore file says anything.
const (
	ignoreAlways  = ".git/\n.gitignore\n.gitmodules\n.gitattributes\n"
	ignoreDefault = "*.jpg\n*.jpeg\n*.gif\n*.png\n*.wmv\n*.flv\n*.tar.gz\n*.zip\n" +
		".github/\n.circleci/\n.travis.yml\n.gitlab-ci.yml\nappveyor.yml\n.drone.yml\n" +
		"cloudbuild.yaml\ncodeship-services.yml\ncodeship-steps.yml\n" +
		"**/.goreleaser.yml\n**/.sops.yaml\n**/.flux.yaml\n"
	sourceIgnoreFile = ".sourceignore"
)

// sourceFilter says which files of a repository do not reach Helm, because
// Flux leaves them out of the artifact that it makes of the repository.
type sourceFilter struct {
	matcher gitignore.Matcher
	bytes   int // how long the patterns are
}

// newSourceFilter reads the .sourceignore files that can concern dir; the
// patterns of spec.ignore come last and so win. They may be as long as such a file.
func (l *loading) newSourceFilter(dir string) (*sourceFilter, error) {
	if len(l.ignore) > maxIgnoreFile {
		return nil, fmt.Errorf("spec.ignore of its GitRepository has more than %d KiB", maxIgnoreFile>>10)
	}
	patterns, n, err := l.sourceIgnores(dir)
	if err != nil {
		return nil, err
	}
	patterns = append(patterns, parsePatterns([]byte(l.ignore), nil)...)
	if len(patterns) == 0 {
		patterns = parsePatterns([]byte(ignoreDefault), nil)
	}
	patterns = append(parsePatterns([]byte(ignoreAlways), nil), patterns...)
	return &sourceFilter{gitignore.NewMatcher(patterns), n + len(l.ignore)}, nil
}

// leavesOut tells of a file (never of a folder) whether Flux leaves it out.
// Flux asks file by file: a pattern with "!" brings a file back even from a
// folder that another pattern excludes, unlike git's own rule.
func (f *sourceFilter) leavesOut(name string) bool {
	return f.matcher.Match(strings.Split(name, "/"), false)
}

// sourceIgnores collects .sourceignore files from the repository's root down to
// dir, and below it.
func (l *loading) sourceIgnores(dir string) (patterns []gitignore.Pattern, bytes int, err error) {
	add := func(folder string) error {
		data, err := l.ignoreFile(path.Join(folder, sourceIgnoreFile))
		if err != nil {
			return err
		}
		patterns = append(patterns, parsePatterns(data, domain(folder))...)
		bytes += len(data)
		return nil
	}
	parts := domain(dir)
	for i := range parts {
		if err := add(path.Join(append([]string{"."}, parts[:i]...)...)); err != nil {
			return nil, 0, err
		}
	}
	// This looks at all that is read later, which therefore is not counted again.
	err = l.walk(dir, func(name string, d fs.DirEntry) error {
		if err := l.look(); err != nil {
			return err
		}
		switch {
		case !d.IsDir():
			return nil
		case d.Name() == ".git":
			return fs.SkipDir
		}
		return add(name)
	})
	return patterns, bytes, err
}

func domain(folder string) []string {
	if folder == "." || folder == "" {
		return nil
	}
	return strings.Split(folder, "/")
}

func parsePatterns(text []byte, domain []string) []gitignore.Pattern {
	var patterns []gitignore.Pattern
	scanner := bufio.NewScanner(bytes.NewReader(text))
	scanner.Buffer(nil, 1<<20) // an ignoreFile is shorter
	for scanner.Scan() {
		line := strings.TrimSuffix(scanner.Text(), "\r")
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		patterns = append(patterns, gitignore.ParsePattern(line, domain))
	}
	return patterns
}

// entryInfo makes a directory entry what Helm's ignore rules ask for; they use IsDir alone.
type entryInfo struct{ fs.DirEntry }

func (e entryInfo) Mode() fs.FileMode  { return e.Type() }
func (e entryInfo) Size() int64        { return 0 }
func (e entryInfo) ModTime() time.Time { return time.Time{} }
func (e entryInfo) Sys() any           { return nil }

var _ os.FileInfo = entryInfo{}
