package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xanzy/go-gitlab"
)

// receiver is somebody's webhook endpoint.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	header []http.Header
	bodies [][]byte
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.header, r.bodies = append(r.header, req.Header), append(r.bodies, body)
	}))
	t.Cleanup(r.Close)
	return r
}

// hook makes the umbrella send all its events to r.
func (b *bundle) hook(r *receiver, more string) {
	b.t.Helper()
	events := `"push_events":true,"tag_push_events":true,"merge_requests_events":true,"note_events":true,"issues_events":true,"confidential_issues_events":true`
	code, body := b.call("POST", "/api/v4/projects/1/hooks", "sandbox-maintainer", `{"url":"`+r.URL+`",`+events+more+`}`)
	if code != http.StatusCreated {
		b.t.Fatalf("%d %s", code, body)
	}
}

// heard returns the events that were delivered, in words.
func (b *bundle) heard(r *receiver) (all []string) {
	b.t.Helper()
	if err := b.WaitDeliveries(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, body := range r.bodies {
		event, err := gitlab.ParseHook(gitlab.EventType(r.header[n].Get("X-Gitlab-Event")), body)
		if err != nil {
			b.t.Fatalf("%v\n%s", err, body)
		}
		word := ""
		switch e := event.(type) {
		case *gitlab.PushEvent:
			word = strings.Join([]string{"push", e.Ref, e.UserUsername, e.Before[:1], e.After[:1]}, " ")
		case *gitlab.TagEvent:
			word = "tag " + e.Ref
		case *gitlab.MergeEvent:
			word = "merge request " + e.ObjectAttributes.Action + " by " + e.User.Username
			if e.ObjectAttributes.OldRev != "" {
				word += " with commits"
			}
			if e.Changes.Title.Current != "" {
				word += " with title " + e.Changes.Title.Current
			}
		case *gitlab.MergeCommentEvent:
			word = "note " + e.ObjectAttributes.Note + " on " + e.MergeRequest.SourceBranch
		case *gitlab.IssueCommentEvent:
			word = "note " + e.ObjectAttributes.Note + " on issue " + e.Issue.Title
		case *gitlab.IssueEvent:
			word = "issue " + e.ObjectAttributes.Action + " " + e.ObjectAttributes.State
		default:
			word = string(body)
		}
		all = append(all, word)
	}
	return all
}

func TestEveryEventIsDelivered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	r := receive(t)
	b.hook(r, "")
	runGit(t, dir, "checkout", "--quiet", "-b", "topic")
	change(t, dir, "values.yaml", "a: 2\n")
	runGit(t, dir, "push", "--quiet", "origin", "topic")
	b.open("topic")
	change(t, dir, "other.yaml", "a: 3\n")
	runGit(t, dir, "tag", "v1")
	runGit(t, dir, "push", "--quiet", "origin", "topic", "v1")
	project := "/api/v4/projects/1"
	for _, c := range []struct{ method, path, token, body string }{
		{"PUT", "/merge_requests/1", "sandbox-maintainer", `{"title":"Better"}`},
		{"PUT", "/merge_requests/1", "sandbox-maintainer", `{"title":"Better"}`}, // no change, no event
		{"PUT", "/merge_requests/1", "sandbox-maintainer", `{"state_event":"close"}`},
		{"PUT", "/merge_requests/1", "sandbox-developer", `{"state_event":"reopen"}`},
		{"POST", "/merge_requests/1/notes", "sandbox-maintainer", `{"body":"/tokenward rescan"}`},
		{"POST", "/merge_requests/1/approve", "sandbox-maintainer", ``},
		{"POST", "/merge_requests/1/unapprove", "sandbox-maintainer", ``},
		{"POST", "/issues", "sandbox-developer", `{"title":"Dashboard"}`},
		{"POST", "/issues/1/notes", "sandbox-developer", `{"body":"Hm"}`},
		{"PUT", "/issues/1", "sandbox-developer", `{"description":"- [x] rescan","state_event":"close"}`},
		{"PUT", "/merge_requests/1/merge", "sandbox-maintainer", `{"should_remove_source_branch":true}`},
	} {
		if code, body := b.call(c.method, project+c.path, c.token, c.body); code >= 300 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, code, body)
		}
	}
	want := []string{
		"push refs/heads/topic sandbox-developer 0 " + b.MergeRequests()[0].SHA[:1],
		"merge request open by sandbox-developer",
		"push refs/heads/topic sandbox-developer",
		"merge request update by sandbox-developer with commits",
		"tag refs/tags/v1",
		"merge request update by sandbox-maintainer with title Better",
		"merge request close by sandbox-maintainer",
		"merge request reopen by sandbox-developer",
		"note /tokenward rescan on topic",
		"merge request approved by sandbox-maintainer",
		"merge request unapproved by sandbox-maintainer",
		"issue open opened",
		"note Hm on issue Dashboard",
		"issue update opened",
		"issue close closed",
		"merge request merge by sandbox-maintainer",
		"push refs/heads/main sandbox-maintainer",
		"push refs/heads/topic sandbox-maintainer",
	}
	got := b.heard(r)
	for n := range got { // commits differ from run to run
		if n < len(want) && strings.HasPrefix(got[n], "push ") {
			want[n], got[n] = strings.Join(strings.Fields(want[n])[:3], " "), strings.Join(strings.Fields(got[n])[:3], " ")
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if made := b.Deliveries(); len(made) != len(want) || made[0].Status != 200 || made[0].Event != "Push Hook" || made[0].Project != umbrella {
		t.Errorf("%d deliveries, the first is %+v", len(made), made[0])
	}
}

func TestRedelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := receive(t)
	b.hook(r, "")
	b.commit("main", map[string]string{"x": "1\n"})
	b.heard(r)
	b.Redeliver(b.Deliveries()[0])
	b.heard(r)
	if len(r.bodies) != 2 || string(r.bodies[0]) != string(r.bodies[1]) || r.header[0].Get("Idempotency-Key") != r.header[1].Get("Idempotency-Key") ||
		r.header[0].Get("X-Gitlab-Webhook-UUID") == r.header[1].Get("X-Gitlab-Webhook-UUID") {
		t.Errorf("%v", r.header)
	}
}

func TestPushPayload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := receive(t)
	b.hook(r, "")
	before := runGit(t, b.dir, "--git-dir="+umbrella+".git", "rev-parse", "main")
	after := b.commit("main", map[string]string{"new.yaml": "a: 1\n", "README.md": "# New\n"})
	b.heard(r)
	var got map[string]any
	if err := json.Unmarshal(r.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	project := got["project"].(map[string]any)
	commit := got["commits"].([]any)[0].(map[string]any)
	words := []any{got["object_kind"], got["ref"], got["before"], got["after"], got["checkout_sha"], got["total_commits_count"], got["user_id"],
		project["path_with_namespace"], project["default_branch"], project["id"], commit["id"], commit["added"], commit["modified"], commit["title"]}
	want := []any{"push", "refs/heads/main", before, after, after, 1.0, 1.0, umbrella, "main", 1.0, after, []any{"new.yaml"}, []any{"README.md"}, "Change main"}
	if diff := cmp.Diff(want, words); diff != "" {
		t.Error(diff)
	}
}

func TestHookHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := []byte("0123456789abcdef0123456789abcdef")
	plain, signed := receive(t), receive(t)
	b.hook(plain, "")
	b.hook(signed, `,"token":"s3cret","signing_token":"whsec_`+base64.StdEncoding.EncodeToString(key)+`"`)
	b.commit("main", map[string]string{"x": "1\n"})
	b.heard(plain)
	h, body := signed.header[0], signed.bodies[0]
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
	mac.Write(body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.Get("webhook-signature") != want {
		t.Errorf("signature %q, want %q", h.Get("webhook-signature"), want)
	}
	if h.Get("X-Gitlab-Token") != "s3cret" || h.Get("Idempotency-Key") == "" || h.Get("Idempotency-Key") != h.Get("webhook-id") ||
		h.Get("X-Gitlab-Instance") != b.url || !strings.HasPrefix(h.Get("User-Agent"), "GitLab/") || h.Get("Content-Type") != "application/json" {
		t.Errorf("%v", h)
	}
	other := plain.header[0]
	if other.Get("X-Gitlab-Token") != "" || other.Get("webhook-signature") != "" || other.Get("webhook-id") == h.Get("webhook-id") {
		t.Errorf("%v", other)
	}
	if other.Get("X-Gitlab-Event-UUID") != h.Get("X-Gitlab-Event-UUID") || other.Get("X-Gitlab-Webhook-UUID") == h.Get("X-Gitlab-Webhook-UUID") {
		t.Error("the event is one, its deliveries are two")
	}
	_, list := b.call("GET", "/api/v4/projects/1/hooks", "sandbox-maintainer", "")
	if strings.Contains(list, "s3cret") || strings.Contains(list, "whsec_") || !strings.Contains(list, `"signing_token_present":true`) {
		t.Error(list)
	}
}

func TestHooksThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hooks := "/api/v4/projects/1/hooks"
	for _, c := range []struct {
		token, body string
		want        int
	}{
		{"sandbox-developer", `{"url":"http://127.0.0.1:1/"}`, 403},
		{"sandbox-maintainer", `{}`, 400},
		{"sandbox-maintainer", `{"url":"http://192.0.2.1/"}`, 422},
		{"sandbox-maintainer", `{"url":"http://hooks.example.com/"}`, 422},
		{"sandbox-maintainer", `{"url":"http://127.0.0.1.example.com/"}`, 422},
		{"sandbox-maintainer", `{"url":"file:///etc/passwd"}`, 422},
		{"sandbox-maintainer", `{"url":"http://[::1]:1/","signing_token":"whsec_short"}`, 422},
		{"sandbox-maintainer", `{"url":"http://[::1]:1/","nonsense":true}`, 501},
		{"sandbox-maintainer", `{"url":"http://[::1]:1/","push_events_branch_filter":"(","branch_filter_strategy":"regex"}`, 422},
		{"sandbox-maintainer", `{"url":"http://[::ffff:127.0.0.1]:1/"}`, 201},
	} {
		if code, body := b.call("POST", hooks, c.token, c.body); code != c.want {
			t.Errorf("%s answers %d %s, want %d", c.body, code, body, c.want)
		}
	}
	// Nobody listens there: the delivery fails, and nothing else does.
	b.commit("main", map[string]string{"x": "1\n"})
	if err := b.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if made := b.Deliveries(); len(made) != 1 || made[0].Status != 0 || made[0].Problem == "" {
		t.Errorf("%+v", made)
	}
	if err := loopbackOnly("tcp", "192.0.2.1:80", nil); err == nil {
		t.Error("another machine is dialled")
	}
}

func TestHooksChangeAndGo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := receive(t)
	b.hook(r, `,"push_events_branch_filter":"release/*"`)
	b.commit("main", map[string]string{"x": "1\n"})
	b.commit("release/1", map[string]string{"x": "2\n"})
	if got := b.heard(r); len(got) != 1 || !strings.HasPrefix(got[0], "push refs/heads/release/1") {
		t.Errorf("%q", got)
	}
	id := strings.Split(strings.SplitN(func() string { _, l := b.call("GET", "/api/v4/projects/1/hooks", "sandbox-maintainer", ""); return l }(), `"id":`, 2)[1], ",")[0]
	path := "/api/v4/projects/1/hooks/" + id
	if code, body := b.call("PUT", path, "sandbox-maintainer", `{"push_events":false}`); code != 200 || !strings.Contains(body, `"merge_requests_events":true`) {
		t.Errorf("%d %s", code, body)
	}
	b.commit("release/1", map[string]string{"x": "3\n"})
	if got := b.heard(r); len(got) != 1 {
		t.Errorf("%q", got)
	}
	if code, _ := b.call("DELETE", path, "sandbox-maintainer", ""); code != 204 {
		t.Errorf("deleting answers %d", code)
	}
	if code, _ := b.call("GET", path, "sandbox-maintainer", ""); code != 404 {
		t.Errorf("reading a deleted hook answers %d", code)
	}
}

func TestLargePushesAreSilent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	r := receive(t)
	b.hook(r, "")
	runGit(t, dir, "push", "--quiet", "origin", "HEAD:refs/heads/a", "HEAD:refs/heads/b", "HEAD:refs/heads/c", "HEAD:refs/heads/d")
	runGit(t, dir, "push", "--quiet", "origin", "HEAD:refs/heads/e")
	if got := b.heard(r); len(got) != 1 || !strings.HasPrefix(got[0], "push refs/heads/e") {
		t.Errorf("%q", got)
	}
}
