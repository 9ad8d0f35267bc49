package rbac

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// aggregatedRole is a ClusterRole with labels that aggregates by others, or a plain one that reads things of its name.
func aggregatedRole(name string, carries, selects []string) string {
	text := "---\nkind: ClusterRole\nmetadata:\n  name: " + name + "\n  labels: {" + strings.Join(carries, ": \"\", ") + ": \"\"}\n"
	if len(selects) == 0 {
		return text + "rules: [{apiGroups: [\"\"], resources: [" + name + "], verbs: [get]}]\n"
	}
	text += "aggregationRule:\n  clusterRoleSelectors:\n"
	for _, label := range selects {
		text += "  - matchExpressions: [{key: " + label + ", operator: Exists}]\n"
	}
	return text
}

// gathered lists the resources of a role's rules in their order.
func gathered(ix *Index, name string) []string {
	var out []string
	for _, r := range ix.roles[roleKey{"ClusterRole", "", name}].Rules {
		out = append(out, r.Resources...)
	}
	return out
}

// gatheredSlowly follows every chain from a role anew.
func gatheredSlowly(ix *Index, role *Role, seen map[*Role]bool) []string {
	if seen[role] {
		return nil
	}
	seen[role] = true
	if !role.Aggregated {
		return []string{role.Name}
	}
	var names, out []string
	for key := range ix.roles {
		names = append(names, key.name)
	}
	slices.Sort(names)
	for _, s := range role.aggregation.ClusterRoleSelectors {
		selector, _ := metav1.LabelSelectorAsSelector(&s)
		for _, name := range names {
			if part := ix.roles[roleKey{"ClusterRole", "", name}]; selector.Matches(labels.Set(part.labels)) {
				out = append(out, gatheredSlowly(ix, part, seen)...)
			}
		}
	}
	return out
}

// TestAggregationInAnyShape compares with the slow way: to the order of the rules where the roles form chains, and to
// the rules alone where they run in circles.
func TestAggregationInAnyShape(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from, to int) []string {
		var out []string
		for range 1 + random.IntN(2) {
			out = append(out, fmt.Sprintf("l%d", from+random.IntN(to-from)))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	for round := range 200 {
		circles := round%2 == 1
		var text strings.Builder
		for i := range 14 {
			level := random.IntN(5)
			carries, selects := pick(level, level+1), pick(level+1, 6)
			if circles {
				carries, selects = pick(0, 6), pick(0, 6)
			}
			if random.IntN(2) == 0 {
				carries, selects = pick(0, 6), nil
			}
			text.WriteString(aggregatedRole(fmt.Sprintf("r%d", i), carries, selects))
		}
		ix := New(sources(t, strings.TrimPrefix(text.String(), "---\n")))
		for key, role := range ix.roles {
			want, got := gatheredSlowly(ix, role, map[*Role]bool{}), gathered(ix, key.name)
			if circles {
				slices.Sort(want)
				slices.Sort(got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s of round %d (-want +got)\n%s\n%s", key.name, round, diff, text.String())
			}
		}
	}
}

func TestThousandsOfRolesThatAggregateEachOther(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 3000 {
		text.WriteString(aggregatedRole(fmt.Sprintf("r%04d", i), []string{"a"}, []string{"a"}))
	}
	text.WriteString(aggregatedRole("pods", []string{"a"}, nil))
	ix := New(sources(t, text.String()[4:]))
	for _, name := range []string{"r0000", "r1500", "r2999"} {
		if got := gathered(ix, name); !slices.Equal(got, []string{"pods"}) {
			t.Errorf("%s gathers %v", name, got)
		}
	}
	if problems := ix.Problems(); len(problems) > 0 {
		t.Errorf("%d problems, first %v", len(problems), problems[0].Err)
	}
}

// A release whose roles gather without end is not read to the end, and that is known; the others are.
func TestAggregationHasAnEnd(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("# release: calm\n" + aggregatedRole("all", []string{"a"}, []string{"calm"})[4:] + aggregatedRole("nodes", []string{"calm"}, nil) + "---\n# release: wild\n")
	for i := range 1500 {
		label := fmt.Sprintf("a%d", i)
		role := aggregatedRole(fmt.Sprintf("r%04d", i), []string{"a"}, []string{label})
		text.WriteString(strings.Replace(role, "{key: "+label+", operator: Exists}", "{key: "+label+", operator: DoesNotExist}", 1)[4:] + "---\n")
	}
	text.WriteString(aggregatedRole("pods", []string{"a"}, nil)[4:])
	ix := New(sources(t, text.String()))
	problems := map[string]int{}
	for _, p := range ix.Problems() {
		problems[p.Release]++
	}
	if problems["wild"] == 0 {
		t.Error("nothing of the release is called unread")
	}
	if got := gathered(ix, "all"); problems["calm"] > 0 || !slices.Equal(got, []string{"nodes"}) {
		t.Errorf("the other release has %d problems, its role gathers %v", problems["calm"], got)
	}
	for _, p := range ix.Problems() {
		if role := ix.roles[roleKey{"ClusterRole", "", p.Object.Name}]; len(role.Rules) > 0 {
			t.Fatalf("%s is called unread, and has rules", p.Object.Name)
		}
	}
}
