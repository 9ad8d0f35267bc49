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
