package edit_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/edit"
)

// listOf puts lines below the mutator's namespaces.
func listOf(lines ...string) string {
	return "policies:\n  " + mutator + ":\n    namespaces:\n" + strings.Join(lines, "\n") + "\n"
}

func removal(patterns ...string) edit.PolicyRemoval {
	e := edit.PolicyRemoval{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: "shop"}
	for _, p := range patterns {
		pattern, denied := strings.CutPrefix(p, "!")
		pattern, again := strings.CutSuffix(pattern, " again")
		if r := (edit.Removal{Pattern: pattern, KeepFirst: again}); denied {
			e.Deny = append(e.Deny, r)
		} else {
			e.Allow = append(e.Allow, r)
		}
	}
	return e
}

func TestPolicyRemoval(t *testing.T) {
	t.Parallel()
	item := func(lines ...string) string {
		return listOf(slices.Concat([]string{"    - namespace: mesh", "      pods: {allow: [a-*]}", "    - namespace: shop"}, lines, []string{"    - namespace: web"})...)
	}
	for name, tc := range map[string]struct {
		in, want string
		patterns []string
	}{
		"an item with its comment": {
			item("      pods:", "        allow:", "        # reads Secrets", "        # templates/role.yaml", "        - a-*", "        # more", "        - b-*"),
			item("      pods:", "        allow:", "        # more", "        - b-*"), []string{"a-*"}},
		"the last item": {
			item("      pods:", "        allow:", "        - b-*", "        # reads Secrets", "        - a-*"),
			item("      pods:", "        allow:", "        - b-*"), []string{"a-*"}},
		"a comment that may be about the next item, too, stays": {
			item("      pods:", "        allow:", "        # both read Secrets", "        - a-*", "        - b-*", "        - c-*"),
			item("      pods:", "        allow:", "        # both read Secrets", "        - b-*", "        - c-*"), []string{"a-*"}},
		"and goes with the last of them": {
			item("      pods:", "        allow:", "        # both read Secrets", "        - a-*", "        - b-*", "        # but this", "        - c-*"),
			item("      pods:", "        allow:", "        # but this", "        - c-*"), []string{"b-*", "a-*"}},
		"a comment that stands apart stays": {
			item("      pods:", "        allow:", "        # these read Secrets", "", "        - a-*", "        # b", "        - b-*"),
			item("      pods:", "        allow:", "        # these read Secrets", "", "        # b", "        - b-*"), []string{"a-*"}},
		"a comment at another indentation stays": {
			item("      pods:", "        allow:", "        - b-*", "      # about allow", "        - a-*"),
			item("      pods:", "        allow:", "        - b-*", "      # about allow"), []string{"a-*"}},
		"of blank lines around an item one stays": {
			item("      pods:", "        allow:", "        - a-*", "", "        - b-*", "", "        - c-*"),
			item("      pods:", "        allow:", "        - a-*", "", "        - c-*"), []string{"b-*"}},
		"none behind the key": {
			item("      pods:", "        allow:", "        - a-*", "", "        - b-*", "", "        - c-*"),
			item("      pods:", "        allow:", "        - c-*"), []string{"a-*", "b-*"}},
		"those between namespaces stay": {
			listOf("    - namespace: shop", "      pods:", "        allow:", "        - a-*", "", "    - namespace: web", "", "    - namespace: mesh"),
			listOf("    - namespace: shop", "", "    - namespace: web", "", "    - namespace: mesh"), []string{"a-*"}},
		"none at the end": {
			item("      pods:", "        allow:", "        - a-*", "", "        - b-*"),
			item("      pods:", "        allow:", "        - a-*"), []string{"b-*"}},
		"an empty list goes with its key": {
			item("      pods:", "        allow:", "        # reads", "        - a-*", "        deny:", "        - b-*"),
			item("      pods:", "        deny:", "        - b-*"), []string{"a-*"}},
		"empty pods go, too": {
			item("      pods:", "        allow:", "        - a-*", "        - c-*", "        deny: # not these", "          - b-*"),
			item(), []string{"a-*", "c-*", "!b-*"}},
		"pods as a list": {
			item("      pods:", "      - a-*", "      - b-*"),
			item("      pods:", "      - b-*"), []string{"a-*"}},
		"an empty one": {
			item("      pods:", "      - a-*"),
			item(), []string{"a-*"}},
		"only the repetitions": {
			item("      pods:", "        allow:", "        # first", "        - a-*", "        - b-*", "        # second", "        - a-*", "        - \"a-*\" # third"),
			item("      pods:", "        allow:", "        # first", "        - a-*", "        - b-*"), []string{"a-* again"}},
		"all of them": {
			item("      pods:", "        allow:", "        # first", "        - a-*", "        # b", "        - b-*", "        # second", "        - 'a-*'"),
			item("      pods:", "        allow:", "        # b", "        - b-*"), []string{"a-*"}},
		"in flow style": {
			item("      pods:", "        allow: [ a-*, 'b-*' , c-*] # some", "        deny: [b-*]"),
			item("      pods:", "        allow: [ 'b-*', c-*] # some"), []string{"a-*", "!b-*"}},
		"the last in flow style": {
			item("      pods:", "        allow: [b-*, \"a-*\"]"),
			item("      pods:", "        allow: [b-*]"), []string{"a-*"}},
		"all in flow style": {
			item("      pods: [a-*]"), item(), []string{"a-*"}},
		"pods in flow style keep their keys": {
			item("      pods: {allow: [a-*], deny: [b-*]}"),
			item("      pods: {allow: [], deny: [b-*]}"), []string{"a-*"}},
		"what is denied stays where it is to be allowed no more": {
			item("      pods:", "        allow:", "        - a-*", "        deny:", "        - a-*"),
			item("      pods:", "        deny:", "        - a-*"), []string{"a-*"}},
		"what is not there":             {item("      pods:", "        allow:", "        - a-*"), item("      pods:", "        allow:", "        - a-*"), []string{"b-*", "a-* again"}},
		"a namespace that is not there": {listOf("    - namespace: web"), listOf("    - namespace: web"), []string{"b-*"}},
		"two items of one namespace": {
			item("      pods:", "        allow:", "        - a-*", "    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        - a-*"),
			item("      pods:", "        allow:", "        - a-*", "    - namespace: shop", "      pods:", "        allow:", "        - b-*"), []string{"a-* again"}},
		"an item that somebody made a comment stays": {
			item("      pods:", "        allow:", "        # - c-* (until ticket 7 is done)", "        # reads Secrets", "        - a-* # of the", "              # shop", "        # more", "        - b-*"),
			item("      pods:", "        allow:", "        # - c-* (until ticket 7 is done)", "        # more", "        - b-*"), []string{"a-*"}},
		"a deeper comment below it goes": {
			item("      pods:", "        allow:", "        - a-*", "          # reads Secrets", "        - b-*", "          # writes them"),
			item("      pods:", "        allow:", "        - b-*", "          # writes them"), []string{"a-*"}},
		"but not what somebody took out": {
			item("      pods:", "        allow:", "        - a-*", "          # - old-*", "          # of team B", "        - b-*"),
			item("      pods:", "        allow:", "          # - old-*", "          # of team B", "        - b-*"), []string{"a-*"}},
		"nor does a key": {
			item("      pods:", "        # deny: [x-*]", "        allow:", "        - a-*", "        deny:", "        - b-*"),
			item("      pods:", "        # deny: [x-*]", "        deny:", "        - b-*"), []string{"a-*"}},
		"words with a colon are a comment": {
			item("      pods:", "        allow:", "        # Note: reads Secrets", "        - a-*", "        # see: ticket 7", "        - b-*"),
			item("      pods:", "        allow:", "        # see: ticket 7", "        - b-*"), []string{"a-*"}},
		"comments of keys go with them": {
			item("      # these pods call the API", "      pods:", "        # the job", "        allow:", "        - a-*"),
			item(), []string{"a-*"}},
		"of repetitions the one that is always there stays": {
			item("      pods:", "        allow:", "        {{- if .x }}", "        - c-*", "        - a-*", "        {{- end }}", "        # why", "        - a-*"),
			item("      pods:", "        allow:", "        {{- if .x }}", "        - c-*", "        {{- end }}", "        # why", "        - a-*"), []string{"a-* again"}},
		"in a template block that goes on": {
			item("      {{- if .x }}", "      pods:", "        allow:", "        - a-*", "        {{- if .y }}", "        # why", "        - b-*", "        - c-*", "        {{- end }}", "      {{- end }}"),
			item("      {{- if .x }}", "      pods:", "        allow:", "        - a-*", "        {{- if .y }}", "        # why", "        - c-*", "        {{- end }}", "      {{- end }}"), []string{"b-*"}},
		"before directives of the lists around": {
			item("      pods:", "        allow:", "        - a-*", "    {{- range .more }}", "    - namespace: {{ . }}", "    {{- end }}", "    {{- items | nindent 4 }}"),
			item("    {{- range .more }}", "    - namespace: {{ . }}", "    {{- end }}", "    {{- items | nindent 4 }}"), []string{"a-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, eol := range []string{"\n", "\r\n"} {
				src, want := strings.ReplaceAll(tc.in, "\n", eol), strings.ReplaceAll(tc.want, "\n", eol)
				dst, changes, err := removal(tc.patterns...).Apply([]byte(src))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, string(dst)); d != "" {
					t.Errorf("result (-want +got):\n%s", d)
				}
				checkChanges(t, []byte(src), dst, changes)
			}
		})
	}
}

func TestPolicyRemovalOfRepeatedDefaults(t *testing.T) {
	t.Parallel()
	list := func(names ...string) []byte {
		return []byte("policies:\n  " + defaultMutator + ":\n    namespaces:\n    - " + strings.Join(names, "\n    - ") + "\n")
	}
	e := removal()
	e.RepeatedDefault = true
	dst, _, err := e.Apply(list("shop", "web", "shop", "shop"))
	if err != nil || !bytes.Equal(dst, list("shop", "web")) {
		t.Errorf("error %v, result\n%s", err, dst)
	}
}

func TestPolicyRemovalRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lines []string
		want  error
	}{
		"a directive on the line":                   {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        - a-* # {{ .x }}"}, edit.ErrForm},
		"a directive that trims the line":           {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        {{ .x -}}", "        - a-*", "        - c-*"}, edit.ErrForm},
		"a block that would be left empty":          {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        {{- if .x }}", "        - a-*", "        {{- end }}"}, edit.ErrForm},
		"a list with directives alone":              {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - a-*", "        {{- range .x }}", "        - {{ . }}", "        {{- end }}"}, edit.ErrForm},
		"a list with what a directive prints":       {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - a-*", "        {{- items | nindent 8 }}"}, edit.ErrForm},
		"pods of which a directive prints the rest": {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - a-*", "        {{- include \"deny\" . }}"}, edit.ErrForm},
		"a key that shares its line with the dash":  {[]string{"    - pods:", "        allow:", "        - a-*", "      namespace: shop"}, edit.ErrForm},
		"a list that is shared":                     {[]string{"    - namespace: shop", "      pods:", "        allow: &x", "        - a-*", "        - b-*"}, edit.ErrForm},
		"an item that is shared":                    {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - &x a-*", "        - b-*"}, edit.ErrForm},
		"an item on two lines":                      {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - >-", "          a-*", "        - b-*"}, edit.ErrForm},
		"a flow list over several lines":            {[]string{"    - namespace: shop", "      pods:", "        allow: [a-*,", "          b-*]"}, edit.ErrForm},
		"a flow list with a directive in it":        {[]string{"    - namespace: shop", "      pods:", "        allow: [a-*, {{ .x }}]"}, edit.ErrForm},
		"a comment of the template":                 {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        {{- /* why */}}", "        - a-*", "        # c", "        - c-*"}, edit.ErrForm},
		"a comment of the template over two lines":  {[]string{"    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        {{- /* why", "        and how */}}", "        - a-*", "        # c", "        - c-*"}, edit.ErrForm},
		"a comment of the template above a key":     {[]string{"    - namespace: shop", "      {{- /* why */}}", "      pods:", "        allow:", "        - a-*"}, edit.ErrForm},
		"pods in two branches":                      {[]string{"    - namespace: shop", "      {{- if .x }}", "      pods: [a-*]", "      {{- else }}", "      pods: [a-*, b-*]", "      {{- end }}"}, edit.ErrAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dst, _, err := removal("a-*").Apply([]byte(listOf(tc.lines...)))
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v; result\n%s", err, tc.want, dst)
			}
		})
	}
	if _, _, err := removal("a-*").Apply([]byte("x: y\n")); !errors.Is(err, edit.ErrNoAnchor) {
		t.Errorf("a file without policies: %v", err)
	}
	if _, _, err := removal("a\nb").Apply([]byte(listOf("    - namespace: shop"))); !errors.Is(err, edit.ErrName) {
		t.Errorf("a pattern that is no name: %v", err)
	}
}

// TestPolicyRemovalUnderConditions takes out what stands under conditions that the evidence says nothing of.
func TestPolicyRemovalUnderConditions(t *testing.T) {
	t.Parallel()
	branches := listOf("    - namespace: shop", "      pods:", "        allow:", "        - b-*", "        {{- if .x }}", "        - a-*", "        - c-*", "        {{- else }}", "        - a-*", "        - d-*", "        {{- end }}")
	alone := listOf("    - namespace: shop", "      pods:", "        allow:", "        {{- if .x }}", "        - a-*", "        {{- end }}", "        - a-*")
	for _, tc := range []struct{ in, pattern string }{{branches, "a-*"}, {branches, "a-* again"}, {alone, "a-* again"}} {
		if dst, _, err := removal(tc.pattern).Apply([]byte(tc.in)); !errors.Is(err, edit.ErrForm) {
			t.Errorf("%s: error %v, want %v; result\n%s", tc.pattern, err, edit.ErrForm, dst)
		}
	}
}

// TestPolicyRemovalRendersWithout makes values files of many shapes and takes
// patterns out. Rendering before and after, with conditions on and off, must differ by what
// is removed and nothing else; the refusals must stay few.
func TestPolicyRemovalRendersWithout(t *testing.T) {
	t.Parallel()
	const files = 800
	refused, done := 0, 0
	for seed := range uint64(files) {
		r := rand.New(rand.NewPCG(seed, 11))
		f := newValuesFile(r)
		src := f.write()
		if len(f.namespaces) == 0 || f.chance(4) {
			continue
		}
		e := f.removal()
		dst, changes, err := e.Apply(src)
		if errors.Is(err, edit.ErrForm) {
			refused++
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		done++
		checkChanges(t, src, dst, changes)
		for _, on := range []bool{true, false} {
			want := without(render(t, src, on), e)
			if diff := cmp.Diff(want, without(render(t, dst, on), edit.PolicyRemoval{})); diff != "" {
				t.Fatalf("seed %d, conditions %v: %+v (-want +got):\n%s\n%s", seed, on, e, diff, edit.UnifiedDiff("values.yaml", src, dst))
			}
		}
		if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
			t.Fatalf("seed %d: a second time: %d changes, error %v\n%s", seed, len(changes), err, again)
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, src)
		}
	}
	t.Logf("%d made, %d refused", done, refused)
	if done < 5*refused {
		t.Errorf("%d removals refused, only %d made", refused, done)
	}
}

// removal draws patterns that valuesFile writes.
func (f *valuesFile) removal() edit.PolicyRemoval {
	ns := f.namespaces[f.r.IntN(len(f.namespaces))]
	e := edit.PolicyRemoval{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: ns}
	draw := func(key string) (out []edit.Removal) {
		for _, tail := range []string{"-a-*", "-" + key + "-0-*", "-" + key + "-1-*", "-" + key + "-2-*"} {
			if f.chance(2) {
				out = append(out, edit.Removal{Pattern: ns + tail, KeepFirst: f.chance(6)})
			}
		}
		return out
	}
	allow := "allow"
	if f.listForm {
		allow = "pods"
	}
	e.Allow, e.Deny = draw(allow), draw("deny")
	return e
}

// without makes the removal on rendered values, and takes away whatever is empty.
func without(values map[string]any, e edit.PolicyRemoval) any {
	items, _ := values["policies"].(map[string]any)[mutator].(map[string]any)["namespaces"].([]any)
	for _, each := range items {
		item := each.(map[string]any)
		sides := map[string][]edit.Removal{"allow": e.Allow, "deny": e.Deny}
		if item["namespace"] != e.Namespace {
			sides = map[string][]edit.Removal{"allow": nil, "deny": nil}
		}
		if list, ok := item["pods"].([]any); ok {
			item["pods"] = filtered(list, sides["allow"])
		} else if pods, ok := item["pods"].(map[string]any); ok {
			for key, removals := range sides {
				list, _ := pods[key].([]any)
				if pods[key] = filtered(list, removals); len(pods[key].([]any)) == 0 {
					delete(pods, key)
				}
			}
			if len(pods) == 0 {
				delete(item, "pods")
			}
		}
		if list, ok := item["pods"].([]any); item["pods"] == nil || ok && len(list) == 0 {
			delete(item, "pods")
		}
	}
	return canonical(values)
}

func filtered(list []any, removals []edit.Removal) []any {
	out := []any{}
	seen := map[any]bool{}
	for _, v := range list {
		i := slices.IndexFunc(removals, func(r edit.Removal) bool { return r.Pattern == v })
		if i < 0 || removals[i].KeepFirst && !seen[v] {
			out = append(out, v)
		}
		seen[v] = true
	}
	return out
}

func FuzzPolicyRemoval(f *testing.F) {
	f.Add([]byte(listOf("    - namespace: shop", "      pods:", "        allow:", "        # why", "        - a-*", "        {{- if .x }}", "        - b-*", "        {{- end }}")), "a-*", "b-*")
	f.Add([]byte(listOf("    - {namespace: shop, pods: [a-*, 'b-*']}")), "a-*", "b-*")
	f.Add([]byte(listOf("    - namespace: shop", "      pods: {deny: [\"b-*\"], allow: []}")), "a-*", "b-*")
	f.Fuzz(func(t *testing.T, src []byte, allow, deny string) {
		e := removal(allow, "!"+deny)
		dst, changes, err := e.Apply(bytes.Clone(src))
		if err != nil {
			return
		}
		if (len(changes) == 0) != bytes.Equal(src, dst) {
			t.Fatalf("%d changes, but equal is %v", len(changes), bytes.Equal(src, dst))
		}
		if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
			t.Fatalf("a second time: %d changes, error %v\n%q\n%q", len(changes), err, dst, again)
		}
	})
}
