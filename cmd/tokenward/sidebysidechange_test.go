package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"tokenward/analysis"
)

// copies lays out n copies of packages' repositories, each with a commit of its own, and
// makes the umbrella deploy them.
func (s *sideBySide) copies(n int) {
	packages := map[string]any{}
	for i := range n {
		r := s.releases[i%s.originals]
		name := fmt.Sprintf("copy-%02d", i)
		was := s.bare(r)
		r.HelmRelease, r.Name, r.Namespace, r.Repository = name, name, name, s.from+"copies/"+name+".git"
		s.must(os.CopyFS(s.bare(r), os.DirFS(was)))
		s.change(s.bare(r), r, name)
		s.add(r)
		packages[name] = map[string]any{"enabled": true, "passBigBangValues": false, "sourceType": "git", "values": r.Values, "postRenderers": r.PostRenderers,
			"git": map[string]any{"repo": r.Repository, "tag": r.Ref.Tag, "path": "./" + r.Chart}}
	}
	data, err := yaml.Marshal(map[string]any{"packages": packages})
	s.must(err)
	const file = "copies.yaml"
	s.commit(filepath.Join(s.repositories, "big-bang", "bigbang.git"), "HEAD", file, string(data))
	s.values = append(s.values, file)
}

// change moves the tag of a package to a commit in which a further comment stands in its values.
func (s *sideBySide) change(bare string, r analysis.Release, text string) {
	values := filepath.ToSlash(filepath.Clean(filepath.Join(r.Chart, "values.yaml")))
	was := s.git(bare, "", "show", r.Ref.Tag+":"+values)
	s.commit(bare, "refs/tags/"+r.Ref.Tag, values, was+"\n# "+text+"\n")
}

// pin makes a new tag of a package, with a further comment in its values, and has the umbrella deploy it.
// What it returns takes the umbrella back to where it was.
func (s *sideBySide) pin(r analysis.Release) (undo func()) {
	tag := r.Ref.Tag + "-next"
	s.git(s.bare(r), "", "update-ref", "refs/tags/"+tag, "refs/tags/"+r.Ref.Tag)
	r.Ref.Tag, tag = tag, r.Ref.Tag
	s.change(s.bare(r), r, "next")
	umbrella := filepath.Join(s.repositories, "big-bang", "bigbang.git")
	const file = "chart/values.yaml"
	was := s.git(umbrella, "", "rev-parse", "HEAD")
	before, after, _ := strings.Cut(s.git(umbrella, "", "show", "HEAD:"+file), r.Repository)
	at := strings.Index(after, tag)
	if at < 0 || strings.Contains(after[:at], "repo:") {
		s.b.Fatalf("%s of the umbrella pins %s to no tag %s", file, r.Repository, tag)
	}
	s.commit(umbrella, "HEAD", file, before+r.Repository+after[:at]+r.Ref.Tag+after[at+len(tag):]+"\n")
	return func() { s.git(umbrella, "", "update-ref", "HEAD", was) }
}

// commit moves a ref to a commit in which one file has another text.
func (s *sideBySide) commit(bare, ref, file, text string) {
	s.git(bare, "", "read-tree", ref)
	blob := s.git(bare, text, "hash-object", "-w", "--stdin")
	s.git(bare, "", "update-index", "--add", "--cacheinfo", "100644,"+blob+","+file)
	commit := s.git(bare, "", "commit-tree", "-m", "Change "+file, s.git(bare, "", "write-tree"))
	s.git(bare, "", "update-ref", ref, commit)
}

func (s *sideBySide) git(bare, stdin string, args ...string) string {
	cmd := exec.Command("git", append([]string{"--git-dir", bare}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(s.dir, "index"), "GIT_AUTHOR_NAME=Mara Lind", "GIT_AUTHOR_EMAIL=mara.lind@example.com",
		"GIT_COMMITTER_NAME=Mara Lind", "GIT_COMMITTER_EMAIL=mara.lind@example.com")
	out, err := cmd.Output()
	if err != nil {
		s.b.Fatalf("git %s: %v", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n")
}
