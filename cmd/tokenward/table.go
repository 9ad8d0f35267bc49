package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"tokenward/bot"
	"tokenward/bot/redact"
)

// writeTable prints a scan for people.
func writeTable(w io.Writer, r *bot.ScanReport) error {
	var out strings.Builder
	failed := 0
	for _, rel := range r.Releases {
		if rel.Error != "" {
			failed++
		}
	}
	fmt.Fprintf(&out, "Umbrella %s at %s: %d releases, %d analysed, %d workloads.\n", r.Umbrella.Repository, short(r.Umbrella.Commit), len(r.Releases), len(r.Releases)-failed, len(r.Workloads))
	t := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	if len(r.Workloads) > 0 {
		fmt.Fprintln(&out, "\nWorkloads")
		fmt.Fprintln(t, "NAMESPACE\tWORKLOAD\tVERDICT\tCONFIDENCE\tLISTED\tTOKEN\tEVIDENCE")
	}
	for _, x := range r.Workloads {
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\t%s\t%s\n", cell(x.Namespace), cell(x.Kind), cell(x.Name), x.Verdict, x.Confidence, x.Listed, tokens(x), cell(x.Evidence[0].Summary))
	}
	t.Flush()
	if len(r.Changes) > 0 {
		fmt.Fprintln(&out, "\nChanges")
		fmt.Fprintln(t, "NAMESPACE\tCHANGE\tPATTERN\tREASON")
	}
	for _, c := range r.Changes {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", cell(c.Namespace), c.Kind, cell(c.Pattern), cut(redact.OneLine(c.Reason), 120))
	}
	t.Flush()
	if failed > 0 {
		fmt.Fprintln(&out, "\nNot analysed")
	}
	for _, rel := range r.Releases {
		if rel.Error != "" {
			fmt.Fprintf(t, "%s\t%s\n", cell(rel.Name), redact.OneLine(rel.Error))
		}
	}
	t.Flush()
	if len(r.Notes) > 0 {
		fmt.Fprintln(&out, "\nNotes")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(t, "%s\t%s\n", cell(n.Namespace), redact.OneLine(n.Text))
	}
	t.Flush()
	fmt.Fprintf(&out, "\nViolations of the validating policy: %d today, %d with every change merged.\n", len(r.Violations.Before), len(r.Violations.After))
	_, err := io.WriteString(w, printable(out.String()))
	return err
}

func tokens(x bot.WorkloadReport) string {
	yes := map[bool]string{true: "yes", false: "no"}
	if x.TokenBefore == x.TokenAfter {
		return yes[x.TokenAfter]
	}
	return yes[x.TokenBefore] + "->" + yes[x.TokenAfter]
}

func short(commit string) string {
	if len(commit) > 10 {
		return commit[:10]
	}
	return commit
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// cell makes what a chart or umbrella calls something fit for a table.
func cell(s string) string { return cut(redact.OneLine(s), 100) }

// printable replaces control characters, and those that turn the reading direction, so that
// no chart can steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
