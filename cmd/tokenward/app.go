package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tokenward/analysis/policy"
	"tokenward/analysis/render/worker"
	"tokenward/bot"
	"tokenward/bot/cache"
	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// inputs are the flags that every command with an umbrella has. A flag that is
// given wins over the configuration file and the environment.
type inputs struct {
	configFile  string
	umbrella    string
	ref         string
	gitlab      string
	valuesPaths []string
	values      []string
	insteadOf   []string
	kubeVersion string
	apiVersions []string
	namespaces  []string
	live        liveFiles
	log         logConfig
}

func (in *inputs) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&in.configFile, "config", "", "configuration `FILE` (TOKENWARD_CONFIG)")
	f.StringVar(&in.umbrella, "umbrella", "", "the umbrella: a folder or any git `URL`, file:// included")
	f.StringVar(&in.gitlab, "gitlab", "", "base `URL` of the GitLab server; the token stands in TOKENWARD_GITLAB_TOKEN or a file")
	f.StringVar(&in.ref, "umbrella-ref", "", "`REF` of the umbrella: branch, tag (refs/tags/...) or commit (default its default branch)")
	f.StringArrayVar(&in.valuesPaths, "umbrella-values", nil, "values file inside the umbrella, a `PATH` (repeatable)")
	f.StringArrayVar(&in.values, "values", nil, "values `FILE` of your own for the umbrella (repeatable)")
	f.StringArrayVar(&in.insteadOf, "git-instead-of", nil, "rewrite git URLs that begin with FROM, as `FROM=TO` (repeatable)")
	f.StringVar(&in.kubeVersion, "kube-version", "", "Kubernetes `VERSION` that charts see")
	f.StringSliceVar(&in.apiVersions, "api-versions", nil, "further API `VERSIONS` that charts see (repeatable, or with commas)")
	in.live.register(f)
	f.StringVar(&in.log.Level, "log-level", "", "log outcomes on standard error: `LEVEL` debug, info, warn, error or off")
	f.StringVar(&in.log.Format, "log-format", "", "form of log lines: `FORMAT` text or json")
	f.StringSliceVar(&in.namespaces, "namespace", nil, "work on these `NAMESPACES` only (repeatable, or with commas)")
}

// config loads the configuration and puts the flags on top. There must be an umbrella.
func (in *inputs) config(s *surroundings) (config, error) {
	c, err := in.serviceConfig(s)
	if err == nil && c.Umbrella.URL == "" {
		err = usageError{errors.New("no umbrella: give --umbrella a folder or a git URL, or set umbrella.url in the configuration")}
	}
	return c, err
}

// serviceConfig is config for the service, which may have all its umbrellas in the list.
func (in *inputs) serviceConfig(s *surroundings) (config, error) {
	file := in.configFile
	if file == "" {
		file = s.environ("TOKENWARD_CONFIG")
	}
	c, err := loadConfig(file, s.environ)
	if err != nil {
		return c, err
	}
	set := func(to *string, flag string) {
		if flag != "" {
			*to = flag
		}
	}
	set(&c.Umbrella.URL, in.umbrella)
	set(&c.Umbrella.Ref, in.ref)
	set(&c.GitLab.URL, in.gitlab)
	set(&c.Kubernetes.Version, in.kubeVersion)
	set(&c.Log.Level, in.log.Level)
	set(&c.Log.Format, in.log.Format)
	c.Umbrella.ValuesPaths = append(c.Umbrella.ValuesPaths, in.valuesPaths...)
	c.Umbrella.ValuesFiles = append(c.Umbrella.ValuesFiles, in.values...)
	c.Git.InsteadOf = append(c.Git.InsteadOf, in.insteadOf...)
	c.Kubernetes.APIVersions = append(c.Kubernetes.APIVersions, in.apiVersions...)
	if len(in.namespaces) > 0 {
		c.Namespaces, c.partial = in.namespaces, true
	}
	c.live = in.live
	c.Umbrellas = slices.DeleteFunc(c.Umbrellas, func(u umbrellaConfig) bool { // the flags say how it is looked at
		return in.umbrella != "" && u.URL == in.umbrella && u.called() == c.Umbrella.called()
	})
	if c.Umbrella.URL == "" && len(c.Umbrellas) == 0 {
		return c, usageError{errors.New("no umbrella: give --umbrella a folder or a git URL, or set umbrella.url in the configuration")}
	}
	return c, c.validate()
}

// app is what a command works with.
type app struct {
	bot  *bot.Bot
	pool *worker.Pool // nil where somebody else renders
}

// close ends the app's own render workers. It is of no use after that.
func (a *app) close() {
	if a.pool != nil {
		a.pool.Close()
	}
}

// newApp builds the git store, the GitLab client (where a server is configured and
// needed) and the bot.
func newApp(ctx context.Context, s *surroundings, c config, p *progress, change func(*bot.Config)) (*app, error) {
	kept, err := openCache(s, c)
	if err != nil {
		return nil, err
	}
	store, err := newStore(s, c, kept)
	if err != nil {
		return nil, err
	}
	umbrella, err := c.Umbrella.read()
	if err != nil {
		return nil, err
	}
	beside, err := c.readBeside()
	if err != nil {
		return nil, err
	}
	cfg := bot.Config{
		Umbrella: umbrella, Beside: beside,
		KubeVersion: c.Kubernetes.Version, APIVersions: c.Kubernetes.APIVersions,
		Policies:     policy.Names{Validator: c.Policies.Validator, Mutator: c.Policies.Mutator, DefaultMutator: c.Policies.DefaultMutator},
		PolicyValues: c.Policies.ValuesFile, Namespaces: c.Namespaces, Documentation: c.Documentation, VersionBump: c.VersionBump,
		RemoveStale: c.Drift.Remove == proposeStale, GroupDrift: c.Drift.Group,
		GitLabURL: c.GitLab.URL, BranchPrefix: c.MergeRequests.BranchPrefix, Labels: c.MergeRequests.Labels,
		Workers: c.Workers, Progress: p.step, Log: s.logger(c.Log).With(bot.LogUmbrella, c.Umbrella.called()),
		Now: s.now, Renderer: s.renderer,
	}
	if cfg.Calm, err = c.calm(); err != nil {
		return nil, err
	}
	if cfg.StateKey, err = s.stateKey(c); err != nil {
		return nil, err
	}
	cfg.Reviewing = bot.Reviewing{Usernames: c.Review.Reviewers, CodeOwners: c.Review.CodeOwners, Count: c.Review.Count, Assignees: c.Review.Assignees, Milestone: c.Review.Milestone}
	cfg.Issues = bot.IssueOptions{Tracking: c.Issues.Tracking, Dashboard: c.Issues.Dashboard, Labels: c.Issues.Labels}
	cfg.Partial = c.partial
	if cfg.Signer, err = s.signer(c); err != nil {
		return nil, err
	}
	if cfg.Operators, err = readOperators(c.Judging.OperatorsFile); err != nil {
		return nil, err
	}
	if cfg.Observed, cfg.LiveViolations, err = c.live.read(ctx, c); err != nil {
		return nil, err
	}
	var pool *worker.Pool
	if cfg.Renderer == nil {
		if cfg.Renderer, pool, err = newRenderer(c, kept, p.say); err != nil {
			return nil, err
		}
		cfg.Prepare = pool.Prepare
	}
	if kept != nil {
		cfg.Keeper = kept
	}
	change(&cfg)
	var client *forge.Client
	if c.GitLab.URL != "" && s.hasToken(c) {
		if client, err = newForge(s, c, cfg.DryRun); err != nil {
			return nil, err
		}
	}
	b, err := bot.New(cfg, store, client)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	return &app{bot: b, pool: pool}, nil
}

func newForge(s *surroundings, c config, readOnly bool) (*forge.Client, error) {
	ca, err := readAuthorities(c.GitLab.CAFile)
	if err != nil {
		return nil, err
	}
	client, err := forge.New(forge.Config{
		BaseURL: c.GitLab.URL, Token: func() (string, error) { return s.gitlabToken(c) },
		TokenFor: func(project string) (string, error) { return s.tokenFor(c, project) }, CA: ca,
		UserAgent: "tokenward/" + strings.Fields(version())[0], ReadOnly: readOnly, Timeout: s.patience, Sleep: s.sleep, Observe: s.observe,
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("config: gitlab: %w", err)}
	}
	return client, nil
}

// newStore builds what reads and writes repositories; kept is nil for no cache.
func newStore(s *surroundings, c config, kept *cache.Dir) (*git.Store, error) {
	var rewrites []git.Rewrite
	for _, r := range c.Git.InsteadOf {
		from, to, _ := strings.Cut(r, "=")
		rewrites = append(rewrites, git.Rewrite{From: from, To: to})
	}
	ca, err := readAuthorities(c.GitLab.CAFile)
	if err != nil {
		return nil, err
	}
	most, err := byteCount("git.maxBytes", c.Git.MaxBytes, minRepository)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	longest, err := duration(c.Git.MaxTime)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: git.maxTime: %w", err)}
	}
	cfg := git.Config{
		MaxBytes: most, MaxUnpacked: most, MaxTime: longest,
		InsteadOf: rewrites, Places: c.places(), CA: ca, SSHKeyFile: c.Git.SSHKeyFile, KnownHostsFiles: nonEmpty(c.Git.KnownHostsFile), SSHAgentSocket: s.environ("SSH_AUTH_SOCK"),
		SSHKeyPassphrase: func() ([]byte, error) { return []byte(s.secretVariable("TOKENWARD_SSH_PASSPHRASE")), nil },
		ResponseTimeout:  s.patience,
		Credentials:      func(remote string) (*git.Credential, error) { return s.credential(c, remote) },
	}
	if kept != nil {
		cfg.Keeper = kept
	}
	store, err := git.New(cfg)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: git: %w", err)}
	}
	return store, nil
}

// signer reads the key that signs commits, nil without one.
func (s *surroundings) signer(c config) (git.Signer, error) {
	if c.Commits.SigningKeyFile == "" {
		return nil, nil
	}
	key, err := os.ReadFile(c.Commits.SigningKeyFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: commits.signingKeyFile: %w", err)}
	}
	s.secrets.Add(string(key))
	signer, err := git.NewSigner(key, func() ([]byte, error) { return []byte(s.secretVariable("TOKENWARD_SIGNING_PASSPHRASE")), nil })
	if err != nil {
		return nil, usageError{fmt.Errorf("config: commits.signingKeyFile: %w", err)}
	}
	return signer, nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// readAuthorities reads the file of certificate authorities, nil where none is named.
func readAuthorities(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: gitlab.caFile: %w", err)}
	}
	if !x509.NewCertPool().AppendCertsFromPEM(raw) {
		return nil, usageError{fmt.Errorf("config: gitlab.caFile: %s holds no certificate in PEM form", file)}
	}
	return raw, nil
}

// parseRef reads a branch, refs/tags/TAG or a full commit hash.
func parseRef(ref string) git.Ref {
	switch {
	case len(ref) == 40 && strings.Trim(ref, "0123456789abcdef") == "":
		return git.Ref{Commit: ref}
	case strings.HasPrefix(ref, "refs/tags/"):
		return git.Ref{Tag: strings.TrimPrefix(ref, "refs/tags/")}
	default:
		return git.Ref{Branch: strings.TrimPrefix(ref, "refs/heads/")}
	}
}
