package git

import (
	"errors"
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, stripped, shown string }{
		{"https://h/g/x.git", "https://h/g/x.git", "https://h/g/x.git"},
		{"https://u:p@h/x.git", "https://h/x.git", "https://h/x.git"},
		{"https://token@h:8443/x.git", "https://h:8443/x.git", "https://h:8443/x.git"},
		{"https://u:p@ss@h/x.git", "https://h/x.git", "https://h/x.git"},
		{"https://u:pa/ss@h/x.git", "https://h/x.git", "https://h/x.git"},
		{"https://h:8443/a@b/x.git", "https://h:8443/a@b/x.git", "https://h:8443/a@b/x.git"},
		{"https://h/a@b/x.git", "https://h/a@b/x.git", "https://h/a@b/x.git"},
		{"http://[::1]:80/x", "http://[::1]:80/x", "http://[::1]:80/x"},
		{"ssh://git:pw@h:22/x.git", "ssh://git@h:22/x.git", "ssh://h:22/x.git"},
		{"git@host:g/x.git", "git@host:g/x.git", "host:g/x.git"},
		{"https://h/x.git?private_token=p", "https://h/x.git?private_token=p", "https://h/x.git"},
		{"file:///a/b", "file:///a/b", "file:///a/b"},
		{"/a/b", "/a/b", "/a/b"},
	} {
		if got := stripUserinfo(c.url); got != c.stripped {
			t.Errorf("%s stripped is %s", c.url, got)
		}
		if got := redactURL(c.url); got != c.shown {
			t.Errorf("%s shown is %s", c.url, got)
		}
	}
}

func TestRefusedURLs(t *testing.T) {
	t.Parallel()
	s := newStore(t, Config{})
	for _, url := range []string{"", "relative/path", "ftp://u:secret@h/x", "https://", "https://u:sec%zzret@h/%zz", "https://h/x?secret",
		"git@host:-oProxyCommand=x", "file://", "ext::sh -c id", "https://u:secret@h:x/%"} {
		_, err := s.Fetch(testContext(t), url, Ref{})
		if !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// FuzzRedact checks that no password that ends at the last @ before the path
// is ever shown or used.
func FuzzRedact(f *testing.F) {
	f.Add("https", "user", "host", "/x.git")
	f.Add("ssh", "", "h:22", "")
	f.Fuzz(func(t *testing.T, scheme, user, host, path string) {
		if strings.ContainsAny(scheme+user+host, "@/?#:") || strings.ContainsAny(path, "@?#") || host == "" {
			t.Skip()
		}
		url := scheme + "://" + user + ":s3cr3t@" + host + path
		if strings.Contains(scheme+user+host+path, "s3cr3t") {
			t.Skip()
		}
		for _, shown := range []string{redactURL(url), stripUserinfo(url)} {
			if strings.Contains(shown, "s3cr3t") {
				t.Errorf("%s shown as %s", url, shown)
			}
		}
		if _, err := endpoint(stripUserinfo(url)); err != nil && strings.Contains(err.Error(), "s3cr3t") {
			t.Error(err)
		}
	})
}
