package main

import (
	"slices"
	"strings"
	"testing"

	"tokenward/gitops/forge/sandbox"
)

func TestPlacesAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	c := defaultConfig()
	c.Umbrella.URL = "https://umbrella.example.com/platform/umbrella.git"
	c.GitLab.URL = "https://gitlab.example.com:8443/gitlab"
	c.Git.Hosts = []string{"other.example.com"}
	c.Git.Allowed = []string{"third.example.com"}
	c.Git.InsteadOf = []string{"https://a/=https://mirror.example.com/", "https://b/=file:///srv/mirrors/b-", "https://c/=git@ssh.example.com:"}
	want := []string{"third.example.com", "other.example.com", "gitlab.example.com:8443", "umbrella.example.com", "mirror.example.com", "file:///srv/mirrors/", "ssh.example.com"}
	if got := c.places(); !slices.Equal(got, want) {
		t.Errorf("places are %v, want %v", got, want)
	}
	c = defaultConfig()
	c.Umbrella.URL = t.TempDir()
	if got := c.places(); !slices.Equal(got, []string{"file:///"}) {
		t.Errorf("beside a folder: %v", got)
	}
}

// TestPackageElsewhere is an umbrella whose package lies on a host that nobody configured: it
// costs that package, with a sentence that says what to do.
func TestPackageElsewhere(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const values = "chart/values.yaml"
	old := p.git("platform/umbrella", "show", "main:"+values)
	_, err := p.box.box.Commit(t.Context(), "platform/umbrella", sandbox.Commit{Branch: "main", Message: "Elsewhere",
		Files: map[string]string{values: strings.Replace(old, sampleHost+"platform/packages/bulletin.git", "http://127.0.0.1:6443/bulletin.git", 1)}})
	p.must(err)
	code, out, errs := p.run(developer, "scan")
	if code != exitFailed {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if want := "host 127.0.0.1:6443 is not among those of the configuration"; !strings.Contains(out+errs, want) {
		t.Errorf("nothing says %q:\n%s%s", want, out, errs)
	}
}
