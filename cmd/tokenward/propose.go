package main

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"tokenward/bot"
)

type proposeOptions struct {
	inputs
	format string
	dryRun bool
}

func newProposeCmd(s *surroundings) *cobra.Command {
	o := &proposeOptions{}
	c := &cobra.Command{
		Use: "propose", Short: "Run the whole path once and make the merge requests match",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPropose(cmd, s, o) },
	}
	o.register(c)
	c.Flags().StringVar(&o.format, "format", "text", "output `FORMAT`: text or json")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "print diffs and descriptions and touch nothing")
	return c
}

func runPropose(cmd *cobra.Command, s *surroundings, o *proposeOptions) error {
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format %s: unknown: give text or json", o.format)}
	}
	c, err := o.config(s)
	if err != nil {
		return err
	}
	if !o.dryRun && c.GitLab.URL == "" {
		return usageError{errors.New("no GitLab server: give --gitlab or set gitlab.url, or try --dry-run")}
	}
	if !o.dryRun && !s.hasToken(c) {
		return usageError{errors.New("no GitLab token: set TOKENWARD_GITLAB_TOKEN or gitlab.tokenFile, or try --dry-run")}
	}
	if !o.dryRun && s.hasMainToken(c) {
		if _, err := s.gitlabToken(c); err != nil {
			return usageError{fmt.Errorf("config: %w", err)}
		}
	}
	return proposeOnce(cmd, s, c, o)
}

func proposeOnce(cmd *cobra.Command, s *surroundings, c config, o *proposeOptions) error {
	p := newProgress(s.stderr)
	defer p.finish()
	a, err := newApp(cmd.Context(), s, c, p, func(b *bot.Config) { b.DryRun = o.dryRun })
	if err != nil {
		return err
	}
	defer a.close()
	scan, report, err := a.bot.Propose(cmd.Context())
	p.finish()
	if report != nil {
		err = errors.Join(err, writeProposals(s.stdout, o.format, report, o.dryRun))
	}
	if err != nil {
		return err
	}
	var failures []string
	if n := len(report.Failed); n > 0 {
		failures = append(failures, counted(n, "unit")+" failed")
	}
	if n := len(a.bot.Failed(scan)); n > 0 {
		failures = append(failures, fmt.Sprintf("%d of %d releases could not be analysed", n, len(scan.Set.Releases)))
	}
	if len(failures) > 0 {
		return failedError{strings.Join(failures, "; ")}
	}
	return nil
}

func writeProposals(w io.Writer, format string, r *bot.ProposeReport, dry bool) error {
	if format == "json" {
		return writeJSON(w, r)
	}
	var out strings.Builder
	counts := map[string]int{}
	for _, m := range r.MergeRequests {
		counts[m.Action]++
		writeProposal(&out, m, dry)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(&out, "FAILED %s: %s\n", cell(f.Unit), strings.ReplaceAll(f.Reason, "\n", "\n  "))
		if f.Intended != "" {
			fmt.Fprintf(&out, "  The lines that were intended:\n%s", indent(f.Intended))
		}
		out.WriteString("\n")
	}
	toBe := ""
	if dry {
		toBe = "to be "
	}
	fmt.Fprintf(&out, "%s: %d %screated, %d %supdated, %d unchanged, %d skipped; %s failed.\n", counted(len(r.MergeRequests), "merge request"),
		counts[bot.ActionCreated], toBe, counts[bot.ActionUpdated], toBe, counts[bot.ActionUnchanged], counts[bot.ActionSkipped], counted(len(r.Failed), "unit"))
	if dry {
		out.WriteString("This was a dry run: nothing was written.\n")
	}
	_, err := io.WriteString(w, printable(out.String()))
	return err
}

func writeProposal(out *strings.Builder, m bot.MergeRequestReport, dry bool) {
	name := m.Project
	if m.IID != 0 {
		name = fmt.Sprintf("%s!%d", m.Project, m.IID)
	}
	action := strings.ToUpper(m.Action)
	if dry && (m.Action == bot.ActionCreated || m.Action == bot.ActionUpdated) {
		action = "WOULD BE " + action
	}
	fmt.Fprintf(out, "%s %s: %s\n", action, name, m.Title)
	fmt.Fprintf(out, "  %s -> %s", m.SourceBranch, m.TargetBranch)
	if m.URL != "" {
		fmt.Fprintf(out, "  %s", m.URL)
	}
	if len(m.Pairs) > 0 {
		fmt.Fprintf(out, "  with %s", strings.Join(m.Pairs, ", "))
	}
	out.WriteString("\n")
	if m.Reason != "" {
		fmt.Fprintf(out, "  %s\n", strings.ReplaceAll(m.Reason, "\n", "\n  "))
	}
	if m.Action == bot.ActionUnchanged || m.Action == bot.ActionSkipped {
		out.WriteString("\n")
		return
	}
	fmt.Fprintf(out, "\n%s\n%s\n", indent(m.Diff), indent(hidden.ReplaceAllString(m.Description, "")))
}

// hidden finds the bot's comments in a description, which pages do not show either.
var hidden = regexp.MustCompile(`(?m)^<!-- tokenward:.*-->\n?`)

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func indent(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		out.WriteString("    " + line)
	}
	return out.String()
}
