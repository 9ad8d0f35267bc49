package render

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func fileNames(c *Chart) []string {
	var names []string
	for _, f := range c.Files {
		names = append(names, f.Name)
	}
	return names
}

func TestLoadChartLeavesOutWhatFluxLeavesOut(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"README.md": "", "logo.png": "", "scripts/wait.sh": "", "wait/wait.sh": "",
		"templates/a.yaml": "", "templates/notes.md": "", ".gitignore": "",
	}
	for _, tc := range []struct {
		name, ignore string
		more         map[string]string
		want         []string
	}{
		{
			name: "Flux's own list where nothing is said",
			want: []string{"Chart.yaml", "README.md", "scripts/wait.sh", "templates/a.yaml", "templates/notes.md", "wait/wait.sh"},
		},
		{
			name:   "patterns of the source replace Flux's list, and bring files back",
			ignore: "# comment\n/**/*.md\n/**/*.sh\n!/chart/wait/*.sh\n",
			want:   []string{"Chart.yaml", "logo.png", "templates/a.yaml", "wait/wait.sh"},
		},
		{
			name:   "a file comes back from a folder that is left out",
			ignore: "/*\n!/chart/Chart.yaml\n!/chart/templates/\n",
			want:   []string{"Chart.yaml", "templates/a.yaml", "templates/notes.md"},
		},
		{
			name: "a .sourceignore file, at its place",
			more: map[string]string{"chart/templates/.sourceignore": "*.md\n"},
			want: []string{"Chart.yaml", "README.md", "logo.png", "scripts/wait.sh", "templates/a.yaml", "wait/wait.sh"},
		},
		{
			name: "a .sourceignore file at the root",
			more: map[string]string{".sourceignore": "chart/scripts/\n"},
			want: []string{"Chart.yaml", "README.md", "logo.png", "templates/a.yaml", "templates/notes.md", "wait/wait.sh"},
		},
		{
			name:   "the source's patterns win over a .sourceignore file",
			more:   map[string]string{".sourceignore": "*.sh\n*.md\n*.png\n"},
			ignore: "!wait.sh\n",
			want:   []string{"Chart.yaml", "scripts/wait.sh", "templates/a.yaml", "wait/wait.sh"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fsys := simple(files)
			for name, content := range tree(tc.more) {
				fsys[name] = content
			}
			if diff := cmp.Diff(tc.want, fileNames(mustLoad(t, fsys, tc.ignore))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadChartAppliesHelmignore(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, simple(map[string]string{
		".helmignore":             "*.bak\n/ci/\n",
		"values.yaml.bak":         "",
		"ci/values.yaml":          "",
		"templates/.editor.yaml":  "",
		"templates/a.yaml":        "",
		"templates/deep/.x":       "",
		"templates/deep/b.yaml":   "",
		"files/.dashboard.json":   "",
		"templates/a.yaml.bak":    "",
		"templates/tests/.hidden": "",
	}), "")
	// Helm's default rule is templates/.?*, which does not reach into deeper folders.
	want := []string{".helmignore", "Chart.yaml", "files/.dashboard.json", "templates/a.yaml",
		"templates/deep/.x", "templates/deep/b.yaml", "templates/tests/.hidden"}
	if diff := cmp.Diff(want, fileNames(c)); diff != "" {
		t.Error(diff)
	}
}

func TestLoadChartSkipsSymbolicLinksAndByteOrderMarks(t *testing.T) {
	t.Parallel()
	fsys := simple(map[string]string{"values.yaml": "\xef\xbb\xbfname: shop\n", "templates/a.yaml": ""})
	fsys["chart/templates/link.yaml"] = fsys["chart/templates/a.yaml"]
	link := *fsys["chart/templates/a.yaml"]
	link.Mode = fs.ModeSymlink
	fsys["chart/templates/link.yaml"] = &link
	c := mustLoad(t, fsys, "")
	if diff := cmp.Diff([]string{"Chart.yaml", "templates/a.yaml", "values.yaml"}, fileNames(c)); diff != "" {
		t.Error(diff)
	}
	if got := string(c.Files[2].Data); got != "name: shop\n" {
		t.Errorf("values.yaml is %q", got)
	}
}

func TestLoadChartErrorsNameFileAndReason(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no folder", map[string]string{"README.md": ""}, []string{"the repository has no folder chart"}},
		{"no Chart.yaml", map[string]string{"chart/values.yaml": ""}, []string{"load chart chart", "Chart.yaml is missing"}},
		{"Chart.yaml is left out", map[string]string{"chart/Chart.yaml": "name: a", "chart/.helmignore": "Chart.yaml"}, []string{"Chart.yaml is missing"}},
		{"broken Chart.yaml", map[string]string{"chart/Chart.yaml": "{"}, []string{"Chart.yaml", "line 1"}},
		{"no version", map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\n"}, []string{"chart chart", "chart.metadata.version is required"}},
		{"broken values", map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/values.yaml": "a: ["}, []string{"values.yaml"}},
		{"Git LFS pointer", map[string]string{"chart/Chart.yaml": "name: a", "chart/templates/a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}, []string{"chart/templates/a.yaml is a Git LFS pointer"}},
		{"aliases", map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nx: &a [" + strings.Repeat("xxxxxxxxx,", 1000) + "]\ny: [" + strings.Repeat("*a,", 2000) + "]\n"}, []string{"Chart.yaml", "expand to more than 16 MiB"}},
		{"broken .helmignore", map[string]string{"chart/Chart.yaml": "", "chart/.helmignore": "a/**"}, []string{"chart/.helmignore", "double-star"}},
		{
			"missing dependency",
			map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 1.x, repository: 'https://charts.example.com'}\n"},
			[]string{"load chart chart", "charts/ does not hold: redis"},
		},
		{
			"broken archive",
			map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "chart/charts/redis-1.tgz": "no archive"},
			[]string{"unpack chart/charts/redis-1.tgz"},
		},
		{
			"local dependency outside of the repository",
			map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: redis, repository: 'file://../../../etc'}\n"},
			[]string{"dependency redis", "file://../../../etc does not lead to another chart"},
		},
		{
			"local dependency that is not there",
			map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: redis, repository: 'file://../redis'}\n"},
			[]string{"dependency redis", "no folder redis"},
		},
		{
			"local dependency of another version",
			map[string]string{
				"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 2.x, repository: 'file://../redis'}\n",
				"redis/Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.0.0\n",
			},
			[]string{"dependency redis", "version 1.0.0", "2.x"},
		},
		{
			"charts that name each other",
			map[string]string{
				"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: redis, repository: 'file://../redis'}\n",
				"redis/Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.0.0\ndependencies:\n- {name: web, repository: 'file://../chart'}\n",
			},
			[]string{"nested more than 16 deep"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := LoadChart(tree(tc.files), "chart", "")
			if err == nil {
				_, err = Render(t.Context(), c, Request{ReleaseName: "r"})
			}
			wantError(t, err, tc.want...)
		})
	}
}

const redisTemplate = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: {{ .Release.Name }}-{{ .Chart.Name }}\n"

func TestSubchartsFromFolderArchiveAndPath(t *testing.T) {
	t.Parallel()
	redis := map[string]string{"Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.2.3\n", "templates/set.yaml": redisTemplate}
	inner := archive(t, "metrics", map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: metrics\nversion: 0.1.0\n", "templates/set.yaml": redisTemplate,
	})
	fsys := simple(map[string]string{
		"Chart.yaml": `apiVersion: v2
name: web
version: 1.0.0
dependencies:
- {name: redis, version: 1.x, alias: cache, repository: 'https://charts.example.com'}
- {name: folder, version: 1.x, repository: 'https://charts.example.com'}
- {name: local, version: 1.x, repository: 'file://../other/local'}
- {name: idle, version: 1.x, condition: idle.enabled, repository: ''}
`,
		"values.yaml":                      "idle: {enabled: false}\n",
		"charts/redis-1.2.3.tgz":           archive(t, "redis", redis),
		"charts/_ignored.tgz":              "not an archive",
		"charts/a-folder/Chart.yaml":       "apiVersion: v2\nname: folder\nversion: 1.0.0\n",
		"charts/a-folder/templates/s.yaml": redisTemplate,
		"charts/a-folder/charts/m.tgz":     inner,
		"charts/idle/Chart.yaml":           "apiVersion: v2\nname: idle\nversion: 1.0.0\n",
		"charts/idle/templates/s.yaml":     redisTemplate,
	})
	for name, content := range tree(map[string]string{
		"other/local/Chart.yaml": "apiVersion: v2\nname: local\nversion: 1.0.0\n", "other/local/templates/s.yaml": redisTemplate,
	}) {
		fsys[name] = content
	}
	var got []string
	for _, o := range mustRender(t, fsys, Request{}).Objects {
		got = append(got, o.Name+" "+o.Source)
	}
	want := []string{
		"demo-folder chart/charts/a-folder/templates/s.yaml",
		"demo-cache chart/charts/cache/templates/set.yaml",
		"demo-metrics chart/charts/folder/charts/metrics/templates/set.yaml",
		"demo-local other/local/templates/s.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesThatShareContentKeepTheirSources(t *testing.T) {
	t.Parallel()
	fsys := simple(map[string]string{
		"charts/a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "charts/a/templates/s.yaml": redisTemplate,
		"charts/b/Chart.yaml": "apiVersion: v2\nname: b\nversion: 1.0.0\n",
	})
	c := mustLoad(t, fsys, "")
	for _, f := range c.Files {
		if f.Name == "charts/a/templates/s.yaml" { // as a file system over git's objects may hand them out
			c.Files = append(c.Files, File{Name: "charts/b/templates/s.yaml", Data: f.Data, Source: "chart/charts/b/templates/s.yaml"})
		}
	}
	out, err := Render(context.Background(), c, Request{ReleaseName: "demo", Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range out.Objects {
		got = append(got, o.Name+" "+o.Source)
	}
	want := []string{"demo-a chart/charts/a/templates/s.yaml", "demo-b chart/charts/b/templates/s.yaml"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWithValuesFiles(t *testing.T) {
	t.Parallel()
	fsys := simple(map[string]string{
		"values.yaml": "a: own\nb: own\n", "ci/one.yaml": "a: one\nm: {x: 1, w: 1}\n", "ci/two.yaml": "m: {w: 2}\n",
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	})
	c := mustLoad(t, fsys, "")
	same, err := c.WithValuesFiles(fsys, nil, false)
	if err != nil || same != c {
		t.Errorf("without files: %v, %v", same, err)
	}
	other, err := c.WithValuesFiles(fsys, []string{"./chart/ci/one.yaml", "chart/ci/none.yaml", "chart/ci/two.yaml"}, true)
	if err != nil {
		t.Fatal(err)
	}
	values, err := other.DefaultValues(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": "one", "m": map[string]any{"x": 1.0, "w": 2.0}}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"values.yaml", "./values.yaml"} {
		if own, err := c.WithValuesFiles(fsys, []string{name}, false); err != nil || own != c {
			t.Errorf("%s alone stands for the chart's own values: %v, %v", name, own, err)
		}
	}
	if _, err := c.WithValuesFiles(fsys, []string{"values.yaml", "chart/ci/one.yaml"}, false); err == nil {
		t.Error("values.yaml beside others is a file of the repository, which has none")
	}
	if _, err := c.WithValuesFiles(fsys, []string{"chart/ci/none.yaml"}, false); err == nil || !strings.Contains(err.Error(), "chart/ci/none.yaml") {
		t.Errorf("missing file: %v", err)
	}
	if values, err := c.DefaultValues(nil); err != nil || values["a"] != "own" {
		t.Errorf("the first chart changed: %v, %v", values, err)
	}
}

// A line of the umbrella names a values file, and may do so over and over.
func TestWithTooManyValuesFiles(t *testing.T) {
	t.Parallel()
	fsys := simple(map[string]string{"large.yaml": "list: [" + strings.Repeat("1,", 200_000) + "1]\n", "small.yaml": "a: b\n"})
	names := append([]string{"chart/large.yaml"}, slices.Repeat([]string{"chart/small.yaml"}, 100)...)
	c := mustLoad(t, fsys, "")
	if _, err := c.WithValuesFiles(fsys, names[:10], false); err != nil {
		t.Errorf("some files: %v", err)
	}
	_, err := c.WithValuesFiles(fsys, names, false)
	wantError(t, err, "read values file chart/small.yaml of chart chart", "takes more than 256 MiB in all")
}

func TestLoadChartOfTooManyBytes(t *testing.T) {
	t.Parallel()
	files := map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n"}
	five := strings.Repeat("x", 5<<20)
	for i := range 12 {
		files["chart/files/"+string(rune('a'+i))] = five
	}
	if _, err := LoadChart(tree(files), "chart", ""); err != nil {
		t.Errorf("60 MiB: %v", err)
	}
	files["chart/files/z"] = five
	if _, err := LoadChart(tree(files), "chart", ""); err == nil || !strings.Contains(err.Error(), "the chart's files have more than 64 MiB") {
		t.Errorf("65 MiB: %v", err)
	}
}

// Patterns are parsed anew for each chart that they are held against.
func TestLoadChartBoundsTheSourcesPatterns(t *testing.T) {
	t.Parallel()
	fsys := tree(map[string]string{"chart/Chart.yaml": "name: c\nversion: 1.0.0\napiVersion: v2\n"})
	for n, want := range map[int]string{maxIgnoreFile: "", maxIgnoreFile + 2: "load chart chart: spec.ignore of its GitRepository has more than 64 KiB"} {
		if _, err := LoadChart(fsys, "chart", strings.Repeat("a\n", n/2)); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Each file and folder counts once, the chart's own folder and those left out, too.
func TestLoadChartCountsFilesOnce(t *testing.T) {
	t.Parallel()
	fsys := tree(map[string]string{"c/Chart.yaml": "name: c\nversion: 1.0.0\napiVersion: v2\n", "c/templates/a.yaml": "", "c/.helmignore": "docs\n", "c/docs/x": ""})
	for entries, want := range map[int]string{7: "", 6: "more than 100000 files and folders"} {
		l := &loading{fsys: fsys, entries: entries, bytes: maxChartBytes, matching: maxMatching}
		if _, err := l.readTree("c"); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("with %d entries: %v", entries, err)
		}
	}
}
