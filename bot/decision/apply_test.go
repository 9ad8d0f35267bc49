package decision

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
)

func deployment(namespace, name string, v analysis.Verdict) analysis.Judgement {
	return analysis.Judgement{Verdict: v, Workload: &analysis.Workload{
		Namespace: namespace, Kind: "Deployment", Name: name,
		Pods: []analysis.PodName{{Admission: name + "-5d8f7c9b4d-", Full: name + "-5d8f7c9b4d-x7k2p"}},
	}}
}

func change(k analysis.ChangeKind, pattern string, workloads ...string) analysis.Change {
	c := analysis.Change{Namespace: "web", Kind: k, Pattern: pattern}
	for _, w := range workloads {
		c.Workloads = append(c.Workloads, "Deployment "+w)
		c.Evidence = append(c.Evidence, analysis.Evidence{Kind: "bound-role", Summary: w + " reads Secrets"})
	}
	return c
}

// web is a platform with one namespace that is planned to be hardened.
func web() Input {
	return Input{
		Listing: &analysis.Listing{},
		Judgements: []analysis.Judgement{
			deployment("web", "web-api", analysis.NeedsToken), deployment("web", "web-job", analysis.NeedsToken),
			deployment("web", "web-ui", analysis.NoToken), deployment("other", "other", analysis.NeedsToken),
		},
		Plans: []analysis.NamespacePlan{
			{Namespace: "other", Changes: []analysis.Change{{Namespace: "other", Kind: analysis.Harden}}},
			{Namespace: "web", Notes: []string{"a note"}, Changes: []analysis.Change{
				change(analysis.Harden, ""), change(analysis.HardenDefault, ""), change(analysis.Allow, "web-*", "web-api", "web-job"), change(analysis.Deny, "web-ui-*", "web-ui"),
			}},
		},
	}
}

// says writes the changes of the second plan as words.
func says(plans []analysis.NamespacePlan) (changes, notes []string) {
	for _, c := range plans[1].Changes {
		s := strings.TrimSpace(string(c.Kind) + " " + c.Pattern)
		if len(c.Workloads) > 0 {
			s += fmt.Sprint(": ", strings.ReplaceAll(strings.Join(c.Workloads, ", "), "Deployment ", ""))
		}
		changes = append(changes, s)
	}
	return changes, plans[1].Notes[1:]
}

func TestApply(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decisions []Decision
		listed    []analysis.ListedNamespace
		change    func(*Input)
		want      []string
		notes     []string
	}{
		"nothing decided": {want: []string{"harden", "harden-default", "allow web-*: web-api, web-job", "deny web-ui-*: web-ui"}},
		"ignored in part": {
			decisions: []Decision{{Kind: Ignore, Pattern: "web-job-*", Reason: "runs elsewhere", By: "@kim"}},
			want:      []string{"harden", "harden-default", "allow web-*: web-api", "deny web-ui-*: web-ui"},
		},
		"an ignored deny": {
			decisions: []Decision{{Kind: Ignore, Pattern: "web-ui-*", Reason: "later", By: "@kim"}},
			want:      []string{"harden", "harden-default", "allow web-*: web-api, web-job"},
			notes:     []string{"Left out by a decision: deny web-ui-*. later (decided by @kim)."},
		},
		"an ignored allow takes the deny below it along": {
			decisions: []Decision{{Kind: Ignore, Pattern: "web-??*-*"}},
			want:      []string{"harden", "harden-default"},
			notes:     []string{"Left out by a decision: allow web-*. a decision without a reason.", "Left out by a decision: deny web-ui-*. a decision without a reason."},
		},
		"a whole namespace ignored": {
			decisions: []Decision{{Kind: Ignore, Pattern: "*", By: "@kim"}},
			notes:     []string{"The namespace is left as it is by a decision: decided by @kim."},
		},
		"allowed": {
			decisions: []Decision{{Kind: Allow, Pattern: "web-ui-*", Reason: "reads its own pod"}},
			want:      []string{"harden", "harden-default", "allow web-*: web-api, web-job", "allow web-ui-*: web-ui"},
		},
		"denied": {
			decisions: []Decision{{Kind: Deny, Pattern: "web-*"}},
			want:      []string{"harden", "harden-default", "deny web-*: web-api, web-job, web-ui"},
		},
		"the later wins": {
			decisions: []Decision{{Kind: Allow, Pattern: "web-ui-*"}, {Kind: Deny, Pattern: "web-ui-*"}, {Kind: Ignore, Pattern: "web-ui-*"}},
			want:      []string{"harden", "harden-default", "allow web-*: web-api, web-job"},
			notes:     []string{"Left out by a decision: deny web-ui-*. a decision without a reason."},
		},
		"nothing is hit any more": {
			decisions: []Decision{{Kind: Allow, Pattern: "gone-*", Line: 7}},
			want:      []string{"harden", "harden-default", "allow web-*: web-api, web-job", "deny web-ui-*: web-ui"},
			notes:     []string{".tokenward.yaml line 7: no pod of this namespace is called gone-* any more: the decision to allow it may be taken out."},
		},
		"listed already": {
			decisions: []Decision{{Kind: Allow, Pattern: "web-ui-*"}, {Kind: Deny, Pattern: "web-api-*"}},
			listed:    []analysis.ListedNamespace{{Namespace: "web", Allow: []string{"web-ui-*"}, Deny: []string{"web-api-*"}}},
			change: func(in *Input) {
				in.Plans[1].Changes = []analysis.Change{change(analysis.Stale, "web-ui-*", "web-ui"), change(analysis.Stale, "gone-*")}
			},
			want: []string{"stale gone-*"},
		},
		"an ignored stale entry": {
			decisions: []Decision{{Kind: Ignore, Pattern: "gone-*", Reason: "kept for a migration"}},
			listed:    []analysis.ListedNamespace{{Namespace: "web", Allow: []string{"gone-*"}}},
			change:    func(in *Input) { in.Plans[1].Changes = []analysis.Change{change(analysis.Stale, "gone-*")} },
			notes:     []string{"Left out by a decision: stale gone-*. kept for a migration."},
		},
		"not hardened": {
			decisions: []Decision{{Kind: Allow, Pattern: "web-ui-*"}},
			change:    func(in *Input) { in.Plans[1].Changes = nil },
			notes:     []string{".tokenward.yaml: the namespace is not hardened, so that there is nothing to allow: a decision without a reason."},
		},
		"blocked": {
			decisions: []Decision{{Kind: Ignore, Pattern: "*"}},
			change:    func(in *Input) { in.Plans[1].Blocked, in.Plans[1].Changes = "release web is not analysed", nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := web()
			in.Listing.Namespaces = c.listed
			if c.change != nil {
				c.change(&in)
			}
			before := fmt.Sprintf("%+v", in.Plans)
			f := &File{}
			for _, d := range c.decisions {
				d.Namespace = "web"
				f.Decisions = append(f.Decisions, d)
			}
			plans, unplanned := f.Apply(in)
			changes, notes := says(plans)
			if d := cmp.Diff(c.want, changes); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.notes, slices.Clip(notes)); d != "" && len(c.notes)+len(notes) > 0 {
				t.Errorf("notes (-want +got):\n%s", d)
			}
			if len(unplanned) > 0 || len(plans[0].Changes) != 1 {
				t.Errorf("other namespaces: %v, %v", unplanned, plans[0].Changes)
			}
			if after := fmt.Sprintf("%+v", in.Plans); after != before {
				t.Errorf("the plans that were given changed from\n%s\nto\n%s", before, after)
			}
		})
	}
}

func TestApplyNamesWhatIsNotPlanned(t *testing.T) {
	t.Parallel()
	f := &File{Decisions: []Decision{{Namespace: "nowhere", Kind: Ignore, Pattern: "x", Line: 3}}}
	_, unplanned := f.Apply(web())
	if len(unplanned) != 1 || !strings.Contains(unplanned[0], ".tokenward.yaml line 3: the platform deploys nothing into namespace nowhere") {
		t.Errorf("got %q", unplanned)
	}
}

func TestDecidedChangesSayWhy(t *testing.T) {
	t.Parallel()
	plans, _ := (&File{Decisions: []Decision{{Namespace: "web", Kind: Allow, Pattern: "web-ui-*", Reason: "{{ .x }}", By: "@kim"}}}).Apply(web())
	for _, c := range plans[1].Changes {
		if c.Pattern == "web-ui-*" && (c.Reason != "{ { .x } } (decided by @kim)" || c.Review) {
			t.Errorf("%+v", c)
		}
	}
}
