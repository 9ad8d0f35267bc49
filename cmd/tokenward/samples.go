package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// sampleFiles holds the sample repositories of the demo as plain files. Below
// released stands each repository as its last release has it; ahead holds the
// files that the default branch changed since.
//
//go:embed all:samples
var sampleFiles embed.FS

// The default branch of every sample repository.
const sampleBranch = plumbing.ReferenceName("refs/heads/main")

// layoutSamples writes the sample repositories below dir as bare repositories,
// dir/platform/umbrella.git among them, which git and its smart HTTP service can
// serve and accept pushes to. Each has the branch main, one commit further than
// an annotated tag that is called like the version of its chart. Authors and
// dates are fixed, so the hashes are the same everywhere. It fails where one of
// the repositories exists already.
func layoutSamples(dir string) error {
	names, err := sampleNames()
	if err != nil {
		return fmt.Errorf("list sample repositories: %w", err)
	}
	for _, name := range names {
		if err := layoutSample(name, filepath.Join(dir, filepath.FromSlash(name)+".git")); err != nil {
			return fmt.Errorf("lay out sample repository %s: %w", name, err)
		}
	}
	return nil
}

// sampleNames returns the paths of the sample repositories, as platform/umbrella,
// sorted. A repository is a folder that holds a folder chart.
func sampleNames() ([]string, error) {
	var names []string
	root := sampleRoot("released", "")
	err := fs.WalkDir(sampleFiles, root, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() || entry.Name() != "chart" {
			return nil
		}
		names = append(names, strings.TrimPrefix(path.Dir(p), root+"/"))
		return fs.SkipDir
	})
	slices.Sort(names)
	return names, err
}

// sampleRoot is the embedded folder of a repository at one of its two commits.
func sampleRoot(commit, name string) string {
	return path.Join("samples", commit, name)
}

// sampleTree reads the files of a repository: as released, or with what the
// default branch changed since laid over them.
func sampleTree(name string, ahead bool) (map[string][]byte, error) {
	files, err := readSample(sampleRoot("released", name))
	if err != nil {
		return nil, err
	}
	if !ahead {
		return files, nil
	}
	changed, err := readSample(sampleRoot("ahead", name))
	if err != nil {
		return nil, err
	}
	maps.Copy(files, changed)
	return files, nil
}

// readSample returns the contents of all files below root by their path there;
// none where root does not exist.
func readSample(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(sampleFiles, root, func(p string, entry fs.DirEntry, err error) error {
		if p == root && errors.Is(err, fs.ErrNotExist) {
			return fs.SkipAll
		}
		if err != nil || entry.IsDir() {
			return err
		}
		files[strings.TrimPrefix(p, root+"/")], err = sampleFiles.ReadFile(p)
		return err
	})
	return files, err
}

// sampleVersion is the version in a repository's chart, and the name of its tag.
func sampleVersion(files map[string][]byte) (string, error) {
	var chart struct {
		Version string `yaml:"version"`
	}
	if err := yaml.Unmarshal(files["chart/Chart.yaml"], &chart); err != nil {
		return "", fmt.Errorf("read chart/Chart.yaml: %w", err)
	}
	if chart.Version == "" {
		return "", errors.New("chart/Chart.yaml names no version")
	}
	return chart.Version, nil
}

func layoutSample(name, dir string) error {
	released, err := sampleTree(name, false)
	if err != nil {
		return err
	}
	ahead, err := sampleTree(name, true)
	if err != nil {
		return err
	}
	version, err := sampleVersion(released)
	if err != nil {
		return err
	}
	repo, err := initSample(dir)
	if err != nil {
		return err
	}
	release, err := commitSample(repo.Storer, released, sampleSignature(0), "Release "+version)
	if err != nil {
		return err
	}
	tagger := sampleSignature(10 * time.Minute)
	if _, err := repo.CreateTag(version, release, &git.CreateTagOptions{Tagger: &tagger, Message: version}); err != nil {
		return fmt.Errorf("tag %s: %w", version, err)
	}
	tip, err := commitSample(repo.Storer, ahead, sampleSignature(7*24*time.Hour), "Prepare the next release", release)
	if err != nil {
		return err
	}
	if err := repo.Storer.SetReference(plumbing.NewHashReference(sampleBranch, tip)); err != nil {
		return fmt.Errorf("set %s: %w", sampleBranch, err)
	}
	return nil
}

// initSample makes an empty bare repository whose HEAD is the default branch and
// that takes pushes over HTTP.
func initSample(dir string) (*git.Repository, error) {
	repo, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		Bare:        true,
		InitOptions: git.InitOptions{DefaultBranch: sampleBranch},
	})
	if err != nil {
		return nil, fmt.Errorf("init %s: %w", dir, err)
	}
	config, err := repo.Config()
	if err != nil {
		return nil, fmt.Errorf("read configuration of %s: %w", dir, err)
	}
	config.Raw.Section("http").SetOption("receivepack", "true")
	if err := repo.SetConfig(config); err != nil {
		return nil, fmt.Errorf("write configuration of %s: %w", dir, err)
	}
	return repo, nil
}

// sampleSignature is who made the samples, some time after the first release.
func sampleSignature(later time.Duration) object.Signature {
	return object.Signature{
		Name:  "Mara Lind",
		Email: "mara.lind@example.com",
		When:  time.Date(2026, time.January, 12, 9, 30, 0, 0, time.UTC).Add(later),
	}
}

// commitSample stores files and a commit of them, and returns the commit's hash.
func commitSample(store storer.EncodedObjectStorer, files map[string][]byte, by object.Signature, message string, parents ...plumbing.Hash) (plumbing.Hash, error) {
	tree, err := storeTree(store, files)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	commit := &object.Commit{Author: by, Committer: by, Message: message + "\n", TreeHash: tree, ParentHashes: parents}
	hash, err := storeObject(store, commit)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("store commit %q: %w", message, err)
	}
	return hash, nil
}

// storeTree stores files, whose names are paths, as blobs and trees and returns
// the hash of the root.
func storeTree(store storer.EncodedObjectStorer, files map[string][]byte) (plumbing.Hash, error) {
	var entries []object.TreeEntry
	folders := map[string]map[string][]byte{}
	for name, content := range files {
		if folder, rest, below := strings.Cut(name, "/"); below {
			if folders[folder] == nil {
				folders[folder] = map[string][]byte{}
			}
			folders[folder][rest] = content
			continue
		}
		hash, err := storeBlob(store, content)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("store %s: %w", name, err)
		}
		entries = append(entries, object.TreeEntry{Name: name, Mode: filemode.Regular, Hash: hash})
	}
	for name, below := range folders {
		hash, err := storeTree(store, below)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		entries = append(entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: hash})
	}
	// git's order: a folder stands where its name with a slash would
	slices.SortFunc(entries, func(a, b object.TreeEntry) int {
		return strings.Compare(treeKey(a), treeKey(b))
	})
	return storeObject(store, &object.Tree{Entries: entries})
}

func treeKey(entry object.TreeEntry) string {
	if entry.Mode == filemode.Dir {
		return entry.Name + "/"
	}
	return entry.Name
}

func storeBlob(store storer.EncodedObjectStorer, content []byte) (plumbing.Hash, error) {
	encoded := store.NewEncodedObject()
	encoded.SetType(plumbing.BlobObject)
	writer, err := encoded.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := writer.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := writer.Close(); err != nil {
		return plumbing.ZeroHash, err
	}
	return store.SetEncodedObject(encoded)
}

func storeObject(store storer.EncodedObjectStorer, o object.Object) (plumbing.Hash, error) {
	encoded := store.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return store.SetEncodedObject(encoded)
}
