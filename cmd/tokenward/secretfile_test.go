package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
