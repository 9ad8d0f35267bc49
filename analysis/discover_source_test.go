package analysis

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever fetches ahead is told of every repository once, without credentials, and of none
// whose package says that it comes from elsewhere.
func TestSourcesAreThoseThatTheValuesName(t *testing.T) {
	t.Parallel()
	m := umbrellaFiles()
	m["chart/values.yaml"] += `
copy:
  enabled: false
  sourceType: git
  git: {repo: "https://ada:secret@git.example.com/logging.git", tag: "1.0", path: ./other}
loose:
  enabled: false
  git: {repo: "https://git.example.com/loose.git", path: chart}
pulled:
  enabled: false
  sourceType: helmRepo
  git: {repo: "https://git.example.com/pulled.git", tag: "1.0"}
  helmRepo: {repoName: public, chartName: pulled}
`
	var got []PackageSource
	mustDiscover(t, m, DiscoverOptions{Sources: func(s []PackageSource) { got = append(got, s...) }})
	want := []PackageSource{
		{"https://git.example.com/shop.git", SourceRef{Tag: "2.0"}},
		{"https://git.example.com/logging.git", SourceRef{Tag: "1.0"}},
		{"https://git.example.com/logging.git", SourceRef{Tag: "1.0"}},
		{"https://git.example.com/loose.git", SourceRef{Branch: "master"}}, // as of its release
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
