package forge

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestToken(t *testing.T) {
	t.Parallel()
	day := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		answer answer
		want   TokenInfo
		told   bool
		fails  bool
	}{
		"with an end":             {answer{body: `{"id":4,"name":"bot","revoked":false,"scopes":["api"],"active":true,"expires_at":"2025-03-01"}`}, TokenInfo{"bot", []string{"api"}, day}, true, false},
		"without an end":          {answer{body: `{"id":4,"name":"bot","scopes":["read_api"],"expires_at":null}`}, TokenInfo{Name: "bot", Scopes: []string{"read_api"}}, true, false},
		"an old server":           {answer{status: 404, body: `{"error":"404 Not Found"}`}, TokenInfo{}, false, false},
		"a job's token":           {answer{status: 400, body: `{"message":"400 Bad request - This endpoint requires token type to be a personal access token"}`}, TokenInfo{}, false, false},
		"not for its scopes":      {answer{status: 403, body: `{"error":"insufficient_scope"}`}, TokenInfo{}, false, false},
		"a day that is no day":    {answer{body: `{"name":"bot","expires_at":"soon"}`}, TokenInfo{}, false, true},
		"a token that is no more": {answer{status: 401, body: `{"message":"401 Unauthorized"}`}, TokenInfo{}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, map[string][]answer{"GET /personal_access_tokens/self": {tc.answer}})
			got, told, err := f.client(t, nil).Token(ctx(t))
			if diff := cmp.Diff(tc.want, got); diff != "" || told != tc.told || (err != nil) != tc.fails {
				t.Errorf("told %v, %v (-want +got):\n%s", told, err, diff)
			}
		})
	}
}

// TestProtectedBranchLetsPush: a level, or a name in the settings.
func TestProtectedBranchLetsPush(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{"GET /projects/7/protected_branches": {{body: `[{"name":"bot/*","push_access_levels":[
		{"access_level":40},{"access_level":40,"user_id":5},{"access_level":40,"group_id":9}],"merge_access_levels":[],"allow_force_push":true}]`}}})
	rules, err := f.client(t, nil).ProtectedBranches(ctx(t), 7)
	want := []ProtectedBranch{{Pattern: "bot/*", Push: Maintainer, PushUsers: []int64{5}, PushGroups: []int64{9}, ForcePush: true}}
	if diff := cmp.Diff(want, rules); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	r := rules[0]
	if !r.Protects("bot/a/b") || r.Protects("bots") || !r.LetsPush(Maintainer, 1) || r.LetsPush(Developer, 1) || !r.LetsPush(Developer, 5) {
		t.Errorf("%+v is read wrongly", r)
	}
}

func TestProtects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, branch string
		want            bool
	}{
		{"main", "main", true}, {"main", "main2", false}, {"*", "any/thing", true}, {"*", "", true}, {"", "", true}, {"", "a", false},
		{"release/*-lts", "release/1-lts", true}, {"release/*-lts", "release/-lts", true}, {"release/*-lts", "release/lts", false},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"a*b*c", "abc", true}, {"**-x", "a-x", true}, {"*ab", "aab", true},
		{"a*a", "a", false}, {"a?", "a", false}, {strings.Repeat("*a", 60) + "*b", strings.Repeat("a", 120), false},
	} {
		if got := (ProtectedBranch{Pattern: tc.pattern}).Protects(tc.branch); got != tc.want {
			t.Errorf("%q protects %q: %t, want %t", tc.pattern, tc.branch, got, tc.want)
		}
	}
}
