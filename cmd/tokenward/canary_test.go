package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// echo stands before the sandbox and refuses what would write to the project's
// packages, with all that the request was trusted with in its answer: the worst
// server that a secret can be sent to.
func echo(t *testing.T, p *platform, refuse func(*http.Request) bool) {
	t.Helper()
	target, err := url.Parse(p.box.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refuse(r) {
			proxy.ServeHTTP(w, r)
			return
		}
		token := r.Header.Get("Private-Token")
		if _, password, ok := r.BasicAuth(); ok {
			token = password
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		answer, _ := json.Marshal(map[string]string{"message": fmt.Sprintf("no: %s, %s, %s, %s \x1b[31m", token, url.QueryEscape(token),
			base64.StdEncoding.EncodeToString([]byte("oauth2:"+token)), r.Header.Get("Authorization"))})
		w.Write(answer)
	}))
	t.Cleanup(server.Close)
	p.box.box.SetURL(server.URL)
	p.box.url = server.URL
}

// TestNoSecretIsShown plants secrets wherever the program takes them, lets the server
// echo what it gets, and looks for them in everything that people and machines read.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	const state, passphrase, planted = "canary-of-the-state-key", "canary-of-the-passphrase", "glpat-canary0123456789"
	for _, c := range []struct {
		name, format string
		refuse       func(*http.Request) bool
	}{
		{"api", "json", func(r *http.Request) bool {
			return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/merge_requests")
		}},
		{"git", "text", func(r *http.Request) bool { return strings.Contains(r.URL.RequestURI(), "git-receive-pack") }},
		{"all", "json", func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }},
		{"nothing", "text", func(*http.Request) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "api" {
				t.Skip("one way is tried in short runs")
			}
			t.Parallel()
			p := newRenderingPlatform(t)
			echo(t, p, c.refuse)
			p.environment = map[string]string{"TOKENWARD_STATE_KEY": state, "TOKENWARD_SIGNING_PASSPHRASE": passphrase, "TOKENWARD_SSH_PASSPHRASE": passphrase}
			values := filepath.Join(t.TempDir(), "values.yaml")
			if err := os.WriteFile(values, []byte("registryCredentials: {username: x, password: "+planted+"}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, stdout, stderr := p.run(developer, "propose", "--log-level", "debug", "--log-format", c.format, "--values", values)
			if !strings.Contains(stderr, "run ended") {
				t.Errorf("nothing was logged: %s", stderr)
			}
			if c.name != "nothing" && !strings.Contains(stdout+stderr, "[redacted]") {
				t.Errorf("the echo came through nowhere:\n%s\n%s", stdout, stderr)
			}
			texts := map[string]string{"stdout": stdout, "stderr": stderr}
			for _, m := range p.box.box.MergeRequests() {
				texts[m.Project+" text"] = m.Title + m.Description
				texts[m.Project+" commits"] = p.git(m.Project, "log", "--format=%s%b", m.SourceBranch) + p.git(m.Project, "diff", "main..."+m.SourceBranch)
			}
			for where, text := range texts {
				for _, secret := range []string{developer, state, passphrase, planted, base64.StdEncoding.EncodeToString([]byte("oauth2:" + developer)), "\x1b[31m"} {
					if strings.Contains(text, secret) {
						t.Errorf("%s holds %q:\n%s", where, secret, text)
					}
				}
			}
		})
	}
}

// A run says once per outcome what came of it, with keys that stay.
func TestLogHasALinePerOutcome(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	_, _, stderr := p.run(developer, "propose", "--log-level", "info", "--log-format", "json")
	seen := map[string]int{}
	for line := range strings.Lines(stderr) {
		var record map[string]any
		if json.Unmarshal([]byte(line), &record) != nil {
			continue
		}
		what := fmt.Sprint(record["msg"])
		seen[what]++
		for key, of := range map[string]string{"project": "merge request", "mr": "merge request", "branch": "merge request", "unit": "unit", "release": "release", "result": "run", "umbrella": ""} {
			if _, ok := record[key]; strings.HasPrefix(what, of) && !ok {
				t.Errorf("%s lacks the key %s: %s", what, key, line)
			}
		}
	}
	if made := len(p.box.box.MergeRequests()); seen["merge request created"] != made || made == 0 || seen["run ended"] != 1 || seen["release not analysed"] != 1 || seen["unit blocked"] != 1 {
		t.Errorf("%d requests were made, and logged is %v:\n%s", made, seen, stderr)
	}
}
