package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

func TestSetStrikesEveryForm(t *testing.T) {
	t.Parallel()
	const canary = `c@nary/+"<1>&x y`
	set := &Set{}
	set.Add(canary, "tiny", "-----BEGIN KEY-----\nabcdefghij\nklmnopqrst\n-----END KEY-----")
	asJSON, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{canary, url.QueryEscape(canary), url.PathEscape(canary), string(asJSON), "abcdefghij", "klmnopqrst"}
	for _, text := range secrets {
		if got := set.Text("a " + text + " b"); !strings.Contains(got, Placeholder) || strings.Contains(got, strings.Trim(text, `"`)) {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, before := range []string{"", "u:", "ux:", "oauth2:", "me:", "anybody:"} {
		for _, after := range []string{"", "1", "12", "123"} {
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
				text := encoding.EncodeToString([]byte(before + canary + after))
				if got := set.Text("Basic " + text); !strings.Contains(got, Placeholder) {
					t.Errorf("base64 of %q with neighbours %q and %q is left: %q", canary, before, after, got)
				}
			}
		}
	}
	for _, prefix := range []string{"glpat", "gldt", "glrt", "glrtr", "glcbt", "glptt", "glft", "glimt", "glagent", "glsoat", "gloas", "glffct", "glwt"} {
		if got := (*Set)(nil).Text("is " + prefix + "-AbCdEf0123456789"); got != "is "+Placeholder {
			t.Errorf("a token with prefix %s becomes %q", prefix, got)
		}
	}
	for in, want := range map[string]string{
		"tiny words stay": "tiny words stay",
		"token glpat-AbCdEf0123456789-_xyz is wrong":     "token [redacted] is wrong",
		"https://me:pass-word@host/p and http://host:80": "https://me:[redacted]@host/p and http://host:80",
		"see https://host/a:b@c":                         "see https://host/a:b@c",
	} {
		if got := set.Text(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if got := (*Set)(nil).Text(in); got != want {
			t.Errorf("without a set: %q became %q", in, got)
		}
	}
}

func TestHandlerCleansEverything(t *testing.T) {
	t.Parallel()
	const canary = "canary-0123456789"
	set := &Set{}
	set.Add(canary)
	for name, build := range map[string]func(*bytes.Buffer) slog.Handler{
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
	} {
		var out bytes.Buffer
		log := slog.New(NewHandler(build(&out), set))
		log = log.With("with", canary).WithGroup("group").With("key "+canary, 1)
		log.Error("message "+canary+"\nforged=line \x1b[31m\u202e", "err", errors.New("wrap "+canary), "list", []string{canary},
			"any", struct{ A string }{canary}, slog.Group("deep", "x", canary), "n", 7)
		if text := out.String(); strings.Contains(text, "canary") || strings.Count(text, "\n") != 1 || strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, `\u001b`) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestWriterSaysAllIsWritten(t *testing.T) {
	t.Parallel()
	set := &Set{}
	set.Add("canary-0123456789")
	var out bytes.Buffer
	n, err := fmt.Fprint(NewWriter(&out, set), "a canary-0123456789 b")
	if err != nil || n != len("a canary-0123456789 b") || out.String() != "a [redacted] b" {
		t.Errorf("wrote %d, %v, %q", n, err, out.String())
	}
}
