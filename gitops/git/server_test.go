package git

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gitEnv is an environment in which git behaves the same everywhere.
func gitEnv(dir string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_AUTHOR_DATE=2024-03-01T10:00:00Z",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org", "GIT_COMMITTER_DATE=2024-03-01T10:00:00Z",
	}
}

// run runs git in dir and returns what it prints.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = gitEnv(dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository is a bare repository with some history.
type repository struct {
	path string // of the bare repository
	work string // a clone with a work tree
}

// newRepository builds one: two commits on main, an annotated and several
// light tags, a branch, a script, a symbolic link.
func newRepository(t *testing.T) *repository {
	t.Helper()
	root := t.TempDir()
	r := &repository{path: filepath.Join(root, "umbrella.git"), work: filepath.Join(root, "work")}
	run(t, root, "init", "-q", "--bare", "-b", "main", r.path)
	run(t, root, "init", "-q", "-b", "main", r.work)
	r.write(t, "README.md", "# umbrella\n", 0o644)
	r.write(t, "chart/values.yaml", "a: 1\n", 0o644)
	r.write(t, "scripts/run.sh", "#!/bin/sh\n", 0o755)
	if err := os.Symlink("README.md", filepath.Join(r.work, "LINK.md")); err != nil {
		t.Fatal(err)
	}
	r.commit(t, "first")
	run(t, r.work, "tag", "1.0.0")
	run(t, r.work, "tag", "v1.1.0")
	run(t, r.work, "tag", "2.0.0-bb.1")
	r.write(t, "chart/values.yaml", "a: 2\n", 0o644)
	r.write(t, "chart/templates/deployment.yaml", strings.Repeat("kind: Deployment\n", 200), 0o644)
	r.commit(t, "second")
	run(t, r.work, "tag", "-a", "-m", "release", "1.2.0")
	run(t, r.work, "branch", "feature/x")
	run(t, r.work, "remote", "add", "origin", r.path)
	run(t, r.work, "push", "-q", "origin", "--all")
	run(t, r.work, "push", "-q", "origin", "--tags")
	return r
}

func (r *repository) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	full := filepath.Join(r.work, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (r *repository) commit(t *testing.T, message string) string {
	t.Helper()
	run(t, r.work, "add", "-A")
	run(t, r.work, "commit", "-q", "-m", message)
	return run(t, r.work, "rev-parse", "HEAD")
}

func (r *repository) rev(t *testing.T, name string) string {
	t.Helper()
	return run(t, r.path, "rev-parse", name+"^{commit}")
}

// hook installs a hook in the bare repository.
func (r *repository) hook(t *testing.T, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.path, "hooks", name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (r *repository) fileURL() string { return "file://" + r.path }

// gitServer serves the bare repositories of a folder over smart HTTP.
type gitServer struct {
	*httptest.Server
	root, user, password string
	// dropPush breaks the connection after the push was carried out.
	dropPush bool
}

func serve(t *testing.T, root string) *gitServer {
	t.Helper()
	s := &gitServer{root: root}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// withAuth makes the server ask for a password.
func (s *gitServer) withAuth(user, password string) *gitServer {
	s.user, s.password = user, password
	return s
}

func (s *gitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.password != "" {
		if user, password, _ := r.BasicAuth(); user != s.user || password != s.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="Git"`)
			http.Error(w, "HTTP Basic: Access denied for "+r.Header.Get("Authorization")+" with "+password, http.StatusUnauthorized)
			return
		}
	}
	path, service, advertise := route(r)
	dir := filepath.Join(s.root, filepath.FromSlash(path))
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err != nil || service == "" {
		http.Error(w, "The project you were looking for could not be found or you don't have permission to view it.", http.StatusNotFound)
		return
	}
	args := []string{strings.TrimPrefix(service, "git-"), "--stateless-rpc"}
	if advertise {
		args = append(args, "--advertise-refs")
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(r.Body)
	}
	cmd := exec.CommandContext(r.Context(), "git", append(args, dir)...)
	cmd.Env = gitEnv(s.root)
	cmd.Stdin = body
	var out bytes.Buffer
	cmd.Stdout = &out
	// A failing git has told the client why in its output.
	_ = cmd.Run()
	if s.dropPush && service == "git-receive-pack" && !advertise {
		panic(http.ErrAbortHandler)
	}
	kind := "result"
	if advertise {
		kind = "advertisement"
	}
	w.Header().Set("Content-Type", "application/x-"+service+"-"+kind)
	if advertise {
		line := "# service=" + service + "\n"
		fmt.Fprintf(w, "%04x%s0000", len(line)+4, line)
	}
	// Without a length, as from a server that streams, and its end apart.
	_, _ = w.Write(out.Bytes())
	w.(http.Flusher).Flush()
}

func route(r *http.Request) (path, service string, advertise bool) {
	if path, ok := strings.CutSuffix(r.URL.Path, "/info/refs"); ok {
		return path, r.URL.Query().Get("service"), true
	}
	for _, service := range []string{"git-upload-pack", "git-receive-pack"} {
		if path, ok := strings.CutSuffix(r.URL.Path, "/"+service); ok {
			return path, service, false
		}
	}
	return "", "", false
}

func newStore(t *testing.T, config Config) *Store {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(t *testing.T, s *Store, url string, ref Ref) *Snapshot {
	t.Helper()
	snapshot, err := s.Fetch(testContext(t), url, ref)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
