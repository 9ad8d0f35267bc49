package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokenThatCannotBeRead holds that nobody reads without the token that the configuration names,
// as if there were none: what only reads says as well that the configuration is wrong.
func TestTokenThatCannotBeRead(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	missing := filepath.Join(t.TempDir(), "missing")
	for want, environment := range map[string]map[string]string{
		"read gitlab.tokenFile: open " + missing:                    {"TOKENWARD_GITLAB_TOKEN_FILE": missing},
		"read gitlab.tokens for platform/umbrella: open " + missing: {"TOKENWARD_GITLAB_TOKENS": "platform=" + missing},
	} {
		p.environment = environment
		for _, command := range []string{"scan", "explain bulletin", "propose --dry-run", "propose"} {
			p.box.box.ResetRequests()
			code, out, errs := p.run("", strings.Fields(command)...)
			if code != exitUsage || out != "" || !strings.Contains(errs, want) {
				t.Errorf("%s: exit code %d, want %d and %s\n%s%s", command, code, exitUsage, want, out, errs)
			}
			if asked := p.box.box.Requests(); len(asked) > 0 {
				t.Errorf("%s asks without the token: %v", command, asked)
			}
		}
	}
}

// A file of a secret that is missing or empty is a wrong configuration, and named.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct{ command, variable, file, want string }{
		{"propose", "TOKENWARD_GITLAB_TOKEN_FILE", empty, "config: read gitlab.tokenFile: " + empty + " is empty"},
		{"propose", "TOKENWARD_GITLAB_TOKEN_FILE", missing, "config: read gitlab.tokenFile: open " + missing},
		{"serve", "TOKENWARD_GITLAB_TOKEN_FILE", empty, "config: read gitlab.tokenFile: " + empty + " is empty"},
		{"scan", "TOKENWARD_MERGE_REQUESTS_STATE_KEY_FILE", missing, "config: read mergeRequests.stateKeyFile: open " + missing},
		{"scan", "TOKENWARD_MERGE_REQUESTS_STATE_KEY_FILE", empty, "config: read mergeRequests.stateKeyFile: " + empty + " is empty"},
	} {
		environment := map[string]string{"TOKENWARD_GITLAB_URL": "http://127.0.0.1:1", "TOKENWARD_CACHE_DIR": "off", "TOKENWARD_STORE": "sqlite://" + filepath.Join(t.TempDir(), "store.db"), c.variable: c.file}
		var out bytes.Buffer
		code := run([]string{c.command, "--umbrella", t.TempDir()}, &out, &out, func(key string) string { return environment[key] })
		if code != exitUsage || !strings.Contains(out.String(), "tokenward: "+c.want) {
			t.Errorf("%s with %s=%s: exit code %d\n%s", c.command, c.variable, c.file, code, out.String())
		}
	}
}
