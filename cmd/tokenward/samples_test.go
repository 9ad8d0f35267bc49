package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/google/go-cmp/cmp"
)

func TestSampleLayout(t *testing.T) {
	t.Parallel()
	first, second := t.TempDir(), t.TempDir()
	for _, dir := range []string{first, second} {
		if err := layoutSamples(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := layoutSamples(first); err == nil {
		t.Error("laying out over existing repositories succeeded")
	}
	names, err := sampleNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		refs := sampleRefs(t, filepath.Join(first, name+".git"))
		if diff := cmp.Diff(refs, sampleRefs(t, filepath.Join(second, name+".git"))); diff != "" {
			t.Errorf("%s differs between two layouts (-first +second):\n%s", name, diff)
		}
		checkSampleHistory(t, name, filepath.Join(first, name+".git"))
	}
}

func sampleRefs(t *testing.T, dir string) map[string]string {
	t.Helper()
	repo, err := git.PlainOpen(dir)
	if err != nil {
		t.Fatal(err)
	}
	iter, err := repo.Storer.IterReferences()
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string]string{}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		refs[ref.Name().String()] = ref.Strings()[1]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

// checkSampleHistory looks at what layoutSamples promises: HEAD, the branch one
// commit ahead of an annotated tag, the files of both, and pushes over HTTP.
func checkSampleHistory(t *testing.T, name, dir string) {
	t.Helper()
	repo, err := git.PlainOpen(dir)
	if err != nil {
		t.Fatal(err)
	}
	head, err := repo.Head()
	if err != nil {
		t.Fatal(err)
	}
	if head.Name() != sampleBranch {
		t.Errorf("HEAD of %s is %s", name, head.Name())
	}
	tip, err := repo.CommitObject(head.Hash())
	if err != nil {
		t.Fatal(err)
	}
	released, err := sampleTree(name, false)
	if err != nil {
		t.Fatal(err)
	}
	version, err := sampleVersion(released)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := repo.Tag(version)
	if err != nil {
		t.Fatalf("tag %s of %s: %v", version, name, err)
	}
	tag, err := repo.TagObject(ref.Hash())
	if err != nil {
		t.Fatalf("tag %s of %s is not annotated: %v", version, name, err)
	}
	if diff := cmp.Diff([]plumbing.Hash{tag.Target}, tip.ParentHashes); diff != "" {
		t.Errorf("%s: the branch does not follow the tag (-tag +parents):\n%s", name, diff)
	}
	for hash, ahead := range map[plumbing.Hash]bool{tag.Target: false, tip.Hash: true} {
		want, err := sampleTree(name, ahead)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asText(want), committedFiles(t, repo, hash)); diff != "" {
			t.Errorf("%s at %s (-files +commit):\n%s", name, hash, diff)
		}
	}
	config, err := repo.Config()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Raw.Section("http").Option("receivepack"); got != "true" {
		t.Errorf("http.receivepack of %s is %q", name, got)
	}
}

func committedFiles(t *testing.T, repo *git.Repository, hash plumbing.Hash) map[string]string {
	t.Helper()
	commit, err := repo.CommitObject(hash)
	if err != nil {
		t.Fatal(err)
	}
	iter, err := commit.Files()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for {
		file, err := iter.Next()
		if err != nil {
			return files
		}
		if files[file.Name], err = file.Contents(); err != nil {
			t.Fatal(err)
		}
	}
}

func asText(files map[string][]byte) map[string]string {
	text := map[string]string{}
	for name, content := range files {
		text[name] = string(content)
	}
	return text
}

// Whatever lies ahead of a release must belong to a repository and differ.
func TestSampleAhead(t *testing.T) {
	t.Parallel()
	names, err := sampleNames()
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := readSample(sampleRoot("ahead", ""))
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range ahead {
		at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(file, name+"/") })
		if at < 0 {
			t.Errorf("ahead/%s belongs to no released repository", file)
			continue
		}
		released, err := sampleTree(names[at], false)
		if err != nil {
			t.Fatal(err)
		}
		if string(released[strings.TrimPrefix(file, names[at]+"/")]) == string(content) {
			t.Errorf("ahead/%s is as released", file)
		}
	}
}

// Every pin of the umbrella's values is the version of the chart in the repository
// it names, and every repository but the umbrella's own is pinned.
func TestSamplePins(t *testing.T) {
	t.Parallel()
	pinned := []string{"platform/umbrella"}
	for _, source := range objectsOf(renderUmbrella(t, nil), "GitRepository") {
		url := field(source, "spec", "url").(string)
		name, ours := strings.CutPrefix(url, "https://gitlab.example.com/")
		name, isGit := strings.CutSuffix(name, ".git")
		if !ours || !isGit {
			t.Errorf("source %s at %s, not on gitlab.example.com", nameOf(source), url)
			continue
		}
		pinned = append(pinned, name)
		for _, ahead := range []bool{false, true} {
			files, err := sampleTree(name, ahead)
			if err != nil {
				t.Fatal(err)
			}
			version, err := sampleVersion(files)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if tag := field(source, "spec", "ref", "tag"); tag != version {
				t.Errorf("the umbrella pins %s at %v, its chart says %s", name, tag, version)
			}
		}
	}
	slices.Sort(pinned)
	names, err := sampleNames()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names, pinned); diff != "" {
		t.Errorf("repositories (-laid out +pinned):\n%s", diff)
	}
}

// git wants a folder where its name with a slash at the end would stand.
func TestStoreTreeOrder(t *testing.T) {
	t.Parallel()
	store := memory.NewStorage()
	hash, err := storeTree(store, map[string][]byte{"docs/a": nil, "docs.md": nil, "docs0": nil})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := object.GetTree(store, hash)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range tree.Entries {
		names = append(names, entry.Name)
	}
	if diff := cmp.Diff([]string{"docs.md", "docs", "docs0"}, names); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}
