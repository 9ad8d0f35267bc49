package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
)

// hostileCase is a chart, and what is said about it: "" where it is harmless after all.
type hostileCase struct {
	name          string
	template      string
	files         map[string]string
	values        map[string]any
	postRenderers []any
	want          string
	// slowly tells that the clock, or the limit of memory, may stop it first.
	slowly bool
}

const (
	stopped    = " (rendering.time)"
	needsMore  = "it needs more than 256 MiB of memory (rendering.memory)"
	configMap  = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: %s}\n"
	deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: a, image: b}]}}}\n"
)

// says renders what a template makes of an expression, and fails unless that is nothing.
func says(expression string) string {
	return "{{ $got := " + expression + " }}{{ if $got }}{{ fail (printf \"it got through: %v\" $got) }}{{ end }}" + fmt.Sprintf(configMap, "y")
}

func hostileCases(t *testing.T) []hostileCase {
	t.Helper()
	cases := []hostileCase{{name: "honest", template: deployment}}
	long, large := timeCases(), memoryCases()
	if testing.Short() {
		long, large = long[:1], large[:1]
	}
	cases = append(cases, long...)
	cases = append(cases, large...)
	cases = append(cases, reachCases()...)
	cases = append(cases, schemaCases()...)
	cases = append(cases, patchCases()...)
	cases = append(cases, formCases()...)
	cases = append(cases, judgedCases()...)
	return append(cases, archiveCases(t)...)
}

func timeCases() []hostileCase {
	return []hostileCase{
		{name: "nested-ranges", template: "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}", want: stopped},
		{name: "tpl-loop", template: `{{ range until 100000 }}{{ range until 100000 }}{{ tpl "{{ 1 }}" $ }}{{ end }}{{ end }}`, want: stopped},
		{name: "keys", template: `{{ range until 1000000 }}{{ $x := genPrivateKey "ed25519" }}{{ end }}`, want: stopped},
		{name: "authorities", template: `{{ range until 1000000 }}{{ $x := genCA "a" 1 }}{{ end }}`, want: stopped, slowly: true},
		{name: "ciphers", template: `{{ $t := repeat 10000 "a" }}{{ range until 1000000 }}{{ $x := encryptAES "key" $t }}{{ end }}`, want: stopped, slowly: true},
		{name: "derived", template: `{{ range until 1000000 }}{{ $x := derivePassword 1 "long" "a" "b" "c" }}{{ end }}`, want: stopped, slowly: true},
		{name: "random", template: `{{ range until 1000000 }}{{ $x := randAlphaNum 10000 }}{{ end }}`, want: stopped, slowly: true},
		{name: "regex", template: `{{ $t := repeat 2000 "a" }}{{ range until 1000000 }}{{ $x := regexMatch "(a*)*(a*)*(a*)*b" $t }}{{ end }}`, want: stopped, slowly: true},
		{name: "merges", template: `{{ $d := dict }}{{ range $i := until 1000 }}{{ $_ := set $d (toString $i) $i }}{{ end }}{{ range until 1000000 }}{{ $x := deepCopy $d }}{{ end }}`, want: stopped, slowly: true},
	}
}

func memoryCases() []hostileCase {
	cases := []hostileCase{
		{name: "include-bomb", template: `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, want: "nested", slowly: true},
		{name: "template-bomb", template: `{{ define "a" }}{{ template "b" . }}{{ end }}{{ define "b" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, want: "exceeded maximum template depth", slowly: true},
		{name: "tpl-recursion", template: `{{ define "a" }}{{ tpl "{{ include \"a\" . }}" . }}{{ end }}{{ include "a" . }}`, want: "nested", slowly: true},
		{name: "much-output", template: "{{ range $i := until 3000 }}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c{{ $i }}}\ndata: {x: {{ repeat 1000 \"x\" }}}\n{{ end }}", want: "it renders more than 2 MiB (rendering.output)"},
		{name: "many-objects", template: "{{ range $i := until 10001 }}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c{{ $i }}}\n{{ end }}", want: "it renders 10001 objects, and more than 10000 are not looked at"},
		{name: "deep-lists", template: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx: {{ repeat 2000 \"[\" }}{{ repeat 2000 \"]\" }}\n", want: "values are nested more than 1000 deep"},
	}
	if raceEnabled { // no limit on memory then
		return cases
	}
	return append(cases, []hostileCase{
		{name: "until", template: "{{ range until 1000000000 }}{{ end }}", want: needsMore, slowly: true},
		{name: "repeat", template: `{{ repeat 8000000000 "x" }}`, want: needsMore, slowly: true},
		{name: "doubling", template: `{{ $x := "0123456789abcdef" }}{{ range until 40 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, want: needsMore, slowly: true},
		{name: "list-doubling", template: `{{ $x := list 1 2 3 4 }}{{ range until 40 }}{{ $x = concat $x $x }}{{ end }}`, want: needsMore, slowly: true},
		{name: "random-bytes", template: `{{ randBytes 2000000000 }}`, want: needsMore, slowly: true},
		{name: "sequence", template: `{{ untilStep 0 2000000000 1 | toJson }}`, want: needsMore, slowly: true},
		{name: "indent", template: `{{ indent 2000000000 "x" }}`, want: needsMore, slowly: true},
	}...)
}

func reachCases() []hostileCase {
	return []hostileCase{
		{name: "env", template: `{{ env "TOKENWARD_GITLAB_TOKEN" }}`, want: `function "env" not defined`},
		{name: "expandenv", template: `{{ expandenv "$HOME" }}`, want: `function "expandenv" not defined`},
		{name: "dns", template: says(`getHostByName "localhost"`)},
		{name: "lookup", template: says(`lookup "v1" "Secret" "" ""`)},
		{name: "files-up", template: says(`.Files.Get "../../../../../../etc/passwd"`)},
		{name: "files-absolute", template: says(`.Files.Get "/etc/passwd"`)},
		{name: "files-glob", template: says(`.Files.Glob "/etc/*"`)},
		{name: "other-chart", template: says(`.Files.Get "../honest/Chart.yaml"`)},
		{name: "dependency-up", files: map[string]string{"Chart.yaml": "apiVersion: v2\nname: sample\nversion: 1.0.0\ndependencies: [{name: x, version: '*', repository: 'file://../../..'}]\n"}, want: "does not lead to another chart of the repository"},
		{name: "dependency-url", files: map[string]string{"Chart.yaml": "apiVersion: v2\nname: sample\nversion: 1.0.0\ndependencies: [{name: x, version: '*', repository: 'http://169.254.169.254/'}]\n"}, want: "charts/ does not hold: x"},
		{name: "dependency-self", files: map[string]string{"Chart.yaml": "apiVersion: v2\nname: sample\nversion: 1.0.0\ndependencies: [{name: x, version: '*', repository: 'file://../dependency-self'}]\n"}, want: "does not lead to another chart"},
	}
}

func schemaCases() []hostileCase {
	schema := func(text string) map[string]string { return map[string]string{"values.schema.json": text} }
	outside := "and a schema outside the chart is never read"
	return []hostileCase{
		{name: "ref-file", template: deployment, files: schema(`{"$ref": "file:///etc/passwd"}`), want: outside},
		{name: "ref-http", template: deployment, files: schema(`{"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}}`), want: outside},
		{name: "ref-relative", template: deployment, files: schema(`{"$ref": "../../honest/values.schema.json"}`), want: outside},
		{name: "schema-garbage", template: deployment, files: schema(`{`), want: "the schema is not valid JSON"},
		{name: "schema-loop", template: deployment, files: schema(`{"$ref": "#"}`), want: "schema"},
	}
}

func patchCases() []hostileCase {
	kustomize := func(v map[string]any) []any { return []any{map[string]any{"kustomize": v}} }
	patch := func(text string) []any {
		return kustomize(map[string]any{"patches": []any{map[string]any{"patch": text, "target": map[string]any{"kind": "Deployment"}}}})
	}
	return []hostileCase{
		{name: "patch-path", template: deployment, postRenderers: kustomize(map[string]any{"patches": []any{map[string]any{"path": "/etc/passwd"}}}), want: `a patch names the path "/etc/passwd"`},
		{name: "patch-url", template: deployment, postRenderers: kustomize(map[string]any{"patches": []any{map[string]any{"path": "http://127.0.0.1:1/patch.yaml"}}}), want: `a patch names the path "http://127.0.0.1:1/patch.yaml"`},
		{name: "patch-index", template: deployment, postRenderers: patch(`[{"op": "add", "path": "/spec/template/spec/containers/999999999", "value": {}}]`), want: "run post-renderer 1"},
		{name: "patch-garbage", template: deployment, postRenderers: patch("{{{"), want: "run post-renderer 1"},
		{name: "post-renderer-form", template: deployment, postRenderers: kustomize(map[string]any{"patches": "x"}), want: "post-renderer 1"},
	}
}

func formCases() []hostileCase {
	aliases := "a: &a [" + strings.Repeat("xxxxxxxxx,", 1000) + "]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\nc: [" + strings.Repeat("*b,", 1000) + "]\n"
	named := func(chart string) map[string]string { return map[string]string{"Chart.yaml": chart} }
	return []hostileCase{
		{name: "values-aliases", template: deployment, files: map[string]string{"values.yaml": aliases}, want: "chart values-aliases"},
		{name: "chart-aliases", template: deployment, files: named("apiVersion: v2\nname: sample\nversion: 1.0.0\n" + aliases), want: "its anchors and aliases expand to more than 16 MiB"},
		{name: "huge-chart-yaml", template: deployment, files: named("apiVersion: v2\nname: sample\nversion: 1.0.0\n#" + strings.Repeat("x", 1<<20)), want: "it has more than 1 MiB"},
		{name: "huge-file", template: deployment, files: map[string]string{"big.txt": strings.Repeat("x", 6<<20)}, want: "more than the 5242880 that Helm allows"},
		{name: "lfs-pointer", template: "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", want: "is a Git LFS pointer, and what it points to is not fetched"},
		{name: "no-chart", files: named("{}"), want: "chart.metadata"},
		{name: "chart-name", template: deployment, files: named("apiVersion: v2\nname: ../../x\nversion: 1.0.0\n"), want: "invalid"},
		{name: "invalid-utf8", template: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"\xff\xfe\"}\n"},
		{name: "nul-bytes", template: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"a\x00b\"}\n"},
		{name: "control-names", template: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"a\\nb\\u001b[31m\"}\n"},
		{name: "fail-lines", template: "{{ fail \"first\\nsecond\\n# third \\u001b[31m <script>\" }}", want: "first second # third"},
		{name: "broken-crd", template: "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: [1, {x: }]\n"},
		{name: "deep-yaml", template: deployment, files: map[string]string{"values.yaml": "a: " + strings.Repeat("[", 20000)}, want: "exceeded max depth"},
	}
}

// judgedCases render what is costly to judge, in a few bytes.
func judgedCases() []hostileCase {
	return []hostileCase{
		{name: "mounts", template: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: b, volumeMounts: [{{ range until 10000 }}{name: v, mountPath: /m}, {{ end }}]}]\n" +
			"  volumes: [{{ range until 10000 }}{name: v, configMap: {name: a}}, {{ end }}]\n---\n" + fmt.Sprintf(configMap, "y")},
		{name: "options", template: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b, args: [env{{ range until 200000 }}, a={{ end }}]}]}\n"},
		{name: "bindings", template: "{{ range until 800 }}{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r{{ . }}}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n---\n" +
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b{{ . }}}, roleRef: {kind: Role, name: r{{ . }}}, subjects: [{kind: ServiceAccount, name: a}]}\n---\n" +
			"{apiVersion: v1, kind: Pod, metadata: {name: p{{ . }}}, spec: {serviceAccountName: a, containers: [{name: a, image: b}]}}\n---\n{{ end }}"},
		{name: "aggregates", template: "{{ range until 2000 }}{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r{{ . }}, labels: {a: b}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}\n---\n{{ end }}"},
		{name: "lists", template: strings.Repeat("{apiVersion: v1, kind: List, items: [", 18) + "{{ range until 20000 }}{apiVersion: v1, kind: Pod, metadata: {name: p{{ . }}}}, {{ end }}" + strings.Repeat("]}", 18)},
		{name: "stars", template: "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ repeat 60 \"*a\" | quote }}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: {{ repeat 60 \"a\" }}}\n"},
	}
}

func archiveCases(t *testing.T) []hostileCase {
	inner := "apiVersion: v2\nname: inner\nversion: 1.0.0\n"
	zeros := strings.Repeat("\x00", 4<<20)
	many := map[string]string{"inner/Chart.yaml": inner}
	for i := range 20 {
		many[fmt.Sprintf("inner/files/%d", i)] = zeros
	}
	return []hostileCase{
		{name: "archive-bomb", template: deployment, files: map[string]string{"charts/inner.tgz": tgz(t, many)}, want: "the chart unpacks to more than 64 MB"},
		{name: "archive-up", template: deployment, files: map[string]string{"charts/inner.tgz": tgz(t, map[string]string{"../../etc/x": "y", "inner/Chart.yaml": inner})}, want: "unpack archive-up/charts/inner.tgz"},
		{name: "archive-garbage", template: deployment, files: map[string]string{"charts/inner.tgz": "PK"}, want: "unpack archive-garbage/charts/inner.tgz"},
	}
}

// tgz packs files.
func tgz(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
