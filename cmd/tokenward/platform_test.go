package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tokenward/analysis"
	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// platform is the sample platform behind a sandbox of its own.
type platform struct {
	t   *testing.T
	dir string
	box *runningSandbox
	// environment is given to the program beside the server and the token.
	environment map[string]string
	now         func() time.Time    // nil: the real clock
	renderer    analysis.Renderer   // nil: the program's own
	patience    time.Duration       // with the server, 0: the program's own
	sleep       func(time.Duration) // nil: nobody waits
	umbrella    string              // the umbrella's project, "": platform/umbrella
	host        string              // what the umbrella's URLs begin with, "": those of the samples
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{t: t, dir: t.TempDir(), renderer: sampleRenderer()}
	p.layout()
	p.serve(sampleMemory())
	return p
}

// serve starts the sandbox over the platform's repositories.
func (p *platform) serve(memory *sandbox.Memory) {
	p.t.Helper()
	box, err := startSandbox(p.dir, "127.0.0.1:0", memory)
	p.must(err)
	p.box = box
	p.t.Cleanup(func() {
		if err := box.close(); err != nil {
			p.t.Error(err)
		}
	})
}

// newRenderingPlatform is one on which the program renders as it does for its users.
func newRenderingPlatform(t *testing.T) *platform {
	t.Helper()
	p := newPlatform(t)
	p.renderer = nil
	return p
}

// run runs the program as the token's user on the platform.
func (p *platform) run(token string, args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, errs bytes.Buffer
	umbrella, host := cmp.Or(p.umbrella, "platform/umbrella"), cmp.Or(p.host, sampleHost)
	args = append(args, "--umbrella", host+umbrella+".git", "--git-instead-of", host+"="+p.box.url+"/")
	environ := func(key string) string {
		if v, ok := p.environment[key]; ok {
			return v
		}
		return map[string]string{"TOKENWARD_GITLAB_TOKEN": token, "TOKENWARD_GITLAB_URL": p.box.url}[key]
	}
	code = runIn(args, &surroundings{stdout: &out, stderr: &errs, environ: environ, now: p.now, renderer: p.renderer, patience: p.patience,
		sleep: p.wait})
	if token != "" && (strings.Contains(out.String(), token) || strings.Contains(errs.String(), token)) {
		p.t.Errorf("%v prints the token", args)
	}
	return code, out.String(), errs.String()
}

// wait is what the program does instead of sleeping.
func (p *platform) wait(ctx context.Context, d time.Duration) error {
	if p.sleep != nil {
		p.sleep(d)
	}
	return ctx.Err()
}

func (p *platform) propose(token string, args ...string) (int, *bot.ProposeReport) {
	p.t.Helper()
	code, out, errs := p.run(token, append([]string{"propose", "--format", "json"}, args...)...)
	var r bot.ProposeReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		p.t.Fatalf("propose: exit code %d, %v\n%s\n%s", code, err, out, errs)
	}
	return code, &r
}

// writes lists the requests that changed something on the server since the last reset.
func (p *platform) writes() []string {
	var out []string
	for _, r := range p.box.box.Requests() {
		if r.Method != "GET" && !strings.HasSuffix(r.Path, "/git-upload-pack") {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}

// api calls the sandbox as a developer who uses no client of ours.
func (p *platform) api(method, path, body string) {
	p.t.Helper()
	p.apiAs(developer, method, path, body)
}

// apiAs is api for any token's user.
func (p *platform) apiAs(token, method, path, body string) {
	p.t.Helper()
	if status := p.tryAs(token, method, path, body); status >= 300 {
		p.t.Fatalf("%s %s: status %d", method, path, status)
	}
}

// tryAs is apiAs for a call that may be refused: it returns the status.
func (p *platform) tryAs(token, method, path, body string) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.box.url+"/api/v4/"+path, strings.NewReader(body))
	p.must(err)
	req.Header.Set("PRIVATE-TOKEN", token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	p.must(resp.Body.Close())
	return resp.StatusCode
}
