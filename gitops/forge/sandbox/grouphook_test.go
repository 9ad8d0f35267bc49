package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func ownerToo(c *Config) {
	c.Tokens = append(c.Tokens, Token{Value: "owner-secret", Username: "olga", Access: Owner})
}

// TestGroupAndProjectHooks gives a group and its project a hook each: both hear of an
// event, as of one.
func TestGroupAndProjectHooks(t *testing.T) {
	t.Parallel()
	b := setup(t, ownerToo)
	r := receive(t)
	body := `{"url":"` + r.URL + `","push_events":true,"token":"s3cret"}`
	for token, want := range map[string]int{"sandbox-maintainer": 403, "": 401, "owner-secret": 201} {
		if code, text := b.call("POST", "/api/v4/groups/platform/hooks", token, body); code != want || strings.Contains(text, "s3cret") {
			t.Errorf("%s answers %d %s, want %d", token, code, text, want)
		}
	}
	if code, _ := b.call("GET", "/api/v4/groups/nowhere/hooks", "owner-secret", ""); code != 404 {
		t.Errorf("an unknown group answers %d", code)
	}
	b.hook(r, "")
	b.commit("main", map[string]string{"x": "1\n"})
	if got := b.heard(r); len(got) != 2 || string(r.bodies[0]) != string(r.bodies[1]) ||
		r.header[0].Get("X-Gitlab-Event-UUID") != r.header[1].Get("X-Gitlab-Event-UUID") || r.header[0].Get("Webhook-Id") == r.header[1].Get("Webhook-Id") {
		t.Errorf("%q %v", got, r.header)
	}
	var list []struct {
		ID int
	}
	_, text := b.call("GET", "/api/v4/groups/platform/hooks", "owner-secret", "")
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
		t.Fatalf("%s %v", text, err)
	}
	path := fmt.Sprintf("/api/v4/groups/platform/hooks/%d", list[0].ID)
	if code, text := b.call("GET", path+"/events", "owner-secret", ""); code != 200 || strings.Contains(text, "s3cret") ||
		!strings.Contains(text, `"trigger":"push_hooks"`) || !strings.Contains(text, `"response_status":"200"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := b.call("PUT", path, "owner-secret", `{"push_events":false}`); code != 200 || !strings.Contains(text, `"push_events":false`) {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := b.call("DELETE", path, "owner-secret", ""); code != 204 {
		t.Errorf("deleting answers %d", code)
	}
}

// TestFailingHooksAreSwitchedOff lets a receiver fail until GitLab pauses the hook,
// and come back.
func TestFailingHooksAreSwitchedOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	b := setup(t, func(c *Config) { c.DisableHooks, c.Now = true, func() time.Time { return now } })
	gone := receive(t)
	gone.Close()
	b.hook(gone, "")
	state := func() string {
		_, text := b.call("GET", "/api/v4/projects/1/hooks", "sandbox-maintainer", "")
		var list []struct {
			Alert string `json:"alert_status"`
			Until string `json:"disabled_until"`
		}
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
			t.Fatalf("%s %v", text, err)
		}
		return strings.TrimSpace(list[0].Alert + " " + list[0].Until)
	}
	push := func(n int) {
		b.commit("main", map[string]string{"x": fmt.Sprint(n)})
		if err := b.WaitDeliveries(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range failuresToPause {
		if got := state(); got != "executable" {
			t.Errorf("after %d failures it is %s", n, got)
		}
		push(n)
	}
	if got := state(); got != "temporarily_disabled 2025-03-01T12:01:00.000Z" {
		t.Error(got)
	}
	push(100)
	if n := len(b.Deliveries()); n != failuresToPause {
		t.Errorf("%d deliveries, though the hook is off", n)
	}
	now = now.Add(2 * time.Minute)
	if push(101); state() != "temporarily_disabled 2025-03-01T12:04:00.000Z" {
		t.Errorf("%s after %d deliveries", state(), len(b.Deliveries()))
	}
}
