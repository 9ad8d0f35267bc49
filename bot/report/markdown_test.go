package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// Rendered with raw HTML allowed, hostile text still brings no element of its own.
func TestMarkdownDefusesHostileText(t *testing.T) {
	t.Parallel()
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))
	text := output(t, writer{"md", Markdown}, hostile(t))
	var out bytes.Buffer
	if err := md.Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	for _, tag := range regexp.MustCompile(`<(script|img|/script|a href="javascript)`).FindAllString(out.String(), -1) {
		t.Errorf("the rendered summary has %q", tag)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "/") {
			t.Errorf("line %q starts like a quick action", line)
		}
	}
	if strings.Contains(out.String(), "mailto:") {
		t.Error("the rendered summary has a mail address")
	}
}

// Every row of every table has as many cells as its head, whatever the names hold.
func TestMarkdownTablesKeepTheirColumns(t *testing.T) {
	t.Parallel()
	bar := regexp.MustCompile(`(^|[^\\])\|`)
	columns := 0
	for line := range strings.Lines(output(t, writer{"md", Markdown}, hostile(t))) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := len(bar.FindAllString(line, -1))
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Errorf("row has %d bars, want %d: %s", n, columns, line)
		}
	}
}
