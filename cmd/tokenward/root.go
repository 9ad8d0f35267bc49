package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func newRootCmd(s *surroundings) *cobra.Command {
	root := &cobra.Command{
		Use:   "tokenward",
		Short: "Keep a platform free of ServiceAccount tokens that nobody needs",
		Long: `tokenward renders what an umbrella chart really deploys, judges with evidence which
pods need the Kubernetes API, and opens paired merge requests: one that configures
the mutating policy in the umbrella, one per package that documents it.`,
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(misused)
	root.AddCommand(newScanCmd(s), newExplainCmd(s), newProposeCmd(s), newServeCmd(s), newDemoCmd(s), newSandboxCmd(s), newHooksCmd(s), newConfigCmd(s), newVersionCmd(s))
	wrapArgs(root)
	for _, c := range root.Commands() {
		if c.Args == nil && !c.HasSubCommands() {
			c.Args = noArguments
		}
	}
	root.CompletionOptions.DisableDefaultCmd = false
	return root
}

// misused is the usage error of a command that does not know its flags or arguments.
func misused(c *cobra.Command, err error) error {
	return usageError{fmt.Errorf("%w: `%s --help` says what there is", err, c.CommandPath())}
}

// noArguments refuses all arguments of a command that has only flags.
func noArguments(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.Flags().Lookup("umbrella") != nil:
		return fmt.Errorf("%s takes no argument (got %q), and the umbrella as --umbrella URL", c.CommandPath(), args[0])
	}
	return fmt.Errorf("%s takes no argument (got %q)", c.CommandPath(), args[0])
}

// wrapArgs makes a wrong number of arguments a usage error.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return misused(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

func newVersionCmd(s *surroundings) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(s.stdout, "tokenward "+version())
			return err
		},
	}
}

// buildVersion is set by the linker; without it the version comes from the build information.
var buildVersion string

func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, kv := range info.Settings {
		if kv.Key == "vcs.revision" && !strings.Contains(v, kv.Value[:12]) {
			v += " " + kv.Value[:12]
		}
	}
	return v
}
