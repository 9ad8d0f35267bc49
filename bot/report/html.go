package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"tokenward/bot"
)

//go:embed page.html
var pageTemplate string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// HTML writes the report as one page that needs nothing beside itself: no server,
// no network, and no script except to filter and sort. Its content security
// policy admits the page's own style and script by their hashes and nothing else.
func HTML(w io.Writer, r *bot.ScanReport) error {
	t, err := parsePage()
	if err != nil {
		return err
	}
	p := newPage(r)
	p.Style, p.Script = template.CSS(pageStyle), template.JS(pageScript)
	p.Policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", digest(pageStyle), digest(pageScript))
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return fmt.Errorf("fill the page: %w", err)
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func parsePage() (*template.Template, error) {
	t, err := template.New("page.html").Funcs(template.FuncMap{
		"verdict": func(s string) string { return verdictWords(oneLine(s)) },
		"listed":  func(s string) string { return listedWords(oneLine(s)) },
		"change":  func(s string) string { return changeWords(oneLine(s)) },
		"line":    oneLine, "sentence": sentence, "turn": turn, "short": short, "cut": cut,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	return t, nil
}

// digest is a content security policy's name for an inline text.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// short is a commit as people quote it.
func short(commit string) string {
	if runes := []rune(oneLine(commit)); len(runes) > 10 {
		return string(runes[:10])
	}
	return oneLine(commit)
}

// cut shortens a sentence for a row of a table.
func cut(s string) string {
	if runes := []rune(oneLine(s)); len(runes) > 120 {
		return string(runes[:119]) + "…"
	}
	return oneLine(s)
}
