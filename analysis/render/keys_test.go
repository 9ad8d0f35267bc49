package render

import (
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/Masterminds/sprig/v3"
)

func TestWithoutHardWork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ $ca := genCA "a" 365 }}`:                         `{{ $ca := genCAWithKey "a" 365  KEY }}`,
		`{{- $ca := genCA "a" 365 -}}`:                       `{{- $ca := genCAWithKey "a" 365  KEY -}}`,
		`{{ (genCA "a)" (int .d)).Cert | b64enc }}`:          `{{ (genCAWithKey "a)" (int .d) KEY ).Cert | b64enc }}`,
		`{{ genSignedCert "a" nil (list "b") 1 $ca | len }}`: `{{ genSignedCertWithKey "a" nil (list "b") 1 $ca  KEY | len }}`,
		`{{ 365 | genCA "a" }}`:                              `{{ 365 | genCA "a" }}`,
		`{{ genPrivateKey "rsa" | quote }}`:                  `{{ KEY | quote }}`,
		`{{ genPrivateKey "ed25519" | quote }}`:              `{{ genPrivateKey "ed25519" | quote }}`,
		`{{ .genCA }}{{ $genCA }}{{ "genCA" }} genCA "a" 1`:  `{{ .genCA }}{{ $genCA }}{{ "genCA" }} genCA "a" 1`,
		`{{/* genCA "a" 1 */}}`:                              `{{/* genCA "a" 1 */}}`,
		"{{ genCA `a|` 1 }}":                                 "{{ genCAWithKey `a|` 1  KEY }}",
	} {
		if got := strings.ReplaceAll(string(withoutHardWork([]byte(text))), fixedKey(), "KEY"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestHardWorkLooksDone executes what was replaced: the results have the form of the originals.
func TestHardWorkLooksDone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ $ca := genCA "a" 365 }}{{ $c := genSignedCert "b" nil (list "b.c") 1 $ca }}{{ $c.Cert | trunc 27 }} {{ $c.Key | trunc 10 }}`: "-----BEGIN CERTIFICATE----- -----BEGIN",
		`{{ (genSelfSignedCert "b" nil nil 1).Cert | trunc 27 }}`:                                                                        "-----BEGIN CERTIFICATE-----",
		`{{ genPrivateKey "rsa" | trunc 10 }}`:                                                                                           "-----BEGIN",
		`{{ bcrypt "a" | trunc 7 }} {{ bcrypt "a" | len }}`:                                                                              "$2a$10$ 60",
		`{{ "a" | bcrypt | trunc 7 }}`:                                                                                                   "$2a$10$",
		`{{ htpasswd "me" "secret" | trunc 10 }}`:                                                                                        "me:$2a$10$",
		`{{ (genCA "a" 1).Cert | genPrivateKey }}`:                                                                                       "Unknown type",
	} {
		tmpl, err := texttemplate.New("t").Funcs(sprig.TxtFuncMap()).Parse(string(withoutHardWork([]byte(text))))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var out strings.Builder
		if err := tmpl.Execute(&out, nil); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: got %q, %v", text, out.String(), err)
		}
	}
}

// FuzzWithoutHardWork holds that text outside of actions and the number of lines stay, and that a template that
// parses does so afterwards.
func FuzzWithoutHardWork(f *testing.F) {
	for _, seed := range []string{`a{{ genCA "a" 1 }}b`, `{{ if (genCA "a" 1) }}{{ end }}`, `{{ x | htpasswd "a" }}`, "{{ genPrivateKey \"rsa\"\n}}", `{{ genCA`, `{{ bcrypt ")" }}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := string(withoutHardWork([]byte(text)))
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Fatalf("lines of %q: %q", text, got)
		}
		outside := func(s string) string { return slowActions.ReplaceAllString(s, "{{}}") }
		if outside(got) != outside(text) {
			t.Fatalf("outside of actions %q became %q", text, got)
		}
		if _, err := texttemplate.New("t").Funcs(sprig.TxtFuncMap()).Parse(text); err != nil {
			return
		}
		if _, err := texttemplate.New("t").Funcs(sprig.TxtFuncMap()).Parse(got); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
	})
}
