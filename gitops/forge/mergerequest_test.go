package forge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	listPath = "GET /projects/7/merge_requests"
	postPath = "POST /projects/7/merge_requests"
)

var proposal = NewMergeRequest{SourceBranch: "tokenward/argocd", TargetBranch: "main", Title: "Harden", Description: "d", Labels: []string{"x", "y z"}, RemoveSourceBranch: true}

func page(next string, rows ...string) answer {
	return answer{body: "[" + strings.Join(rows, ",") + "]", header: map[string]string{"X-Next-Page": next}}
}

func TestMergeRequestsReadsAllPages(t *testing.T) {
	t.Parallel()
	fork := strings.Replace(mrJSON(6, "tokenward/argocd", Opened), `"source_project_id":7`, `"source_project_id":99`, 1)
	f := newFake(t, map[string][]answer{
		listPath + "?page=1": {page("2", mrJSON(1, "tokenward/argocd", Merged), fork, mrJSON(3, "tokenward/argocd", Opened))},
		listPath + "?page=2": {{status: 500}, page("3", mrJSON(3, "tokenward/argocd", Opened), mrJSON(4, "tokenward/argocd-2", Opened))},
		listPath + "?page=3": {page("", mrJSON(2, "tokenward/argocd", Closed))},
	})
	got, err := f.client(t, nil).MergeRequests(ctx(t), 7, "tokenward/argocd")
	if err != nil {
		t.Fatal(err)
	}
	var iids []int64
	for _, mr := range got {
		iids = append(iids, mr.IID)
	}
	if diff := cmp.Diff([]int64{3, 2, 1}, iids); diff != "" {
		t.Error(diff)
	}
	want := MergeRequest{
		ID: 1003, IID: 3, ProjectID: 7, SourceProjectID: 7, WebURL: "https://h/g/p/-/merge_requests/3", Title: "Harden", State: Opened,
		SourceBranch: "tokenward/argocd", TargetBranch: "main", SHA: "abc", Author: User{ID: 5, Username: "bot", Name: "Bot"},
		Labels: []string{"a", "b"}, Reference: "g/p!3", DetailedMergeStatus: "mergeable", CreatedAt: time.Date(2025, 1, 3, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
}

func TestNoPartOfAListIsReturned(t *testing.T) {
	t.Parallel()
	for name, second := range map[string][]answer{
		"forbidden":    {{status: 403}},
		"in trouble":   {{status: 500}},
		"unreadable":   {{body: "["}},
		"goes back":    {page("1", mrJSON(2, "b", Opened))},
		"leaps":        {page("9", mrJSON(2, "b", Opened))},
		"another type": {{body: `{"message":"no"}`}},
	} {
		f := newFake(t, map[string][]answer{listPath + "?page=1": {page("2", mrJSON(1, "b", Opened))}, listPath + "?page=2": second})
		got, err := f.client(t, nil).MergeRequests(ctx(t), 7, "b")
		if err == nil || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestPagesWithoutHeader(t *testing.T) {
	t.Parallel()
	var rows []string
	for i := range perPage {
		rows = append(rows, mrJSON(i%9+1, "b", Closed))
	}
	full := page("", rows...)
	full.header = nil
	short := answer{body: "[]"}
	f := newFake(t, map[string][]answer{listPath + "?page=1": {full}, listPath + "?page=2": {short}})
	if _, err := f.client(t, nil).MergeRequests(ctx(t), 7, "b"); err != nil || len(f.requests) != 2 {
		t.Errorf("%v after %q", err, f.requests)
	}
}

func TestEndlessPages(t *testing.T) {
	t.Parallel()
	scripts := map[string][]answer{}
	for i := 1; i <= maxPages+1; i++ {
		scripts[fmt.Sprintf("%s?page=%d", listPath, i)] = []answer{page(fmt.Sprint(i + 1))}
	}
	f := newFake(t, scripts)
	if _, err := f.client(t, nil).MergeRequests(ctx(t), 7, "b"); err == nil || len(f.requests) != maxPages {
		t.Errorf("%v after %d requests", err, len(f.requests))
	}
}

func TestCreateSendsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{postPath: {{status: 201, body: mrJSON(1, proposal.SourceBranch, Opened)}}})
	n := proposal
	yes := true
	n.Squash, n.AssigneeIDs, n.ReviewerIDs = &yes, []int64{1}, []int64{2, 3}
	got, err := f.client(t, nil).CreateMergeRequest(ctx(t), 7, n)
	if err != nil || got.IID != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := map[string]any{
		"source_branch": "tokenward/argocd", "target_branch": "main", "title": "Harden", "description": "d", "labels": "x,y z",
		"remove_source_branch": true, "squash": true, "assignee_ids": []any{1.0}, "reviewer_ids": []any{2.0, 3.0},
	}
	if diff := cmp.Diff(want, f.bodies[0]); diff != "" {
		t.Error(diff)
	}
}

func TestCreateIsNeverSentTwiceBlindly(t *testing.T) {
	t.Parallel()
	mine := page("", mrJSON(4, proposal.SourceBranch, Opened))
	closed := page("", mrJSON(4, proposal.SourceBranch, Closed))
	created := answer{status: 201, body: mrJSON(5, proposal.SourceBranch, Opened)}
	for name, c := range map[string]struct {
		post, list []answer
		iid        int64
		err        error
		posts      int
	}{
		"conflict, adopted":           {[]answer{{status: 409, body: `{"message":["Another open merge request already exists"]}`}}, []answer{mine}, 4, nil, 1},
		"conflict, nothing found":     {[]answer{{status: 409}}, []answer{closed}, 0, ErrConflict, 1},
		"timeout after it acted":      {[]answer{{status: 504}}, []answer{mine}, 4, nil, 1},
		"cut after it acted":          {[]answer{{cut: true}}, []answer{mine}, 4, nil, 1},
		"unreadable after it acted":   {[]answer{{status: 201, body: "<"}}, []answer{mine}, 4, nil, 1},
		"acted late":                  {[]answer{{status: 504}}, []answer{page(""), mine}, 4, nil, 1},
		"failed before it acted":      {[]answer{{status: 502}, created}, []answer{page("")}, 5, nil, 2},
		"limited":                     {[]answer{{status: 429}, created}, nil, 5, nil, 2},
		"branch not noticed yet":      {[]answer{{status: 400, body: `{"message":"source_branch does not exist"}`}, {status: 400, body: `{"message":["Source branch \"x\" does not exist"]}`}, created}, nil, 5, nil, 3},
		"branch never noticed":        {[]answer{{status: 400, body: `{"error":"source_branch does not exist"}`}}, nil, 0, nil, 5},
		"forbidden":                   {[]answer{{status: 403}}, nil, 0, ErrForbidden, 1},
		"invalid":                     {[]answer{{status: 422}}, nil, 0, nil, 1},
		"in trouble for good":         {[]answer{{status: 500}}, []answer{page("")}, 0, ErrUnavailable, attempts},
		"in trouble, list is, too":    {[]answer{{status: 500}}, []answer{{status: 500}}, 0, ErrUnavailable, 1},
		"cut, then the list is wrong": {[]answer{{cut: true}}, []answer{{status: 403}}, 0, ErrForbidden, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scripts := map[string][]answer{postPath: c.post}
			if c.list != nil {
				scripts[listPath] = c.list
			}
			f := newFake(t, scripts)
			got, err := f.client(t, nil).CreateMergeRequest(ctx(t), 7, proposal)
			if (err == nil) != (c.iid != 0) || got.IID != c.iid || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("!%d, %v", got.IID, err)
			}
			if n := f.count(postPath); n != c.posts {
				t.Errorf("sent %d times, want %d: %q", n, c.posts, f.requests)
			}
		})
	}
}

func TestCreateWaitsForTheBranchLongEnough(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{postPath: {{status: 400, body: `{"message":"source_branch does not exist"}`}}})
	_, err := f.client(t, nil).CreateMergeRequest(ctx(t), 7, proposal)
	var total time.Duration
	for _, d := range f.slept {
		total += d
	}
	if err == nil || len(f.slept) < 4 || total < 15*time.Second {
		t.Errorf("%v after %v", err, f.slept)
	}
}

func TestLabelsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	n := proposal
	n.Labels = []string{"a,b"}
	if _, err := f.client(t, nil).CreateMergeRequest(ctx(t), 7, n); err == nil || len(f.requests) != 0 {
		t.Errorf("%v after %q", err, f.requests)
	}
	if _, err := f.client(t, nil).UpdateMergeRequest(ctx(t), 7, 1, MergeRequestUpdate{AddLabels: []string{" "}}); err == nil || len(f.requests) != 0 {
		t.Errorf("%v after %q", err, f.requests)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	const path = "PUT /projects/7/merge_requests/4"
	f := newFake(t, map[string][]answer{path: {{status: http.StatusBadGateway}, {body: mrJSON(4, "b", Closed)}}})
	title, empty := "T", ""
	got, err := f.client(t, nil).UpdateMergeRequest(ctx(t), 7, 4, MergeRequestUpdate{
		Title: &title, Description: &empty, AddLabels: []string{"x", "y"}, RemoveLabels: []string{"z"}, StateEvent: Close,
	})
	if err != nil || got.State != Closed || f.count(path) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := map[string]any{"title": "T", "description": "", "add_labels": "x,y", "remove_labels": "z", "state_event": "close"}
	if diff := cmp.Diff(want, f.bodies[1]); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsNameTheProjectAndTheRight(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /projects/g%2Fp": {{body: `{"id":7,"path_with_namespace":"g/p"}`}},
		postPath:              {{status: 403, body: `{"message":"403 Forbidden"}`}},
	})
	c := f.client(t, nil)
	if _, err := c.Project(ctx(t), "g/p"); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateMergeRequest(ctx(t), 7, proposal)
	want := "open merge request in g/p: GitLab answers 403 Forbidden (the token needs the scope api and its user at least the role Developer in this project)"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}
