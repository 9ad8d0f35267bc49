package render

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/ignore"
)

// What one chart may be, with all charts that it depends on: loading happens outside of
// the render workers.
const (
	maxChartBytes   = 64 << 20 // of its files, and again of what its archives unpack to
	maxChartEntries = 100_000  // files and folders that are looked at
	maxIgnoreFile   = 64 << 10 // one .helmignore or .sourceignore file, or spec.ignore
	maxMatching     = 64 << 20 // bytes of patterns that files are held against
)

// loading is one chart being loaded. All of it shares what is left: charts that name the
// same others over and over, and folders that git stores once, cost nobody more.
type loading struct {
	fsys     fs.FS
	ignore   string // the GitRepository's spec.ignore
	entries  int
	bytes    int64
	matching int
	unpacker
}

// look counts one file or folder.
func (l *loading) look() error {
	if l.entries--; l.entries < 0 {
		return fmt.Errorf("the chart has more than %d files and folders", maxChartEntries)
	}
	return nil
}

// walk calls each for what is below dir, in the order of names.
func (l *loading) walk(dir string, each func(name string, d fs.DirEntry) error) error {
	return fs.WalkDir(l.fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return each(name, d)
	})
}

func (l *loading) readFile(name string, d fs.DirEntry) ([]byte, error) {
	info, err := d.Info()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if info.Size() > loader.MaxDecompressedFileSize {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that Helm allows for a chart's file",
			name, info.Size(), loader.MaxDecompressedFileSize)
	}
	if l.bytes -= info.Size(); l.bytes < 0 {
		return nil, fmt.Errorf("the chart's files have more than %d MiB", maxChartBytes>>20)
	}
	var data []byte
	if shared, ok := l.fsys.(sharer); ok {
		data, err = shared.ShareFile(name)
	} else {
		data, err = fs.ReadFile(l.fsys, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return trimBOM(data), nil
}

// sharer is a file system that gives out what it holds, for those who do not change it.
type sharer interface {
	ShareFile(name string) ([]byte, error)
}

// ignoreFile reads a file of patterns, nil where there is none.
func (l *loading) ignoreFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(l.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxIgnoreFile:
		return nil, fmt.Errorf("read %s: it has more than %d KiB", name, maxIgnoreFile>>10)
	}
	return data, nil
}

// match counts one file held against patterns of so many bytes.
func (l *loading) match(patterns int) error {
	if l.matching -= patterns; l.matching < 0 {
		return errors.New("the chart has too many files for so many patterns of files to ignore")
	}
	return nil
}

// readValuesFile reads one of a HelmRelease's valuesFiles.
func readValuesFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > loader.MaxDecompressedFileSize {
		return nil, fmt.Errorf("it has %d bytes, more than the %d that Helm allows for a chart's file", info.Size(), loader.MaxDecompressedFileSize)
	}
	return fs.ReadFile(fsys, name)
}

// helmIgnore reads the chart's .helmignore, with Helm's own default rule.
// bytes is how long its patterns are.
func (l *loading) helmIgnore(dir string, filter *sourceFilter) (rules *ignore.Rules, bytes int, err error) {
	name := path.Join(dir, ignore.HelmIgnore)
	rules = ignore.Empty()
	if !filter.leavesOut(name) {
		data, err := l.ignoreFile(name)
		if err != nil {
			return nil, 0, err
		}
		if rules, err = ignore.Parse(strings.NewReader(string(data))); err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", name, err)
		}
		bytes = len(data)
	}
	rules.AddDefaults()
	return rules, bytes, nil
}
