package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// hostileRepository is a repository of a package, and what is said about it: "" where it is
// harmless after all.
type hostileRepository struct {
	name string
	// files are added to an honest chart's; tree is added to the root of the commit instead,
	// as entries that no honest git would write.
	files map[string]string
	tree  func(*rawTree) []rawEntry
	// packedRefs are further refs, each to the commit.
	packedRefs []string
	// url, ref and values are what the umbrella says of it, where that is not the usual.
	url, ref, chart string
	valuesFiles     []string
	want            string
}

// rawTree writes tree objects with any names.
type rawTree struct {
	t     *testing.T
	store storer.EncodedObjectStorer
}

type rawEntry struct {
	mode, name string
	hash       plumbing.Hash
}

func (w *rawTree) blob(text string) plumbing.Hash {
	w.t.Helper()
	hash, err := storeBlob(w.store, []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return hash
}

func (w *rawTree) tree(entries ...rawEntry) plumbing.Hash {
	w.t.Helper()
	var data bytes.Buffer
	for _, e := range entries {
		data.WriteString(e.mode + " " + e.name + "\x00")
		data.Write(e.hash[:])
	}
	o := w.store.NewEncodedObject()
	o.SetType(plumbing.TreeObject)
	out, err := o.Writer()
	if err == nil {
		_, err = out.Write(data.Bytes())
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	hash, err := w.store.SetEncodedObject(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return hash
}

func (w *rawTree) file(name, text string) rawEntry { return rawEntry{"100644", name, w.blob(text)} }
func (w *rawTree) link(name, to string) rawEntry   { return rawEntry{"120000", name, w.blob(to)} }
func (w *rawTree) folder(name string, entries ...rawEntry) rawEntry {
	return rawEntry{"40000", name, w.tree(entries...)}
}

// chart is the folder of an honest chart with further entries.
func (w *rawTree) chart(more ...rawEntry) rawEntry {
	return w.folder("chart", append([]rawEntry{w.file("Chart.yaml", sampleChart)}, more...)...)
}

const sampleChart = "apiVersion: v2\nname: sample\nversion: 1.0.0\n"

func hostileRepositories(t *testing.T) []hostileRepository {
	return append(append(append(linkRepositories(), nameRepositories()...), sizeRepositories()...), append(refRepositories(), archiveRepositories(t)...)...)
}

func linkRepositories() []hostileRepository {
	const followed = "is a symbolic link, which is not followed"
	only := func(make func(w *rawTree) rawEntry) func(*rawTree) []rawEntry {
		return func(w *rawTree) []rawEntry { return []rawEntry{make(w)} }
	}
	return []hostileRepository{
		{name: "honest"},
		{name: "link-chart", tree: only(func(w *rawTree) rawEntry { return w.link("chart", "../../../etc") }), want: "chart " + followed},
		{name: "link-chart-yaml", tree: only(func(w *rawTree) rawEntry { return w.folder("chart", w.link("Chart.yaml", "/etc/passwd")) }), want: "Chart.yaml is missing"},
		{name: "link-template", tree: only(func(w *rawTree) rawEntry { return w.chart(w.folder("templates", w.link("a.yaml", "/etc/passwd"))) })},
		{name: "link-loop", tree: only(func(w *rawTree) rawEntry { return w.chart(w.link("a", "b"), w.link("b", "a")) })},
		{name: "link-ignore", tree: only(func(w *rawTree) rawEntry { return w.chart(w.link(".helmignore", "/dev/zero")) }), want: ".helmignore " + followed},
		{name: "link-values", tree: only(func(w *rawTree) rawEntry { return w.chart(w.link("more.yaml", "/etc/passwd")) }), valuesFiles: []string{"chart/more.yaml"}, want: "more.yaml " + followed},
		{name: "values-up", valuesFiles: []string{"../../../../../etc/passwd"}, want: "read values file etc/passwd"},
		{name: "chart-up", chart: "../../../../etc", want: "the repository has no folder etc"},
		{name: "submodule", tree: only(func(w *rawTree) rawEntry { return rawEntry{"160000", "chart", w.blob("x")} }), want: "chart is a submodule, which is not fetched"},
		{name: "submodule-beside", files: map[string]string{".gitmodules": "[submodule \"x\"]\n\tpath = x\n\turl = ext::touch /tmp/x\n"}, tree: func(w *rawTree) []rawEntry {
			return []rawEntry{w.chart(), {"160000", "x", w.blob("x")}}
		}},
		{name: "lfs-chart-yaml", files: map[string]string{"chart/Chart.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}, want: "is a Git LFS pointer, and what it points to is not fetched"},
		{name: "lfs-beside", files: map[string]string{"model.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/\n"}},
		{name: "values-bomb", files: map[string]string{"chart/more.yaml": "a: &a [" + strings.Repeat("xxxxxxxxx,", 1000) + "]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\nc: [" + strings.Repeat("*b,", 1000) + "]\n"},
			valuesFiles: []string{"chart/more.yaml"}, want: "its anchors and aliases expand to more than 16 MiB"},
		{name: "values-huge", files: map[string]string{"chart/more.yaml": "#" + strings.Repeat("x", 6<<20)}, valuesFiles: []string{"chart/more.yaml"}, want: "more than the 5242880 that Helm allows"},
		{name: "values-binary", files: map[string]string{"chart/more.yaml": "a: \x00\xff\x1b[31m"}, valuesFiles: []string{"chart/more.yaml"}, want: "read values file chart/more.yaml"},
	}
}

func nameRepositories() []hostileRepository {
	root := func(make func(w *rawTree) rawEntry) func(*rawTree) []rawEntry {
		return func(w *rawTree) []rawEntry { return []rawEntry{w.chart(), make(w)} }
	}
	return []hostileRepository{
		{name: "up", tree: root(func(w *rawTree) rawEntry { return w.folder("..", w.file("x", "y")) }), want: `it has a file or folder called "..", which git does not write`},
		{name: "git-folder", tree: root(func(w *rawTree) rawEntry { return w.folder(".git", w.file("config", "[core]\n\tsshCommand = id\n")) }), want: `called ".git"`},
		{name: "git-folder-case", tree: root(func(w *rawTree) rawEntry { return w.folder(".GiT", w.file("config", "x")) }), want: `called ".GiT"`},
		{name: "slash", tree: root(func(w *rawTree) rawEntry { return w.file("../../../etc/cron.d/x", "y") }), want: "which git does not write"},
		{name: "long-name", tree: root(func(w *rawTree) rawEntry { return w.file(strings.Repeat("x", 5000), "y") }), want: "it has a name of 5000 bytes"},
		{name: "no-utf8", tree: root(func(w *rawTree) rawEntry { return w.file("caf\xe9.md", "y") })},
		{name: "control", tree: func(w *rawTree) []rawEntry {
			return []rawEntry{w.chart(w.folder("templates", w.file("a\x1b[31m\n## b.yaml", deployment)))}
		}},
	}
}

func sizeRepositories() []hostileRepository {
	random := make([]byte, 9<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	similar, dependencies, many := map[string]string{}, map[string]string{}, map[string]string{}
	for i := range 16 {
		similar[fmt.Sprintf("files/%d", i)] = fmt.Sprintf("%s%d", random[:1<<20], i)
	}
	for i := range 15 { // each chart needs the next one twice
		next := fmt.Sprintf("repository: 'file://../c%d', version: '*'", i+1)
		name := map[bool]string{true: "chart", false: fmt.Sprintf("c%d", i)}[i == 0]
		dependencies[name+"/Chart.yaml"] = sampleChart + "dependencies: [{name: a, " + next + "}, {name: b, " + next + "}]\n"
	}
	dependencies["c15/Chart.yaml"] = sampleChart
	for i := range 1500 {
		many[fmt.Sprintf("chart/files/%d", i)] = "x"
	}
	many[".sourceignore"] = strings.Repeat("x/**/a*b*c*d\n", 4000)
	return []hostileRepository{
		{name: "huge-file", files: map[string]string{"big.bin": string(random)}, want: "MiB"},
		{name: "zlib-bomb", files: map[string]string{"big.bin": strings.Repeat("\x00", 64<<20)}, want: "repository too large: its objects are bigger than 8 MiB"},
		{name: "delta-bomb", files: similar, want: "repository too large: its objects are bigger than 8 MiB"},
		{name: "same-file", tree: func(w *rawTree) []rawEntry {
			blob, entries := w.blob(string(random[:1<<20])), []rawEntry{w.chart()}
			for i := range 20 {
				entries = append(entries, rawEntry{"100644", fmt.Sprintf("f%02d", i), blob})
			}
			return entries
		}, want: "repository too large: its files are bigger than 8 MiB"},
		{name: "tree-bomb", tree: func(w *rawTree) []rawEntry {
			below := w.tree(w.file("f", ""))
			for range 15 {
				var entries []rawEntry
				for i := range 10 {
					entries = append(entries, rawEntry{"40000", fmt.Sprint(i), below})
				}
				below = w.tree(entries...)
			}
			return []rawEntry{w.chart(), {"40000", "x", below}}
		}, want: "repository too large: it has more than 500000 files and folders"},
		{name: "deep-tree", tree: func(w *rawTree) []rawEntry {
			below := w.folder("d")
			for range 3000 {
				below = w.folder("d", below)
			}
			return []rawEntry{w.chart(), below}
		}, want: "repository too large: its folders are nested more than 200 deep"},
		{name: "wide-tree", tree: func(w *rawTree) []rawEntry {
			blob, entries := w.blob(""), make([]rawEntry, 0, 110_000)
			for i := range 110_000 {
				entries = append(entries, rawEntry{"100644", fmt.Sprintf("f%06d", i), blob})
			}
			return []rawEntry{w.chart(w.folder("files", entries...))}
		}, want: "the chart has more than 100000 files and folders"},
		{name: "dependencies", files: dependencies, want: "the chart has more than 100000 files and folders"},
		{name: "patterns", files: many, want: "the chart has too many files for so many patterns of files to ignore"},
		{name: "ignore-file", files: map[string]string{".sourceignore": strings.Repeat("x\n", 40<<10)}, want: ".sourceignore: it has more than 64 KiB"},
	}
}

func refRepositories() []hostileRepository {
	var thousands []string
	for i := range 20_000 {
		thousands = append(thousands, fmt.Sprintf("refs/heads/branch-%05d", i))
	}
	return []hostileRepository{
		{name: "many-refs", packedRefs: thousands},
		{name: "odd-refs", packedRefs: []string{"refs/heads/$(id)", "refs/heads/-oProxyCommand=id", "refs/heads/\"><script>alert(1)<script>", "refs/heads/é/@mention", "refs/tags/--upload-pack=id"}},
		{name: "odd-branch", ref: `{branch: "--upload-pack=touch x"}`, want: "the repository has no branch --upload-pack=touch x"},
		{name: "control-tag", ref: `{tag: "a\e[31m\nb"}`, want: "the repository has no tag a"},
		{name: "semver-bomb", ref: `{semver: "` + strings.Repeat(">=1.0.0 ", 3000) + `"}`, want: "ref not found"},
		{name: "short-commit", ref: `{commit: "--all"}`, want: "is not a full commit hash"},
		{name: "no-repository", url: "file:///etc", want: "repository not found"},
		{name: "inner-network", url: "INNER/latest/meta-data", want: "not asked: host 127.0.0.1:"},
		{name: "metadata", url: "http://169.254.169.254/latest/meta-data", want: "not asked: host 169.254.169.254 is not among those of the configuration"},
		{name: "foreign-ssh", url: "ssh://git@inner.example.org:2222/x", want: "not asked: host inner.example.org:2222"},
		{name: "ssh-option", url: "ssh://-oProxyCommand=touch%20x/y", want: "is not a valid URL"},
		{name: "scp-option", url: "-oProxyCommand=id:x", want: "not asked: host -oProxyCommand=id"},
		{name: "ext", url: "ext::sh -c id", want: "invalid URL"},
		{name: "git-protocol", url: "git://inner.example.org/x", want: "only https, http, ssh and file are supported"},
		{name: "user-host", url: "https://git.example.com@inner.example.org/x", want: "not asked: host inner.example.org"},
		{name: "url-lines", url: "https://git.example.com/a\\r\\nHost: inner\\e[31m.git", want: "invalid URL"},
	}
}

func archiveRepositories(t *testing.T) []hostileRepository {
	inner := "apiVersion: v2\nname: inner\nversion: 1.0.0\n"
	nested := tgz(t, map[string]string{"inner/Chart.yaml": inner})
	for range 18 {
		nested = tgz(t, map[string]string{"inner/Chart.yaml": inner, "inner/charts/inner.tgz": nested})
	}
	huge := tgz(t, map[string]string{"inner/Chart.yaml": inner, "inner/big": strings.Repeat("\x00", 6<<20)})
	many := map[string]string{"inner/Chart.yaml": inner}
	for i := range 20 {
		many[fmt.Sprintf("inner/%d", i)] = strings.Repeat("\x00", 4<<20)
	}
	return []hostileRepository{
		{name: "archive-nested", files: map[string]string{"chart/charts/inner.tgz": nested}, want: "charts are nested more than 16 deep"},
		{name: "archive-huge-file", files: map[string]string{"chart/charts/inner.tgz": huge}, want: `its file "inner/big" has more than 5 MB`},
		{name: "archive-endless", files: map[string]string{"chart/charts/inner.tgz": tgz(t, many)}, want: "the chart unpacks to more than 64 MB"},
		{name: "archive-link", files: map[string]string{"chart/charts/inner.tgz": tgzLink(t, "inner/Chart.yaml", "/etc/passwd")}, want: "unpack"},
		{name: "archive-absolute", files: map[string]string{"chart/charts/inner.tgz": tgz(t, map[string]string{"/etc/passwd": "x", "inner/Chart.yaml": inner})}},
	}
}
