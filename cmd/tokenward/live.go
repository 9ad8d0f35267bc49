package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/analysis/live"
	"tokenward/bot"
)

// liveFiles are files with evidence from a live platform.
type liveFiles struct{ auditLogs, policyReports, events []string }

func (l *liveFiles) register(f *pflag.FlagSet) {
	f.StringArrayVar(&l.auditLogs, "audit-log", nil, "Kubernetes audit log, JSON lines, a `FILE` (repeatable)")
	f.StringArrayVar(&l.policyReports, "policy-report", nil, "PolicyReports as kubectl prints them with -o json, a `FILE` (repeatable)")
	f.StringArrayVar(&l.events, "events", nil, "PolicyViolation events as kubectl prints them with -o json, a `FILE` (repeatable)")
}

// read streams the files; what is not given is nil.
func (l liveFiles) read(ctx context.Context, c config) (observed *live.Observations, violations *live.Violations, err error) {
	if len(l.auditLogs) > 0 {
		observed = &live.Observations{}
		if err := each(l.auditLogs, func(r io.Reader, name string) error { return live.ReadAudit(ctx, r, name, observed) }); err != nil {
			return nil, nil, err
		}
	}
	if reports := append(l.policyReports, l.events...); len(reports) > 0 {
		violations = &live.Violations{Policies: []string{c.Policies.Validator, c.Policies.Mutator, c.Policies.DefaultMutator}}
		if err := each(reports, func(r io.Reader, name string) error { return live.ReadViolations(ctx, r, name, violations) }); err != nil {
			return nil, nil, err
		}
	}
	return observed, violations, nil
}

func each(files []string, read func(io.Reader, string) error) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return usageError{fmt.Errorf("open evidence: %w", err)}
		}
		err = read(f, name)
		if closing := f.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return usageError{err}
		}
	}
	return nil
}

// readOperators reads the user's additions to the operator table.
func readOperators(file string) ([]analysis.Operator, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: judging.operatorsFile: %w", err)}
	}
	var operators []analysis.Operator
	if err := yaml.UnmarshalStrict(raw, &operators); err != nil {
		return nil, usageError{fmt.Errorf("config: judging.operatorsFile: %s: %w", file, err)}
	}
	for _, o := range operators {
		if err := o.Validate(); err != nil {
			return nil, usageError{fmt.Errorf("config: judging.operatorsFile: %s: %w", file, err)}
		}
	}
	return operators, nil
}

func (c config) calm() (bot.Calm, error) {
	window, err := bot.ParseWindow(c.Limits.Window)
	if err != nil {
		return bot.Calm{}, usageError{fmt.Errorf("config: limits.window: %w", err)}
	}
	return bot.Calm{OpenUnits: c.Limits.OpenUnits, PerHour: c.Limits.PerHour, Window: window, Onboarding: c.Limits.Onboarding}, nil
}

func (s *surroundings) stateKey(c config) ([]byte, error) {
	if c.MergeRequests.StateKeyFile == "" && s.environ("TOKENWARD_STATE_KEY") == "" {
		return nil, nil
	}
	key, err := s.needed("TOKENWARD_STATE_KEY", c.MergeRequests.StateKeyFile, "mergeRequests.stateKeyFile")
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	return []byte(key), nil
}
