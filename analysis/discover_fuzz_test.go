package analysis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// FuzzFlux reads foreign Flux objects. Whatever they hold, every HelmRelease is one
// release that says where it is or what is wrong with it, the same one every time, and
// no password of a URL is kept.
func FuzzFlux(f *testing.F) {
	f.Add(helmRelease(appChart))
	f.Add(helmRelease(appChart + "  targetNamespace: web\n  valuesFrom: [{kind: Secret, name: v, valuesKey: x, targetPath: 'a[0].b'}]\n"))
	f.Add(helmRelease("  chartRef: {kind: OCIRepository, name: x}\n  values: {a: [1, null, {b: c}]}\n  postRenderers: [7, {kustomize: 1}]\n"))
	f.Add("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec: [1]\n")
	f.Add(gitSource + "apiVersion: v1\nkind: Secret\nmetadata: {name: v, namespace: flux}\ndata: {x: '!!!', y: 7}\nstringData: 3\n")
	f.Add("apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: app}\nspec: {url: 'https://u:secret@h/a', ref: {tag: {}}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		objects := fuzzedObjects(text)
		read := func() []Release {
			flux := readFlux(objects)
			var composer render.Composer
			var out []Release
			for _, o := range flux.helmReleases {
				out = append(out, flux.release(o, &composer))
			}
			return out
		}
		releases := read()
		for _, r := range releases {
			if r.Err == nil && (r.Name == "" || r.Repository == "") {
				t.Errorf("a release without a name or a repository, and no error: %+v", r)
			}
			if len(r.Name) > 53 {
				t.Errorf("Helm takes no name of %d characters", len(r.Name))
			}
			if _, rest, ok := strings.Cut(r.Repository, "://"); ok {
				host, _, _ := strings.Cut(rest, "/")
				if user, _, ok := strings.Cut(host, "@"); ok && strings.Contains(user, ":") {
					t.Errorf("the repository keeps a password: %s", r.Repository)
				}
			}
		}
		errText := cmp.Transformer("error", func(err error) string { return err.Error() })
		if d := cmp.Diff(releases, read(), cmp.FilterValues(func(a, b error) bool { return a != nil && b != nil }, errText)); d != "" {
			t.Errorf("read twice, and differs:\n%s", d)
		}
	})
}

// fuzzedObjects are the documents of a text that are objects with a name, as a chart
// renders them.
func fuzzedObjects(text string) []*render.Object {
	var out []*render.Object
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var fields map[string]any
		if yaml.Unmarshal([]byte(doc), &fields) != nil {
			continue
		}
		meta := mapAt(fields, "metadata")
		o := &render.Object{APIVersion: textAt(fields, "apiVersion"), Kind: textAt(fields, "kind"), Name: textAt(meta, "name"),
			Namespace: textAt(meta, "namespace"), ReadFields: render.Held(fields)}
		if o.Kind != "" && o.Name != "" {
			out = append(out, o)
		}
	}
	return out
}
