package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newConfigCmd(s *surroundings) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check the configuration and the rights that it needs, or print its schema",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("config needs a subcommand: validate, check or schema")}
		}}
	c.AddCommand(newConfigValidateCmd(s), newConfigCheckCmd(s), newConfigSchemaCmd(s))
	return c
}

func newConfigValidateCmd(s *surroundings) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "validate [FILE]", Short: "Check a configuration file and the environment", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			if file == "" {
				file = s.environ("TOKENWARD_CONFIG")
			}
			config, err := loadConfig(file, s.environ)
			if err != nil {
				return err
			}
			if err := config.validate(); err != nil {
				return err
			}
			if _, err := config.allUmbrellas(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.stdout, "The configuration is valid.")
			return err
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `FILE` (TOKENWARD_CONFIG)")
	return c
}

func newConfigSchemaCmd(s *surroundings) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the configuration's JSON schema", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			schema, err := configSchema()
			if err != nil {
				return fmt.Errorf("print the schema: %w", err)
			}
			_, err = s.stdout.Write(schema)
			return err
		},
	}
}
