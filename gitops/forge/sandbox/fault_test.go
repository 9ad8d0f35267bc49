package sandbox

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask sends a request on a connection of its own, so that nothing is repeated
// behind our back.
func (b *bundle) ask(method, path, body string) (*http.Response, string, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", "sandbox-developer")
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), errors.Join(err, resp.Body.Close())
}

func TestFaultsOfTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"x": "1\n"})
	b.open("topic")
	notes := "/api/v4/projects/1/merge_requests/1/notes"
	var asked []Request
	for _, c := range []struct {
		name  string
		fault Fault
		want  int // 0 for a cut connection
		text  string
		acts  bool
	}{
		{"none", Fault{}, 201, `"body":"hello"`, true},
		{"limit", Fault{Status: 429}, 429, "Retry later\n", false},
		{"error", Fault{Status: 500}, 500, `{"message":"500 Internal Server Error"}`, false},
		{"proxy", Fault{Status: 502}, 502, "not responding", false},
		{"proxy gave up", Fault{Status: 504, Acted: true}, 504, "not responding", true},
		{"cut before", Fault{Cut: true}, 0, "", false},
		{"cut after", Fault{Cut: true, Acted: true}, 0, "", true},
	} {
		before := len(b.MergeRequests()[0].Notes)
		b.SetFault(func(r Request) Fault {
			asked = append(asked, r)
			return c.fault
		})
		resp, text, err := b.ask("POST", notes, `{"body":"hello"}`)
		b.SetFault(nil)
		switch {
		case c.want == 0 && err == nil:
			t.Errorf("%s: answered %d", c.name, resp.StatusCode)
		case c.want != 0 && (err != nil || resp.StatusCode != c.want || !strings.Contains(text, c.text)):
			t.Errorf("%s: %v %q, %v", c.name, resp, text, err)
		}
		if acted := len(b.MergeRequests()[0].Notes) > before; acted != c.acts {
			t.Errorf("%s: acted is %v", c.name, acted)
		}
	}
	if asked[0].Method != "POST" || asked[0].Path != notes || asked[0].User != "sandbox-developer" {
		t.Errorf("%+v", asked[0])
	}
	log := b.Requests()
	if last := log[len(log)-1]; last.Status != 0 || last.User != "sandbox-developer" {
		t.Errorf("the cut request is logged as %+v", last)
	}
}

func TestFaultsOfGit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	head := func(branch string) string {
		out, err := git(t, b.dir, "--git-dir="+umbrella+".git", "rev-parse", "--verify", "--quiet", branch)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(out)
	}
	for _, c := range []struct {
		branch string
		fault  Fault
		acts   bool
	}{
		{"limited", Fault{Status: 429}, false},
		{"broken", Fault{Status: 502}, false},
		{"cut", Fault{Cut: true}, false},
		{"cut-late", Fault{Cut: true, Acted: true}, true},
	} {
		change(t, dir, "values.yaml", "a: "+c.branch+"\n")
		b.SetFault(func(r Request) Fault {
			if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/git-receive-pack") && r.User == "sandbox-developer" {
				return c.fault
			}
			return Fault{}
		})
		if out, err := git(t, dir, "push", "origin", "HEAD:refs/heads/"+c.branch); err == nil {
			t.Errorf("%s: pushed\n%s", c.branch, out)
		}
		if acted := head(c.branch) != ""; acted != c.acts {
			t.Errorf("%s: acted is %v", c.branch, acted)
		}
	}
	b.SetFault(func(Request) Fault { return Fault{Status: 500} })
	if out, err := git(t, dir, "fetch", "origin"); err == nil {
		t.Errorf("fetched\n%s", out)
	}
}

func TestRequestLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.LimitEvery = 3 })
	var codes []int
	for range 6 {
		resp, text, err := b.ask("GET", "/api/v4/user", "")
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, resp.StatusCode)
		if resp.StatusCode == 429 && (text != "Retry later\n" || resp.Header.Get("Retry-After") != "1" || resp.Header.Get("RateLimit-Remaining") != "0" ||
			!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain")) {
			t.Errorf("%q %v", text, resp.Header)
		}
	}
	if codes[2] != 429 || codes[5] != 429 || codes[0] != 200 || codes[4] != 200 {
		t.Errorf("%v", codes)
	}
}

// A request that is still being answered is forgotten with those before.
func TestResetForgetsWhatIsBeingAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetFault(func(Request) Fault {
		b.ResetRequests()
		return Fault{}
	})
	if resp, text, err := b.ask("GET", "/api/v4/projects/1", ""); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(text, err)
	}
	if got := b.Requests(); len(got) > 0 {
		t.Errorf("remembered: %v", got)
	}
}
