package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/bot"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	r := &bot.ScanReport{
		Umbrella: bot.UmbrellaReport{Repository: "https://git.example.org/platform/umbrella.git", Commit: "c0"},
		Releases: []bot.ReleaseReport{
			{Name: "a", Namespace: "a", Repository: "https://user:secret@git.example.org/one/shop.git", Commit: "c1"},
			{Name: "b", Namespace: "b", Repository: "https://git.example.org/two/shop.git", Commit: "c2"},
			{Name: "b", Namespace: "c", Repository: "https://git.example.org/two/shop.git", Commit: "c3"},
			{Name: "d", Namespace: "d", Repository: "git@git.example.org:three/blog.git", Ref: "main"},
			{Name: "e", Namespace: "e", Repository: "file:///srv/git/wiki.git", Commit: "c5"},
		},
	}
	p := newPlaces(r)
	type view struct{ ID, Base, Text, Web string }
	var got []view
	for _, x := range []struct{ release, namespace, source string }{
		{"a", "a", "chart/templates/x y.yaml:7"},
		{"b", "b", "../../etc/passwd"},
		{"b", "c", "chart/a:b.yaml"},
		{"b", "elsewhere", "x"},
		{"d", "d", "chart/templates/x.yaml:0"},
		{"e", "e", "chart/x.yaml:3"},
		{"none", "none", "y#z?.yaml"},
	} {
		at := p.source(x.release, x.namespace, x.source)
		got = append(got, view{at.repository.id, at.repository.base(), at.text(), at.web()})
	}
	want := []view{
		{"one/shop", "https://git.example.org/one/shop/-/blob/c1/", "chart/templates/x y.yaml:7", "https://git.example.org/one/shop/-/blob/c1/chart/templates/x%20y.yaml#L7"},
		{"two/shop@c2", "https://git.example.org/two/shop/-/blob/c2/", "etc/passwd", "https://git.example.org/two/shop/-/blob/c2/etc/passwd"},
		{"two/shop@c3", "https://git.example.org/two/shop/-/blob/c3/", "chart/a:b.yaml", "https://git.example.org/two/shop/-/blob/c3/chart/a%3Ab.yaml"},
		{"two/shop@c2", "https://git.example.org/two/shop/-/blob/c2/", "x", "https://git.example.org/two/shop/-/blob/c2/x"},
		{"blog", "ssh://git.example.org/three/blog.git/", "chart/templates/x.yaml:0", ""},
		{"wiki", "file:///srv/git/wiki.git/", "chart/x.yaml:3", ""},
		{"umbrella", "https://git.example.org/platform/umbrella/-/blob/c0/", "y#z?.yaml", "https://git.example.org/platform/umbrella/-/blob/c0/y%23z%3F.yaml"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}
