package render

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// maxNesting bounds charts inside charts, so that an archive that holds
// archives, or folders that name each other as dependencies, come to an end.
const maxNesting = 16

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
}

// readMetadata reads Chart.yaml, and requirements.yaml as charts of the first API version have it.
func readMetadata(files []File) (*chart.Metadata, error) {
	meta := new(chart.Metadata)
	found := false
	for _, name := range []string{"Chart.yaml", "requirements.yaml"} {
		i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
		if i < 0 {
			continue
		}
		found = found || name == "Chart.yaml"
		if len(files[i].Data) > maxMetadata {
			return nil, fmt.Errorf("read %s: it has more than %d MiB", name, maxMetadata>>20)
		}
		if err := checkAliases(files[i].Data); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := yaml.Unmarshal(files[i].Data, meta); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	if !found {
		return nil, fmt.Errorf("Chart.yaml is missing")
	}
	return meta, nil
}

// unpacker turns archives in charts/ into folders. used is what was unpacked so far.
type unpacker struct{ used int64 }

// unpack replaces charts/<any>.tgz by the archive's files in charts/<chart
// name>/, at every depth. where names the place for errors.
func (u *unpacker) unpack(files []File, where string, depth int) ([]File, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("%s: charts are nested more than %d deep", where, maxNesting)
	}
	var out []File
	taken := map[string]bool{}
	for _, f := range files {
		if folder, ok := chartFolder(f.Name); ok {
			taken[folder] = true
		}
		if !isArchive(f.Name) {
			out = append(out, f)
		}
	}
	for _, f := range files {
		if !isArchive(f.Name) || ignoredSubchart(f.Name) {
			continue
		}
		place := path.Join(where, f.Name)
		inner, err := u.open(f.Data, place)
		if err != nil {
			return nil, err
		}
		if inner, err = u.unpack(inner, place, depth+1); err != nil {
			return nil, err
		}
		meta, err := readMetadata(inner)
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", place, err)
		}
		folder := path.Join(path.Dir(f.Name), meta.Name)
		if taken[folder] {
			folder = strings.TrimSuffix(f.Name, ".tgz")
		}
		taken[folder] = true
		for _, g := range inner {
			out = append(out, File{Name: path.Join(folder, g.Name), Data: g.Data})
		}
	}
	return out, nil
}

func (u *unpacker) open(data []byte, place string) ([]File, error) {
	files, n, err := readArchive(data, maxChartBytes-u.used)
	if n > maxChartBytes-u.used {
		return nil, fmt.Errorf("unpack %s: the chart unpacks to more than %d MB", place, maxChartBytes>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", place, err)
	}
	u.used += n
	return files, nil
}

// isArchive tells whether name is an archive where Helm looks for subcharts:
// charts/x.tgz, or charts/a/charts/x.tgz, and so on.
func isArchive(name string) bool {
	if path.Ext(name) != ".tgz" {
		return false
	}
	parts := strings.Split(name, "/")
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i] != "charts" {
			return false
		}
	}
	return len(parts)%2 == 0
}

// chartFolder returns the deepest charts/<folder> that name lies in.
func chartFolder(name string) (string, bool) {
	parts := strings.Split(name, "/")
	n := 0
	for n+2 < len(parts) && parts[n] == "charts" {
		n += 2
	}
	return path.Join(parts[:n]...), n > 0
}

// ignoredSubchart tells whether Helm passes over an entry of charts/.
func ignoredSubchart(name string) bool {
	return strings.HasPrefix(path.Base(name), "_") || strings.HasPrefix(path.Base(name), ".")
}

// addLocalDependencies brings in what Chart.yaml asks for by a path in the
// same repository and charts/ does not hold, and reports what is missing.
func (l *loading) addLocalDependencies(c *Chart, wanted []*chart.Dependency, depth int) error {
	present := c.subcharts()
	var missing []string
	for _, dep := range wanted {
		if dep == nil || present[dep.Name] {
			continue
		}
		place, isFile := strings.CutPrefix(dep.Repository, "file://")
		if !isFile {
			missing = append(missing, dep.Name)
			continue
		}
		local, err := l.local(c.Dir, place, dep, depth+1)
		if err != nil {
			return err
		}
		for _, f := range local.Files {
			f.Name = path.Join("charts", dep.Name, f.Name)
			c.Files = append(c.Files, f)
		}
		present[dep.Name] = true
	}
	if len(missing) > 0 {
		return fmt.Errorf("Chart.yaml lists dependencies that charts/ does not hold: %s", strings.Join(missing, ", "))
	}
	return nil
}

// local loads the chart of a file:// dependency; depth catches charts that name each other.
func (l *loading) local(dir, place string, dep *chart.Dependency, depth int) (*Chart, error) {
	target := path.Join(dir, place)
	if depth > maxNesting {
		return nil, fmt.Errorf("dependency %s: charts are nested more than %d deep", dep.Name, maxNesting)
	}
	if path.IsAbs(place) || !fs.ValidPath(target) || target == dir {
		return nil, fmt.Errorf("dependency %s: file://%s does not lead to another chart of the repository", dep.Name, place)
	}
	local, err := l.chart(target, depth)
	if err != nil {
		return nil, fmt.Errorf("dependency %s: %w", dep.Name, err)
	}
	meta, err := readMetadata(local.Files)
	if err != nil {
		return nil, fmt.Errorf("dependency %s: %w", dep.Name, err)
	}
	if dep.Version != "" && !chartutil.IsCompatibleRange(dep.Version, meta.Version) {
		return nil, fmt.Errorf("dependency %s: %s has version %s, Chart.yaml wants %s", dep.Name, target, meta.Version, dep.Version)
	}
	return local, nil
}

// subcharts returns the names of the charts directly in charts/.
func (c *Chart) subcharts() map[string]bool {
	names := map[string]bool{}
	for _, f := range c.Files {
		parts := strings.Split(f.Name, "/")
		if len(parts) == 3 && parts[0] == "charts" && parts[2] == "Chart.yaml" && !ignoredSubchart(parts[1]) {
			if meta, err := readMetadata([]File{{Name: "Chart.yaml", Data: f.Data}}); err == nil {
				names[meta.Name] = true
			}
		}
	}
	return names
}
