package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tokenward/bot/webhook"
)

// webhookTable is the README's table of events.
func webhookTable() string {
	var out strings.Builder
	out.WriteString("| event | looks again at |\n|---|---|\n")
	for _, w := range webhook.Works() {
		fmt.Fprintf(&out, "| %s | %s |\n", w.Event, w.Leads)
	}
	return out.String()
}

// hooks runs a hooks command on the platform and checks that it shows no secret.
func (p *platform) hooks(token string, args ...string) (int, string) {
	p.t.Helper()
	code, out, errs := p.run(token, append([]string{"hooks"}, args...)...)
	if all := out + errs; strings.Contains(all, "s3cret-of-hooks") || strings.Contains(all, "whsec_") {
		p.t.Errorf("%v prints a secret: %s", args, all)
	}
	return code, out + errs
}

// TestHooksAreInstalledOnce sets hooks up, looks, sets them up again, lets a person
// break one, and mends it.
func TestHooksAreInstalledOnce(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var calls atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Gitlab-Token") == "s3cret-of-hooks" && r.Header.Get("Webhook-Signature") != "" {
			calls.Add(1)
		}
	}))
	t.Cleanup(service.Close)
	key := filepath.Join(t.TempDir(), "key")
	p.must(os.WriteFile(key, []byte("whsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))+"\n"), 0o600))
	p.environment = map[string]string{
		"TOKENWARD_WEBHOOKS_URL": service.URL + "/webhooks/gitlab", "TOKENWARD_WEBHOOK_SECRET": "s3cret-of-hooks",
		"TOKENWARD_WEBHOOKS_SIGNING_KEY_FILES": key, "TOKENWARD_ISSUES_DASHBOARD": "true",
	}
	p.box.box.ResetRequests()
	if code, out := p.hooks(maintainer, "status"); code != exitFindings || !strings.Contains(out, "platform/umbrella: missing: it has no hook") || strings.Contains(out, "FAILED") {
		t.Errorf("status before: %d %s", code, out)
	}
	if code, out := p.hooks(maintainer, "install", "--dry-run"); code != exitOK || !strings.Contains(out, "platform/umbrella: would be created") || len(p.writes()) != 0 {
		t.Errorf("dry run: %d %s %v", code, out, p.writes())
	}
	code, out := p.hooks(maintainer, "install")
	lines := strings.Count(out, ": created")
	if code != exitOK || lines < 3 || !strings.Contains(out, "platform/umbrella: created") || !strings.Contains(out, certkeeperProject+": created") {
		t.Fatalf("install: %d %s", code, out)
	}
	p.box.box.ResetRequests()
	if code, out := p.hooks(maintainer, "install"); code != exitOK || strings.Count(out, ": unchanged") != lines || len(p.writes()) != 0 {
		t.Errorf("install again: %d %s %v", code, out, p.writes())
	}
	p.packageMain(map[string]string{"x": "1\n"})
	p.must(p.box.box.WaitDeliveries(t.Context()))
	if calls.Load() == 0 {
		t.Error("a push is not heard of with both secrets")
	}
	if code, out := p.hooks(maintainer, "status"); code != exitOK || strings.Count(out, "executable") != lines || !strings.Contains(out, "push_hooks 200") || !strings.Contains(out, "no deliveries yet") {
		t.Errorf("status: %d %s", code, out)
	}
	made := p.box.box.Deliveries()[0]
	p.apiAs(maintainer, "PUT", fmt.Sprintf("projects/%s/hooks/%d", strings.ReplaceAll(made.Project, "/", "%2F"), made.HookID), `{"note_events":false,"job_events":true}`)
	if code, out := p.hooks(maintainer, "status"); code != exitFindings || !strings.Contains(out, made.Project+": executable; job_events is true; note_events is false") {
		t.Errorf("status of a broken hook: %d %s", code, out)
	}
	if code, out := p.hooks(maintainer, "install"); code != exitOK || strings.Count(out, ": changed") != 1 || !strings.Contains(out, made.Project+": changed; job_events is true; note_events is false") {
		t.Errorf("mending: %d %s", code, out)
	}
	if code, out := p.hooks(maintainer, "install", "--secrets"); code != exitOK || strings.Count(out, "changed; the secrets are set again") != lines {
		t.Errorf("rotation: %d %s", code, out)
	}
	p.apiAs(maintainer, "POST", "projects/"+strings.ReplaceAll(made.Project, "/", "%2F")+"/hooks", fmt.Sprintf(`{"url":%q}`, service.URL+"/webhooks/gitlab"))
	const tooMany = "1 further hook with the same address"
	if code, out := p.hooks(maintainer, "status"); code != exitFindings || !strings.Contains(out, tooMany) || strings.Contains(out, "FAILED") {
		t.Errorf("status of a hook that is there twice: %d %s", code, out)
	}
	if code, out := p.hooks(maintainer, "install"); code != exitFailed || !strings.Contains(out, "FAILED "+made.Project+": "+tooMany) {
		t.Errorf("mending a hook that is there twice: %d %s", code, out)
	}
	if code, out := p.hooks(developer, "status"); code != exitFailed || strings.Count(out, "must be a Maintainer") != lines {
		t.Errorf("status as a developer: %d %s", code, out)
	}
	if code, out := p.hooks(developer, "install"); code != exitFailed || strings.Count(out, "must be a Maintainer") != lines {
		t.Errorf("as a developer: %d %s", code, out)
	}
}

func TestHooksThatCannotBeSetUp(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for want, args := range map[string][]string{
		"set webhooks.url":    {"install"},
		"no secret of":        {"install", "--url", "http://127.0.0.1:1/webhooks/gitlab"},
		"without credentials": {"status", "--url", "http://a:b@127.0.0.1:1/"},
	} {
		if code, out := p.hooks(maintainer, args...); code != exitUsage || !strings.Contains(out, want) || strings.Contains(out, "a:b") {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
	p.environment = map[string]string{"TOKENWARD_WEBHOOK_SECRET": "s3cret-of-hooks"}
	if code, out := p.hooks(maintainer, "install", "--url", "http://127.0.0.1:1/webhooks/gitlab", "--group", "platform"); code != exitFailed || !strings.Contains(out, "FAILED platform: ") || !strings.Contains(out, "or Owner in the group)") {
		t.Errorf("a group without its owner: %d %s", code, out)
	}
}
