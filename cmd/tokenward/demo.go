package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tokenward/bot"
)

type demoOptions struct {
	format string
	serve  bool
	listen string
}

func newDemoCmd(s *surroundings) *cobra.Command {
	o := &demoOptions{}
	c := &cobra.Command{
		Use: "demo", Short: "Run the whole path on sample repositories against an embedded GitLab-compatible server",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, s, o) },
	}
	c.Flags().StringVar(&o.format, "format", "text", "output `FORMAT`: text or json")
	c.Flags().BoolVar(&o.serve, "serve", false, "keep the server up to look at the merge requests in a browser")
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "`ADDRESS` of the embedded server")
	return c
}

// runDemo lays the sample repositories out, serves them and proposes on them. The
// sample platform has a release that cannot be analysed, to show how that is
// reported; it is no failure of the demo.
func runDemo(cmd *cobra.Command, s *surroundings, o *demoOptions) (err error) {
	if o.format != "text" && o.format != "json" {
		return usageError{fmt.Errorf("--format %s: unknown: give text or json", o.format)}
	}
	dir, err := os.MkdirTemp("", "tokenward-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := layoutSamples(dir); err != nil {
		return fmt.Errorf("lay out the sample repositories: %w", err)
	}
	box, err := startSandbox(dir, o.listen, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.close()) }()
	report, err := proposeSamples(cmd.Context(), s, box)
	if err != nil {
		return err
	}
	if err := writeProposals(s.stdout, o.format, report, false); err != nil {
		return fmt.Errorf("write the merge requests: %w", err)
	}
	if o.serve {
		fmt.Fprintf(s.stderr, "The merge requests are at %s; interrupt to end.\n", box.url)
		<-cmd.Context().Done()
	}
	for _, f := range report.Failed {
		if !f.Blocked {
			return failedError{fmt.Sprintf("unit %s failed: %s", f.Unit, f.Reason)}
		}
	}
	return nil
}

func proposeSamples(ctx context.Context, s *surroundings, box *runningSandbox) (*bot.ProposeReport, error) {
	c := defaultConfig()
	c.GitLab.URL = box.url
	c.Umbrella.URL = sampleHost + "platform/umbrella.git"
	c.Git.InsteadOf = []string{sampleHost + "=" + box.url + "/"}
	p := newProgress(s.stderr)
	defer p.finish()
	inDemo := *s
	inDemo.environ = func(key string) string {
		if key == "TOKENWARD_GITLAB_TOKEN" {
			return demoToken
		}
		return ""
	}
	a, err := newApp(ctx, &inDemo, c, p, func(*bot.Config) {})
	if err != nil {
		return nil, err
	}
	defer a.close()
	_, report, err := a.bot.Propose(ctx)
	return report, err
}

const (
	// sampleHost is where the sample umbrella believes that its packages are.
	sampleHost = "https://gitlab.example.com/"
	demoToken  = "sandbox-developer"
)
