package templates

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPackageVersions holds what a package's request says of the chart's version, raised or not.
func TestPackageVersions(t *testing.T) {
	t.Parallel()
	raised := Package{Namespace: "web", Package: "web", File: "docs/DEVELOPMENT_MAINTENANCE.md", Why: "README.md is generated: an edit there is lost",
		Version: "1.2.3-bb.5", Partners: []Partner{{Reference: "platform/umbrella!1", Role: "umbrella"}}, Marker: "<!-- tokenward:v1 e30 -->"}
	left := raised
	left.Version, left.NotRaised = "", "The chart's version is not raised: version \"@all\": invalid."
	for name, render := range map[string]func() (string, error){
		"package-raised.md": raised.Description, "package-raised.commit": raised.CommitMessage, "package-not-raised.md": left.Description,
	} {
		got, err := render()
		if err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + name + ".golden"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
	if got, want := raised.ChangelogEntry(), "Documented automountServiceAccountToken and its exceptions in docs/DEVELOPMENT_MAINTENANCE.md"; got != want {
		t.Errorf("the changelog says %q, want %q", got, want)
	}
}

// TestSectionDefusesTheFile has an umbrella whose file's name would act in packages' documentation.
func TestSectionDefusesTheFile(t *testing.T) {
	t.Parallel()
	for _, hostile := range append(hostileTexts, "v](javascript:x\") <img src=x>") {
		for _, url := range []string{"", "https://gitlab.example.com/x"} {
			section := Section{Policy: "mutate", Validate: "validate", File: "chart/" + hostile + ".yaml", FileURL: url}
			checkDefused(t, hostile, must(t, section.Body))
		}
	}
}
