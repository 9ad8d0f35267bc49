package analysis

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever fetches ahead is told of every package's chart, without credentials, and of none
// whose package says that it comes from elsewhere.
func TestLikelyReleasesAreThoseThatTheValuesName(t *testing.T) {
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
	var got []Release
	mustDiscover(t, m, DiscoverOptions{Likely: func(s []Release) { got = append(got, s...) }})
	want := []Release{
		{Repository: "https://git.example.com/shop.git", Ref: SourceRef{Tag: "2.0"}, Chart: "chart"},
		{Repository: "https://git.example.com/logging.git", Ref: SourceRef{Tag: "1.0"}, Chart: "other"},
		{Repository: "https://git.example.com/logging.git", Ref: SourceRef{Tag: "1.0"}, Chart: "chart"},
		{Repository: "https://git.example.com/loose.git", Ref: SourceRef{Branch: "master"}, Chart: "chart"}, // as of its release
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
