package bot

import (
	"strings"
	"testing"
	"testing/fstest"

	"tokenward/gitops/edit"
)

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
