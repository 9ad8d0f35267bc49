package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tokenward/bot"
)

func TestGrants(t *testing.T) {
	t.Parallel()
	evidence := []bot.EvidenceReport{
		{Kind: "bound-role", Summary: "reads Secrets", Object: "Role shop/web"},
		{Kind: "binding", Summary: "its ServiceAccount web is bound to Role shop/web, by release other", Object: "RoleBinding shop/web"},
		{Kind: "group-role", Summary: "reads Pods", Object: "ClusterRole viewers"},
		{Kind: "binding", Summary: "the group system:serviceaccounts is bound to ClusterRole viewers", Object: "ClusterRoleBinding everybody"},
		{Kind: "auth-delegator", Summary: "asks the API to review tokens", Object: "ClusterRoleBinding web-auth"},
		{Kind: "outside-role", Summary: "holds a role that no release renders", Object: "ClusterRole lost"},
		{Kind: "tool", Summary: "calls kubectl", Object: "Deployment shop/web"},
	}
	want := []grant{
		{binding: "RoleBinding shop/web", role: "Role shop/web", words: "reads Secrets"},
		{binding: "ClusterRoleBinding everybody", group: "system:serviceaccounts", role: "ClusterRole viewers", words: "reads Pods"},
		{binding: "ClusterRoleBinding web-auth", role: delegator, words: "asks the API to review tokens"},
		{role: "ClusterRole lost", words: "holds a role that no release renders"},
	}
	if diff := cmp.Diff(want, grants(evidence), cmp.AllowUnexported(grant{})); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"calls kubectl"}, signs(evidence)); diff != "" {
		t.Errorf("signs (-want +got):\n%s", diff)
	}
}

// No box covers another, and everything stays within the picture.
func TestPictureHasRoomForEverything(t *testing.T) {
	t.Parallel()
	for _, n := range append(namespaces(sample(t)), namespaces(hostile(t))...) {
		p := draw(n)
		if p == nil {
			continue
		}
		for i, a := range p.Boxes {
			if a.X < 0 || a.Y < headHeight || a.X+a.W > p.Width || a.Y+a.H > p.Height {
				t.Errorf("%s: box %q at %d,%d leaves the picture of %dx%d", n.name, a.Full, a.X, a.Y, p.Width, p.Height)
			}
			for _, b := range p.Boxes[i+1:] {
				if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
					t.Errorf("%s: box %q covers %q", n.name, a.Full, b.Full)
				}
			}
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("storefront-gateway-controller-for-regional-traffic", 12, 3)
	f.Add("ein Wörtchen, \x1b[31m\u202e日本語日本語", 7, 1)
	f.Fuzz(func(t *testing.T, text string, width, lines int) {
		if width < 4 || width > 200 || lines < 1 || lines > 9 {
			t.Skip()
		}
		out := wrap(text, width, lines)
		if len(out) > lines {
			t.Fatalf("%d lines, want at most %d", len(out), lines)
		}
		for _, l := range out {
			if utf8.RuneCountInString(l) > width || strings.ContainsAny(l, "\n\x1b") {
				t.Fatalf("line %q is wider than %d or holds control characters", l, width)
			}
		}
	})
}
