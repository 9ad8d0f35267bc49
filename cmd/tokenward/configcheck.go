package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tokenward/bot"
)

type checkOptions struct {
	inputs
	format string
}

func newConfigCheckCmd(s *surroundings) *cobra.Command {
	o := &checkOptions{}
	c := &cobra.Command{
		Use: "check", Short: "Tell which right or setting is missing on which project, before anything is written",
		Long: `Tell which right or setting is missing on which project that propose would write to,
for every umbrella of the configuration. It goes the same path up to the first write
and writes nothing. It exits with 1 if something is missing, and with 3 if something
could not be looked at; what the token's user may not see is unknown, and no failure.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runConfigCheck(cmd, s, o) },
	}
	o.register(c)
	c.Flags().StringVar(&o.format, "format", "text", "output `FORMAT`: text or json")
	return c
}

func runConfigCheck(cmd *cobra.Command, s *surroundings, o *checkOptions) error {
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format %s: unknown: give text or json", o.format)}
	}
	c, err := o.serviceConfig(s)
	if err != nil {
		return err
	}
	if c.GitLab.URL == "" {
		return usageError{errors.New("no GitLab server: give --gitlab or set gitlab.url")}
	}
	if !s.hasToken(c) {
		return usageError{errors.New("no GitLab token: set TOKENWARD_GITLAB_TOKEN or gitlab.tokenFile")}
	}
	report := bot.NewCheckReport()
	err = eachUmbrella(cmd.Context(), s, c, func(name string, b *bot.Bot) error {
		found, err := b.Check(cmd.Context())
		report.Take(name, found)
		return err
	})
	if errors.As(err, &usageError{}) {
		return err
	}
	write := writeFindings
	if o.format == "json" {
		write = func(w io.Writer, r *bot.CheckReport) error { return writeJSON(w, r) }
	}
	if err := errors.Join(err, write(s.stdout, report)); err != nil {
		return err
	}
	if report.Missing() {
		return findingsError{}
	}
	return nil
}

// writeFindings prints what a check found as one table.
func writeFindings(w io.Writer, r *bot.CheckReport) error {
	var out strings.Builder
	t := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "LEVEL\tUMBRELLA\tPROJECT\tCHECK\tFINDING")
	counts := map[string]int{}
	for _, f := range r.Findings {
		counts[f.Level]++
		project := f.Project
		if project == "" {
			project = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Level, f.Umbrella, project, f.Check, cut(strings.ReplaceAll(f.Text, "\n", " "), 240))
	}
	t.Flush()
	fmt.Fprintf(&out, "\n%d missing, %s, %d unknown. Nothing was written.\n", counts[bot.FindingMissing], counted(counts[bot.FindingWarning], "warning"), counts[bot.FindingUnknown])
	_, err := io.WriteString(w, printable(out.String()))
	return err
}
