package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tokenward/bot"
	"tokenward/bot/redact"
	"tokenward/bot/report"
)

type scanOptions struct {
	inputs
	format   string
	exitCode bool
}

func newScanCmd(s *surroundings) *cobra.Command {
	o := &scanOptions{}
	c := &cobra.Command{
		Use: "scan", Short: "Show which pods need a token and what the policies should say; changes nothing",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runScan(cmd, s, o) },
	}
	o.register(c)
	c.Flags().StringVar(&o.format, "format", "table", "output `FORMAT`: table, json, sarif, codequality, markdown or html")
	c.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with 1 if something should change")
	return c
}

func runScan(cmd *cobra.Command, s *surroundings, o *scanOptions) error {
	write, ok := scanFormats[o.format]
	if !ok {
		return usageError{fmt.Errorf("--format %s: unknown: give table, json, sarif, codequality, markdown or html", o.format)}
	}
	result, failed, err := scanReport(cmd, s, &o.inputs)
	if err != nil {
		return err
	}
	if err := write(s.stdout, result); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := incomplete(result, failed); err != nil {
		return err
	}
	if o.exitCode && len(result.Changes) > 0 {
		return findingsError{}
	}
	return nil
}

// incomplete says what a report lacks beside so many releases that could not be analysed, nil if that is nothing.
func incomplete(r *bot.ScanReport, failed int) error {
	var reasons []string
	if failed > 0 {
		reasons = append(reasons, fmt.Sprintf("%d of %d releases could not be analysed", failed, len(r.Releases)))
	}
	if r.PolicyError != "" {
		reasons = append(reasons, "what the policies do is not known: "+redact.OneLine(r.PolicyError))
	}
	if len(reasons) > 0 {
		return failedError{strings.Join(reasons, "; ")}
	}
	return nil
}

// scanReport builds the bot from the flags and reports, with the number of releases that could not be analysed.
func scanReport(cmd *cobra.Command, s *surroundings, in *inputs) (result *bot.ScanReport, failed int, err error) {
	err = withBot(cmd, s, in, func(b *bot.Bot) error {
		if result, err = b.ScanReport(cmd.Context()); err == nil {
			failed = b.FailedReleases(result)
		}
		return err
	})
	return result, failed, err
}

// scanPlatform builds the bot from the flags and scans.
func scanPlatform(cmd *cobra.Command, s *surroundings, in *inputs) (b *bot.Bot, scan *bot.Scan, err error) {
	err = withBot(cmd, s, in, func(built *bot.Bot) error {
		b = built
		scan, err = b.Scan(cmd.Context())
		return err
	})
	return b, scan, err
}

// withBot builds the bot from the flags and does something with it.
func withBot(cmd *cobra.Command, s *surroundings, in *inputs, do func(*bot.Bot) error) error {
	c, err := in.config(s)
	if err != nil {
		return err
	}
	p := newProgress(s.stderr)
	defer p.finish()
	a, err := newApp(cmd.Context(), s, c, p, func(*bot.Config) {})
	if err != nil {
		return err
	}
	defer a.close()
	return do(a.bot)
}

var scanFormats = map[string]func(io.Writer, *bot.ScanReport) error{
	"table":       writeTable,
	"json":        writeScan,
	"sarif":       report.SARIF,
	"codequality": report.CodeQuality,
	"markdown":    report.Markdown,
	"html":        report.HTML,
}

func writeScan(w io.Writer, r *bot.ScanReport) error {
	text, err := r.Text()
	if err != nil {
		return err
	}
	return writeIndented(w, text)
}

// writeJSON writes v indented.
func writeJSON(w io.Writer, v any) error {
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	return writeIndented(w, plain.Bytes())
}

// writeIndented writes JSON indented. A report is large: an Encoder that indents lets a buffer of it grow piece by
// piece, and what strikes secrets copies whatever it is given at once. No text goes over a line's end.
func writeIndented(w io.Writer, text []byte) error {
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", "  "); err != nil {
		return err
	}
	for indented.Len() > 0 {
		lines := indented.Next(wholeLines(indented.Bytes(), 32<<10))
		if _, err := w.Write(lines); err != nil {
			return err
		}
	}
	return nil
}

// wholeLines returns how many bytes the lines take that begin within the first so many bytes.
func wholeLines(text []byte, within int) int {
	if len(text) > within {
		if end := bytes.IndexByte(text[within-1:], '\n'); end >= 0 {
			return within + end
		}
	}
	return len(text)
}
