package bot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDigestOfSeveralFiles holds that the order of files and of a file's lines does not
// count, and that lines are not taken from one file for those of another.
func TestDigestOfSeveralFiles(t *testing.T) {
	t.Parallel()
	a, b := fileDiff{"a", "@@ -1 +1,2 @@\n x\n+1\n+2\n"}, fileDiff{"b", "@@ -1 +1,2 @@\n x\n+3\n"}
	want := digest("web", RolePackage, a, b)
	if got := digest("web", RolePackage, b, fileDiff{"a", "@@ -1 +1,2 @@\n+2\n x\n+1\n"}); got != want {
		t.Errorf("the order of files and lines counts: %s, %s", got, want)
	}
	for name, other := range map[string][]fileDiff{
		"a file less":                   {a},
		"a line in another file":        {{"a", "+1\n"}, {"b", "+2\n+3\n"}},
		"a line more":                   {a, {"b", "+3\n+3\n"}},
		"the same lines in other files": {{"a", b.diff}, {"b", a.diff}},
	} {
		if digest("web", RolePackage, other...) == want {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestIncidentalFilesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	c := &FileChange{Path: "README.md", Diff: "+r\n", Content: []byte("r"), Also: []FileEdit{
		{Path: "chart/Chart.yaml", Diff: "+v\n", Content: []byte("v"), Incidental: true},
		{Path: ".settings.yaml", Diff: "+d\n", Content: []byte("d")},
	}}
	all, asked := c.lines()
	if d := cmp.Diff([]fileDiff{{"README.md", "+r\n"}, {".settings.yaml", "+d\n"}}, asked, cmp.AllowUnexported(fileDiff{})); d != "" || len(all) != 3 {
		t.Errorf("%d in all, asked (-want +got):\n%s", len(all), d)
	}
	if want := "+r\n+v\n+d\n"; c.diff() != want {
		t.Errorf("shows %q, want %q", c.diff(), want)
	}
	if got := c.contents(); len(got) != 3 || string(got["chart/Chart.yaml"]) != "v" {
		t.Errorf("commits %q", got)
	}
}
