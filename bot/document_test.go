package bot

import (
	"strings"
	"testing"
	"testing/fstest"

	"tokenward/analysis"
	"tokenward/gitops/edit"
	"tokenward/gitops/git"
)

// TestPackagesOfANamespace holds that neither the umbrella's own charts nor a package twice
// is documented, in whatever way their addresses are written.
func TestPackagesOfANamespace(t *testing.T) {
	t.Parallel()
	store, err := git.New(git.Config{InsteadOf: []git.Rewrite{{From: "https://public.example.com/", To: "https://gitlab.example.com/mirror/"}}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Config{Umbrella: Umbrella{Repository: "https://gitlab.example.com/platform/umbrella"}, GitLabURL: "https://gitlab.example.com"}, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Scan{Umbrella: &git.Snapshot{URL: "https://gitlab.example.com/platform/umbrella"}, Set: &analysis.Set{}}
	for _, url := range []string{
		"https://gitlab.example.com/platform/umbrella.git", "git@gitlab.example.com:platform/umbrella.git", "https://GITLAB.example.com/Platform/Umbrella/",
		"https://gitlab.example.com/mirror/shop.git", "https://public.example.com/shop", "ssh://git@gitlab.example.com:2222/mirror/shop.git",
		"https://elsewhere.example.com/platform/umbrella.git", "",
	} {
		s.Set.Releases = append(s.Set.Releases, &analysis.RenderedRelease{Release: analysis.Release{Namespace: "shop", Repository: url}})
	}
	s.Set.Releases = append(s.Set.Releases, &analysis.RenderedRelease{Release: analysis.Release{Namespace: "other", Repository: "https://gitlab.example.com/other.git"}})
	var got []string
	for _, r := range b.packagesOf(s, "shop") {
		got = append(got, r.Repository)
	}
	if want := "https://gitlab.example.com/mirror/shop.git https://elsewhere.example.com/platform/umbrella.git"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPlaceOfTheSection holds that a section is brought up to date where it stands, also
// where a file that is generated from its place shows it, too.
func TestPlaceOfTheSection(t *testing.T) {
	t.Parallel()
	const (
		guide     = "docs/DEVELOPMENT_MAINTENANCE.md"
		generated = "<!-- Warning: Do not manually edit this file. -->\n# shop\n"
		section   = "\n## automountServiceAccountToken\n\n<!-- tokenward:automountServiceAccountToken -->\n\nOld.\n\n<!-- /tokenward:automountServiceAccountToken -->\n"
		byPeople  = "\n## automountServiceAccountToken\n\nOurs.\n"
	)
	e := edit.SectionEdit{Heading: sectionHeading, Body: "New.", Marker: "tokenward:" + sectionHeading}
	for name, tc := range map[string]struct {
		files   map[string]string
		place   string
		changes bool
	}{
		"nowhere":                         {map[string]string{"README.md": "# shop\n"}, "README.md", true},
		"in the README":                   {map[string]string{"README.md": "# shop\n" + section}, "README.md", true},
		"in the guide, README by hand":    {map[string]string{"README.md": "# shop\n", guide: "# Guide\n" + section}, guide, true},
		"in the guide, by people":         {map[string]string{"README.md": "# shop\n", guide: "# Guide\n" + byPeople}, guide, false},
		"in the template and its README":  {map[string]string{"README.md": generated + section, "README.md.gotmpl": "x\n" + section}, "README.md.gotmpl", true},
		"in a generated README only":      {map[string]string{"README.md": generated + section}, "", false},
		"in a README that has a template": {map[string]string{"README.md": generated + section, "README.md.gotmpl": "x\n"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := fstest.MapFS{}
			for file, text := range tc.files {
				tree[file] = &fstest.MapFile{Data: []byte(text)}
			}
			place, src, _, err := placeOf(tree, e)
			if err != nil || place != tc.place {
				t.Fatalf("got %q, error %v, want %q", place, err, tc.place)
			}
			if place == "" {
				return
			}
			dst, changes, err := e.Apply(src)
			if err != nil || len(changes) > 0 != tc.changes || tc.changes && !strings.Contains(string(dst), "New.") {
				t.Errorf("%d changes, error %v:\n%s", len(changes), err, dst)
			}
		})
	}
}
