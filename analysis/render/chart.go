package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"
)

// Chart is the files of one chart and of the charts that it depends on. It
// holds files rather than Helm's parsed chart, because rendering changes the
// latter: a Chart is immutable, can be rendered any number of times, also at
// the same time, and can be sent to another process as it is.
type Chart struct {
	// Dir is the chart's folder inside its repository, "." for the root.
	Dir string
	// Name is the chart's name as Chart.yaml gives it.
	Name string
	// Files are sorted by name. Archives in charts/ are unpacked to folders.
	Files []File

	once  sync.Once
	facts Facts
}

// File is one file of a chart. Readers must not change it.
type File struct {
	// Name is the path inside the chart: subcharts are below charts/<folder>/.
	Name string
	// Data is the content without a byte order mark.
	Data []byte
	// Source is the path inside the repository, "" for a file out of an archive.
	Source string
}

// LoadChart reads the chart in folder dir of a repository's files. It leaves
// out what Flux leaves out of an artifact (ignore holds the GitRepository's
// spec.ignore, "" for none; .sourceignore files; symbolic links) and what
// .helmignore names. It unpacks archives in charts/ and brings in
// dependencies that Chart.yaml gives as file:// paths inside the repository. A
// dependency that is found nowhere is an error, as it is for Helm: nothing is fetched.
// Of the files' content it reads Chart.yaml alone, within bounds: what else is wrong
// with the chart comes out when it is rendered, in a process that may not survive it.
func LoadChart(fsys fs.FS, dir string, ignore string) (*Chart, error) {
	l := &loading{fsys: fsys, ignore: ignore, entries: maxChartEntries, bytes: maxChartBytes, matching: maxMatching}
	return l.chart(dir, 0)
}

func (l *loading) chart(dir string, depth int) (*Chart, error) {
	dir = path.Clean("./" + strings.TrimPrefix(path.Clean("/"+dir), "/"))
	files, err := l.readTree(dir)
	if err != nil {
		return nil, fmt.Errorf("load chart %s: %w", dir, err)
	}
	if files, err = l.unpack(files, dir, 0); err != nil {
		return nil, fmt.Errorf("load chart %s: %w", dir, err)
	}
	c := &Chart{Dir: dir, Files: files}
	meta, err := readMetadata(c.Files)
	if err != nil {
		return nil, fmt.Errorf("load chart %s: %w", dir, err)
	}
	c.Name = meta.Name
	if err := l.addLocalDependencies(c, meta.Dependencies, depth); err != nil {
		return nil, fmt.Errorf("load chart %s: %w", dir, err)
	}
	sortFiles(c.Files)
	return c, nil
}

// WithValuesFiles returns a chart whose default values are the given files
// of the repository, merged in order, in place of values.yaml: Flux's rule for
// a HelmRelease's spec.chart.spec.valuesFiles. Without files it returns c
// itself, and with values.yaml alone, too: Flux takes that for the chart's own,
// whatever folder the chart is in. A file that is missing is an error unless ignoreMissing is true.
func (c *Chart) WithValuesFiles(fsys fs.FS, names []string, ignoreMissing bool) (*Chart, error) {
	if len(names) == 0 || len(names) == 1 && path.Clean(names[0]) == "values.yaml" {
		return c, nil
	}
	var composer Composer
	merged := map[string]any{}
	for _, name := range names {
		clean := strings.TrimPrefix(path.Clean("/"+name), "/")
		data, err := readValuesFile(fsys, clean)
		if errors.Is(err, fs.ErrNotExist) && ignoreMissing {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read values file %s of chart %s: %w", clean, c.Dir, err)
		}
		if merged, err = composer.merge(merged, data); err != nil {
			return nil, fmt.Errorf("read values file %s of chart %s: %w", clean, c.Dir, err)
		}
	}
	data, err := yaml.Marshal(merged)
	if err != nil {
		return nil, fmt.Errorf("merge values files of chart %s: %w", c.Dir, err)
	}
	out := &Chart{Dir: c.Dir, Name: c.Name}
	for _, f := range c.Files {
		if f.Name != "values.yaml" {
			out.Files = append(out.Files, f)
		}
	}
	out.Files = append(out.Files, File{Name: "values.yaml", Data: data, Source: path.Join(c.Dir, "values.yaml")})
	sortFiles(out.Files)
	return out, nil
}

// readTree reads the files of one chart's folder, names relative to it.
func (l *loading) readTree(dir string) ([]File, error) {
	info, err := fs.Stat(l.fsys, dir)
	switch {
	case errors.Is(err, fs.ErrInvalid):
		return nil, err // it says what is in the way, as a symbolic link
	case err != nil || !info.IsDir():
		return nil, fmt.Errorf("the repository has no folder %s", dir)
	}
	filter, err := l.newSourceFilter(dir)
	if err != nil {
		return nil, err
	}
	rules, more, err := l.helmIgnore(dir, filter)
	if err != nil {
		return nil, err
	}
	var files []File
	err = l.walk(dir, func(name string, d fs.DirEntry) error {
		rel := relative(dir, name)
		if rel == "" {
			return nil
		}
		if err := l.match(filter.bytes + more); err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || rules.Ignore(rel, entryInfo{d}) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || filter.leavesOut(name) || rules.Ignore(rel, entryInfo{d}) {
			return nil
		}
		data, err := l.readFile(name, d)
		if err != nil {
			return err
		}
		if isPointer(data) && isNeeded(rel) {
			return fmt.Errorf("%s is a Git LFS pointer, and what it points to is not fetched", name)
		}
		files = append(files, File{Name: rel, Data: data, Source: name})
		return nil
	})
	return files, err
}

// isPointer tells whether a file stands for one that Git LFS keeps elsewhere.
func isPointer(data []byte) bool {
	return len(data) < 1024 && bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/"))
}

// isNeeded tells of a chart's file whether the chart cannot do without it.
func isNeeded(name string) bool {
	own := ownPath(name)
	return isArchive(name) || strings.HasPrefix(own, "templates/") || own == "Chart.yaml" || own == "values.yaml" || own == "values.schema.json"
}

func trimBOM(data []byte) []byte {
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
}

// relative returns name relative to dir, "" for dir itself.
func relative(dir, name string) string {
	if dir == "." {
		return strings.TrimPrefix(name, ".")
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
}
