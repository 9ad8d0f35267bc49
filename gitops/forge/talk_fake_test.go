package forge

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	discussionsPath = "/projects/7/merge_requests/1/discussions"
	meJSON          = `{"id":5,"username":"bot"}`
	written         = `{"id":9,"body":"Hi <!-- k -->","author":{"id":5},"created_at":"2025-01-02T03:04:05.678Z"}`
	asDiscussion    = `{"id":"abc","notes":[` + written + `]}`
	emptyDiscussion = `{"id":"abc","notes":[]}`
	ofAnother       = `{"id":"abc","notes":[{"id":8,"body":"Quote: <!-- k -->","author":{"id":6}},{"id":7,"system":true,"body":"<!-- k -->","author":{"id":5}}]}`
)

func TestReplyLooksBeforeItRepeats(t *testing.T) {
	t.Parallel()
	bad := answer{status: 502, body: "<html>bad gateway</html>"}
	for _, c := range []struct {
		name    string
		key     string
		posts   []answer
		notes   []answer
		want    int // posts
		id      int64
		problem error
	}{
		{"at once", "<!-- k -->", []answer{{status: 201, body: written}}, nil, 1, 9, nil},
		{"acted, answer lost", "<!-- k -->", []answer{bad}, []answer{{body: asDiscussion}}, 1, 9, nil},
		{"cut, acted", "<!-- k -->", []answer{{cut: true}}, []answer{{body: asDiscussion}}, 1, 9, nil},
		{"not acted", "<!-- k -->", []answer{bad, {status: 201, body: written}}, []answer{{body: emptyDiscussion}}, 2, 9, nil},
		{"another's quote and a system note are not it", "<!-- k -->", []answer{bad, {status: 201, body: written}}, []answer{{body: ofAnother}}, 2, 9, nil},
		{"arrives while we wait", "<!-- k -->", []answer{bad}, []answer{{body: emptyDiscussion}, {body: asDiscussion}}, 1, 9, nil},
		{"limited, not acted", "<!-- k -->", []answer{{status: 429, body: "Retry later"}, {status: 201, body: written}}, nil, 2, 9, nil},
		{"cannot look", "<!-- k -->", []answer{bad}, []answer{{status: 403, body: `{"message":"403 Forbidden"}`}}, 1, 0, ErrUnavailable},
		{"looks at what names no discussion", "<!-- k -->", []answer{bad}, []answer{{body: `{}`}}, 1, 0, ErrUnavailable},
		{"no key", "", []answer{bad}, nil, 1, 0, ErrUnavailable},
		{"forbidden", "<!-- k -->", []answer{{status: 403, body: `{"message":"403 Forbidden"}`}}, nil, 1, 0, ErrForbidden},
		{"never", "<!-- k -->", []answer{bad}, []answer{{body: emptyDiscussion}}, attempts, 0, ErrUnavailable},
	} {
		post, get := "POST "+discussionsPath+"/abc/notes", "GET "+discussionsPath+"/abc"
		f := newFake(t, map[string][]answer{post: c.posts, get: c.notes, "GET /user": {{body: meJSON}}})
		note, err := f.client(t, nil).Reply(ctx(t), 7, 1, "abc", "Hi <!-- k -->", c.key)
		if note.ID != c.id || !errors.Is(err, c.problem) || f.count(post) != c.want {
			t.Errorf("%s: %+v, %v after %d posts, want %d", c.name, note, err, f.count(post), c.want)
		}
	}
}

func TestNotesAreWholeOrNone(t *testing.T) {
	t.Parallel()
	next := map[string]string{"X-Next-Page": "2"}
	f := newFake(t, map[string][]answer{
		"GET " + discussionsPath + "?page=1": {{body: `[{"id":"a","notes":[{"id":1,"body":"x","author":null}]}]`, header: next}},
		"GET " + discussionsPath + "?page=2": {{status: 404, body: `{"message":"404 Not found"}`}, {body: `[{"id":"a","notes":[{"id":1},{"id":2}]}]`, header: map[string]string{"X-Next-Page": ""}}},
	})
	c := f.client(t, nil)
	if notes, err := c.Notes(ctx(t), 7, 1); !errors.Is(err, ErrNotFound) || notes != nil {
		t.Errorf("%+v, %v", notes, err)
	}
	// The list shifted while it was read: a note that comes twice counts once.
	if notes, err := c.Notes(ctx(t), 7, 1); err != nil || len(notes) != 2 || notes[1].ID != 2 || notes[1].DiscussionID != "a" {
		t.Errorf("%+v, %v", notes, err)
	}
}

func TestWhoMayGiveCommands(t *testing.T) {
	t.Parallel()
	member := "GET /projects/7/members/all/3"
	for _, c := range []struct {
		answer  answer
		want    int
		problem error
	}{
		{answer{body: `{"id":3,"state":"active","access_level":40}`}, 40, nil},
		{answer{body: `{"id":3,"state":"active","membership_state":"active","access_level":30}`}, 30, nil},
		{answer{body: `{"id":3,"access_level":30}`}, 30, nil},
		{answer{body: `{"id":3,"state":"blocked","access_level":50}`}, 0, nil},
		{answer{body: `{"id":3,"state":"active","membership_state":"awaiting","access_level":30}`}, 0, nil},
		{answer{status: 404, body: `{"message":"404 Not found"}`}, 0, nil},
		{answer{status: 403, body: `{"message":"403 Forbidden"}`}, 0, ErrForbidden},
		{answer{status: 500}, 0, ErrUnavailable},
	} {
		f := newFake(t, map[string][]answer{member: {c.answer}})
		if level, err := f.client(t, nil).AccessLevel(ctx(t), 7, 3); level != c.want || !errors.Is(err, c.problem) {
			t.Errorf("%s: %d, %v", c.answer.body, level, err)
		}
	}
}

func TestUsersAndBots(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /users": {{body: `[{"id":1,"username":"ann"}]`}, {body: `[{"id":2,"username":"Anna","name":"A","state":"blocked"}]`}},
		"GET /groups/g%2Fsub/members/all": {{body: `[{"id":2,"username":"anna","state":"active","access_level":30},
			{"id":3,"username":"group_12_bot_0a1b","access_level":40},{"id":2,"username":"anna","access_level":30},{"id":4,"username":"project_bot","bot":true}]`}},
	})
	c := f.client(t, nil)
	if _, found, err := c.UserByName(ctx(t), "anna"); found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if u, found, err := c.UserByName(ctx(t), "@anna"); !found || err != nil || u.ID != 2 || u.State != "blocked" {
		t.Errorf("%+v %v, %v", u, found, err)
	}
	if _, found, err := c.UserByName(ctx(t), ""); found || err != nil || f.count("GET /users") != 2 {
		t.Errorf("no name is asked for: %v, %v", found, err)
	}
	users, err := c.GroupMembers(ctx(t), "/g/sub/")
	want := []User{{ID: 2, Username: "anna", State: "active", AccessLevel: 30}, {ID: 3, Username: "group_12_bot_0a1b", Bot: true, AccessLevel: 40}, {ID: 4, Username: "project_bot", Bot: true}}
	if diff := cmp.Diff(want, users); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestRulesOfAProject(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /projects/7/push_rule": {{body: "null"}, {status: 404, body: `{"message":"404 Not found"}`}, {status: 403, body: `{"message":"403 Forbidden"}`},
			{body: `{"id":1,"branch_name_regex":"^x","commit_message_regex":null,"max_file_size":5,"reject_unsigned_commits":true,"commit_committer_check":null}`}},
		"GET /projects/7/protected_branches": {{body: `[{"name":"main","push_access_levels":[{"access_level":60},{"access_level":40,"user_id":5},{"access_level":30,"group_id":null}],
			"merge_access_levels":[{"access_level":0}],"allow_force_push":true},{"name":"release/*"}]`}},
	})
	c := f.client(t, nil)
	for range 2 {
		if _, some, err := c.PushRules(ctx(t), 7); some || err != nil {
			t.Errorf("%v, %v", some, err)
		}
	}
	if _, _, err := c.PushRules(ctx(t), 7); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "read the push rules of project 7") {
		t.Errorf("%v", err)
	}
	if rules, some, err := c.PushRules(ctx(t), 7); !some || err != nil || rules != (PushRules{BranchName: "^x", MaxFileSize: 5, RejectUnsigned: true}) {
		t.Errorf("%+v %v, %v", rules, some, err)
	}
	got, err := c.ProtectedBranches(ctx(t), 7)
	if diff := cmp.Diff([]ProtectedBranch{{Pattern: "main", Push: 30, PushUsers: []int64{5}, ForcePush: true}, {Pattern: "release/*"}}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestIssueWithGaps(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /projects/7/issues/1": {{body: `{"id":11,"iid":1,"project_id":7,"title":"T","description":null,"state":"opened","labels":[],"author":null,"updated_at":null}`}},
		"PUT /projects/7/issues/1": {{status: 403, body: `{"message":"403 Forbidden"}`}},
	})
	c := f.client(t, nil)
	want := Issue{ID: 11, IID: 1, ProjectID: 7, Title: "T", State: Opened, Labels: []string{}, Reference: "project 7#1"}
	got, err := c.Issue(ctx(t), 7, 1)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got, err = c.UpdateIssue(ctx(t), 7, 1, IssueUpdate{}); err != nil || got.ID != 11 || f.count("PUT /projects/7/issues/1") != 0 {
		t.Errorf("an empty update: %+v, %v", got, err)
	}
	_, err = c.UpdateIssue(ctx(t), 7, 1, IssueUpdate{StateEvent: Close})
	if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "Reporter") || !strings.Contains(err.Error(), "update issue project 7#1") {
		t.Errorf("%v", err)
	}
	if _, err := c.UpdateIssue(ctx(t), 7, 1, IssueUpdate{AddLabels: []string{"a,b"}}); err == nil {
		t.Error("a label with a comma is sent")
	}
	if _, err := c.CreateIssue(ctx(t), 7, NewIssue{Title: "T", Description: "text"}, "<!-- k -->"); err == nil || f.count("POST /projects/7/issues") != 0 {
		t.Errorf("a key that is not in the description: %v", err)
	}
}

func TestDryRunWritesNothingAround(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	c := f.client(t, func(config *Config) { config.ReadOnly = true })
	_, note := c.Reply(ctx(t), 7, 1, "abc", "x", "x")
	_, issue := c.CreateIssue(ctx(t), 7, NewIssue{Title: "x", Description: "x"}, "x")
	for _, err := range []error{note, issue, c.BlockMergeRequest(ctx(t), 7, 1, 2)} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("%v", err)
		}
	}
	if len(f.requests) != 0 {
		t.Errorf("%v", f.requests)
	}
}
