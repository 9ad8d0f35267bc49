package render

import (
	"slices"
	"strings"
	"testing"
)

// However a template asks whether it is an upgrade, what only an upgrade renders is found.
func TestNothingIsAskedUnseen(t *testing.T) {
	t.Parallel()
	const job = "\nkind: Job\napiVersion: batch/v1\nmetadata: {name: convert-data}\n"
	helper := `{{ define "asks" }}{{ if .IsUpgrade }}yes{{ end }}{{ end }}`
	for name, condition := range map[string]string{
		"a field":                          `{{ if .Release.IsUpgrade }}`,
		"its opposite":                     `{{ if not .Release.IsInstall }}`,
		"the revision":                     `{{ if gt .Release.Revision 1 }}`,
		"a variable":                       `{{ $r := .Release }}{{ if $r.IsUpgrade }}`,
		"with":                             `{{ with .Release }}{{ $u := .IsUpgrade }}{{ if $u }}`,
		"handed on":                        `{{ if include "asks" .Release }}`,
		"all of it handed on":              `{{ $all := dict "a" . }}{{ if include "asks" $all.a.Release }}`,
		"a text of the values":             `{{ if tpl .Values.ask . }}`,
		"index":                            `{{ if index .Release "IsUpgrade" }}`,
		"index of everything":              `{{ if index $ "Release" "IsUpgrade" }}`,
		"get":                              `{{ if get .Release "IsUpgrade" }}`,
		"dig":                              `{{ if dig "IsUpgrade" false .Release }}`,
		"a copy":                           `{{ if (deepCopy .Release).IsUpgrade }}`,
		"a copy of everything":             `{{ $all := deepCopy . }}{{ if $all.Release.IsUpgrade }}`,
		"merged":                           `{{ $all := merge (dict "a" 1) . }}{{ if $all.Release.IsUpgrade }}`,
		"merged with its parts":            `{{ $all := merge (dict "a" 1) .Release }}{{ if $all.IsUpgrade }}`,
		"chosen":                           `{{ if (pick . "Release").Release.IsUpgrade }}`,
		"gone through":                     `{{ range $k, $v := .Release }}{{ if eq $k "IsUpgrade" }}{{ if $v }}`,
		"as YAML":                          `{{ if contains "IsUpgrade: true" (toYaml .Release) }}`,
		"as JSON":                          `{{ if contains "\"IsUpgrade\":true" (toJson .Release) }}`,
		"as YAML, everything":              `{{ if contains "IsUpgrade: true" (toYaml (omit . "Files" "Capabilities" "Chart" "Template")) }}`,
		"printed":                          `{{ if contains "IsUpgrade:true" (printf "%v" .Release) }}`,
		"merged, with one of its own":      `{{ $c := merge (dict "Release" (dict "Name" "x")) . }}{{ if $c.Release.IsUpgrade }}`,
		"merged copy, with one of its own": `{{ $c := mustMerge (dict "Release" (dict "Name" "x")) (deepCopy .) }}{{ if $c.Release.IsUpgrade }}`,
		"as TOML":                          `{{ if contains "IsUpgrade = true" (toToml .Release) }}`,
		"as TOML, everything":              `{{ if contains "IsUpgrade = true" (toToml (dict "a" .Release)) }}`,
		"only if it is a map":              `{{ if and (kindIs "map" .Release) .Release.IsUpgrade }}`,
		"its keys counted":                 `{{ if and (eq (len .Release) 6) .Release.IsUpgrade }}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ends := strings.Count(condition, "{{ if") + strings.Count(condition, "{{ with") + strings.Count(condition, "{{ range")
			out := mustRender(t, simple(map[string]string{
				"values.yaml":            `ask: "{{ if .Release.IsUpgrade }}yes{{ end }}"` + "\n",
				"templates/_helpers.tpl": helper,
				"templates/a.yaml":       "kind: Pod\napiVersion: v1\nmetadata: {name: always}\n",
				"templates/b.yaml":       condition + job + strings.Repeat("{{ end }}", ends),
			}), Request{ReleaseName: "demo", Namespace: "shop"})
			if got := ids(out.Objects); !slices.Equal(got, []string{"Pod shop/always", "Job shop/convert-data"}) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// What a chart could ask, but does not with these values, makes it no upgrade.
func TestChartThatDoesNotAskIsNoUpgrade(t *testing.T) {
	t.Parallel()
	fsys := simple(map[string]string{
		"templates/a.yaml": "kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {p: {{ randAlphaNum 5 }}}\n",
		"templates/b.yaml": "{{ if .Values.off }}{{ if .Release.IsUpgrade }}{{ end }}{{ end }}",
	})
	c := mustLoad(t, fsys, "")
	var w watch
	if _, _, err := new(Renderer).renderAs(t.Context(), c, Request{ReleaseName: "demo", Namespace: "shop"}, installation, &w); err != nil || w.asked || w.shown {
		t.Errorf("%+v, %v", w, err)
	}
}

// What stands in the place of .Release is no map; charts for which that matters render as ever.
func TestReleaseIsAMapWhereThatMatters(t *testing.T) {
	t.Parallel()
	merged := `{{ (merge (dict "Release" (dict "Name" "x")) .).Release.Namespace }}`
	for name, text := range map[string]string{
		"merged":       merged,
		"its kind":     `{{ if kindIs "map" .Release }}shop{{ end }}`,
		"a key of all": `{{ index . "Release" "Namespace" }}`,
		"not named":    `{{ index . (print "Rel" "ease") "Namespace" }}`,
		"in a value":   `{{ tpl .Values.ask . }}`,
	} {
		r := Request{ReleaseName: "demo", Namespace: "shop"}
		if name == "in a value" {
			r.Values = map[string]any{"ask": merged}
		}
		out, err := tryRender(simple(map[string]string{
			"templates/a.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: in-" + text + "}\n",
		}), r)
		if err != nil || out.Objects[0].Name != "in-shop" {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}
