package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tokenward/bot"
	"tokenward/bot/redact"
)

type explainOptions struct {
	inputs
	format string
}

func newExplainCmd(s *surroundings) *cobra.Command {
	o := &explainOptions{}
	c := &cobra.Command{
		Use: "explain NAMESPACE[/WORKLOAD]", Short: "Show verdicts with all their evidence",
		Args: oneWorkload,
		RunE: func(cmd *cobra.Command, args []string) error { return runExplain(cmd, s, o, args[0]) },
	}
	o.register(c)
	c.Flags().StringVar(&o.format, "format", "text", "output `FORMAT`: text or json")
	return c
}

// oneWorkload refuses all but the one argument that says what to explain.
func oneWorkload(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("explain: give one NAMESPACE or NAMESPACE/WORKLOAD (got %d arguments)", len(args))
	}
	return nil
}

func runExplain(cmd *cobra.Command, s *surroundings, o *explainOptions, what string) error {
	namespace, workload, _ := strings.Cut(what, "/")
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format %s: unknown: give text or json", o.format)}
	}
	o.namespaces = []string{namespace}
	b, scan, err := scanPlatform(cmd, s, &o.inputs)
	if err != nil {
		return err
	}
	var found []bot.WorkloadReport
	report := b.Report(scan)
	for _, w := range report.Workloads {
		if workload == "" || w.Name == workload || strings.EqualFold(w.Kind+"/"+w.Name, workload) {
			found = append(found, w)
		}
	}
	if failed := b.Failed(scan); len(found) == 0 && len(failed) > 0 {
		return fmt.Errorf("no workload %q was seen; release %s of namespace %s could not be analysed: %w", what, failed[0].Name, namespace, failed[0].Err)
	}
	if len(found) == 0 {
		return usageError{fmt.Errorf("no workload %q is deployed by this umbrella: `tokenward scan` lists them", what)}
	}
	if err := writeExplanations(s.stdout, o.format, found); err != nil {
		return err
	}
	return incomplete(report, 0)
}

func writeExplanations(out io.Writer, format string, found []bot.WorkloadReport) error {
	if format == "json" {
		return writeJSON(out, found)
	}
	for i, w := range found {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if _, err := fmt.Fprint(out, printable(explanation(w))); err != nil {
			return fmt.Errorf("write the explanation: %w", err)
		}
	}
	return nil
}

func explanation(w bot.WorkloadReport) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s/%s: %s (confidence %s)\n", cell(w.Kind), cell(w.Namespace), cell(w.Name), w.Verdict, w.Confidence)
	fmt.Fprintf(&out, "  release          %s\n  service account  %s\n  pods             %s\n  listed           %s\n  token            %s\n",
		cell(w.Release), cell(w.ServiceAccount), redact.OneLine(strings.Join(w.PodPatterns, ", ")), w.Listed, tokens(w))
	for _, e := range w.Evidence {
		fmt.Fprintf(&out, "  - %s [%s]\n", redact.OneLine(e.Summary), e.Kind)
		if e.Object != "" || e.Source != "" {
			fmt.Fprintf(&out, "      %s\n", redact.OneLine(strings.TrimSpace(e.Object+"  "+e.Source)))
		}
	}
	return out.String()
}
