package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tokenward/bot"
	"tokenward/gitops/forge"
)

type hooksOptions struct {
	inputs
	url     string
	group   string
	dryRun  bool
	secrets bool
}

func newHooksCmd(s *surroundings) *cobra.Command {
	parent := &cobra.Command{
		Use: "hooks", Short: "Set up GitLab's webhooks, or look at them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	add := func(use, short, long string, do func(*hookRun, context.Context) error) {
		o := &hooksOptions{}
		c := &cobra.Command{
			Use: use, Short: short, Long: long, Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error { return runHooks(cmd.Context(), s, o, do) },
		}
		o.register(c)
		c.Flags().StringVar(&o.url, "url", "", "`ADDRESS` at which GitLab reaches the service (webhooks.url)")
		c.Flags().StringVar(&o.group, "group", "", "one hook of this `GROUP` instead of one of every project (GitLab Premium, Owner)")
		parent.AddCommand(c)
		if use == "install" {
			c.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be done and touch nothing")
			c.Flags().BoolVar(&o.secrets, "secrets", false, "set the secrets again, after a rotation: GitLab does not show them")
		}
	}
	add("install", "Give every umbrella and package a webhook, or mend it",
		`Give every umbrella and package a webhook, or mend it. It exits with 3 if one could not
be looked at or set.`, (*hookRun).install)
	add("status", "Say how the webhooks are and how the last deliveries went",
		`Say how the webhooks are and how the last deliveries went. It exits with 1 if one is
missing, switched off or otherwise than install would set it, and with 3 if one could
not be looked at.`, (*hookRun).status)
	return parent
}

// hookRun is one look at the hooks of all owners.
type hookRun struct {
	options *hooksOptions
	out     strings.Builder // a line for each owner
	client  *forge.Client
	want    forge.HookSettings // without events
	hook    *forge.Hook        // of the owner that is looked at, nil if it has none
	twins   int                // further hooks with the same address
	owner   forge.HookOwner
	of      string // the umbrellas that the owner is of, "" where there is only one
	differs int    // hooks that status found missing or otherwise than wanted
	failed  int    // hooks that could not be looked at or set
	unknown int    // umbrellas whose projects are not known
}

func runHooks(ctx context.Context, s *surroundings, o *hooksOptions, do func(*hookRun, context.Context) error) error {
	c, err := o.serviceConfig(s)
	if err != nil {
		return err
	}
	if o.url != "" {
		c.Webhooks.URL = o.url
		if err := c.validate(); err != nil {
			return err
		}
	}
	switch {
	case c.Webhooks.URL == "":
		return usageError{errors.New("no address: give --url or set webhooks.url")}
	case c.GitLab.URL == "" || !s.hasToken(c):
		return usageError{errors.New("hooks need a GitLab server and a token: set gitlab.url and TOKENWARD_GITLAB_TOKEN or gitlab.tokenFile")}
	}
	secrets, err := s.readWebhookSecrets(c)
	if err != nil {
		return usageError{fmt.Errorf("config: %w", err)}
	}
	if len(secrets.tokens)+len(secrets.signing) == 0 {
		return usageError{errNoWebhookSecret}
	}
	r := &hookRun{options: o, want: forge.HookSettings{URL: c.Webhooks.URL}}
	if len(secrets.tokens) > 0 {
		r.want.Token = secrets.tokens[0]
	}
	if len(secrets.signing) > 0 {
		r.want.SigningToken = secrets.signing[0]
	}
	if r.client, err = newForge(s, c, o.dryRun); err != nil {
		return err
	}
	err = r.all(ctx, s, c, do)
	if _, writeErr := io.WriteString(s.stdout, printable(r.out.String())); err == nil {
		err = writeErr
	}
	return err
}

// all looks at every owner in turn; what fails with one is said and costs no other.
func (r *hookRun) all(ctx context.Context, s *surroundings, c config, do func(*hookRun, context.Context) error) error {
	issues := c.Issues.Tracking || c.Issues.Dashboard
	if r.options.group != "" {
		r.one(ctx, forge.GroupHooks(r.options.group), wantedEvents(issues), do)
		return r.end()
	}
	projects, err := r.projects(ctx, s, c)
	if err != nil {
		return err
	}
	umbrellas, err := c.allUmbrellas()
	if err != nil {
		return err
	}
	for _, h := range projects {
		if len(umbrellas) > 1 {
			r.of = " of umbrella " + strings.Join(h.of, ", ")
		}
		project, err := r.client.Project(ctx, h.path)
		switch {
		case err != nil:
			r.fail(h.path, err)
		case project.AccessLevel != 0 && project.AccessLevel < forge.Maintainer:
			r.fail(project.Path, errors.New("the token's user must be a Maintainer to see and set webhooks"))
		default:
			r.one(ctx, forge.ProjectHooks(project), wantedEvents(issues && h.umbrella), do)
		}
	}
	return r.end()
}

// hooked is a project that is to have a hook.
type hooked struct {
	path     string
	umbrella bool     // an umbrella's own, in which the bot's issues are
	of       []string // the umbrellas that it is of
}

// projects lists the projects of all umbrellas, each once. An umbrella whose projects
// cannot be found costs no other.
func (r *hookRun) projects(ctx context.Context, s *surroundings, c config) ([]hooked, error) {
	var all []hooked
	err := eachUmbrella(ctx, s, c, func(name string, b *bot.Bot) error {
		site, err := b.Discover(ctx)
		if err == nil && site.Project == "" {
			err = errors.New("it is not on the configured GitLab server: give --group, or git.insteadOf")
		}
		if err != nil {
			r.unknown++
			fmt.Fprintf(&r.out, "FAILED umbrella %s: %v\n", name, err)
			return nil // it is told with the others
		}
		for _, path := range site.Projects() {
			i := slices.IndexFunc(all, func(h hooked) bool { return strings.EqualFold(h.path, path) })
			if i < 0 {
				i, all = len(all), append(all, hooked{path: path})
			}
			all[i].umbrella = all[i].umbrella || path == site.Project
			if !slices.Contains(all[i].of, name) {
				all[i].of = append(all[i].of, name)
			}
		}
		return nil
	})
	return all, err
}

// wantedEvents are the events that mean work.
func wantedEvents(issues bool) map[string]bool {
	events := map[string]bool{"push_events": true, "tag_push_events": true, "merge_requests_events": true, "note_events": true}
	if issues {
		events["issues_events"], events["confidential_issues_events"] = true, true
	}
	return events
}

func (r *hookRun) one(ctx context.Context, o forge.HookOwner, events map[string]bool, do func(*hookRun, context.Context) error) {
	all, err := r.client.Hooks(ctx, o)
	if err != nil {
		r.fail(o.String(), err)
		return
	}
	r.owner, r.hook, r.twins, r.want.Events = o, nil, -1, events
	for i, h := range all {
		if h.URL != r.want.URL {
			continue
		}
		if r.twins++; r.hook == nil {
			r.hook = &all[i]
		}
	}
	if r.hook != nil {
		for name, on := range r.hook.Events {
			if on && !events[name] {
				events[name] = false // it means no work, and costs a call each time
			}
		}
	}
	if err := do(r, ctx); err != nil {
		r.fail(o.String(), err)
	}
}

// tooMany says that there are further hooks with the same address, "" if there are none.
func (r *hookRun) tooMany() string {
	if r.twins <= 0 {
		return ""
	}
	return counted(r.twins, "further hook") + " with the same address: delete what is too much in GitLab"
}

// install creates or mends one hook. What only a person can delete is an error.
func (r *hookRun) install(ctx context.Context) error {
	if err := r.mend(ctx); err != nil {
		return err
	}
	if tooMany := r.tooMany(); tooMany != "" {
		return errors.New(tooMany)
	}
	return nil
}

func (r *hookRun) mend(ctx context.Context) error {
	word, reasons := "created", []string{}
	if r.hook != nil {
		if reasons = r.hook.Differences(r.want); r.options.secrets {
			reasons = append(reasons, "the secrets are set again")
		}
		if word = "changed"; len(reasons) == 0 {
			r.say("unchanged")
			return nil
		}
	}
	what := strings.Join(append([]string{word}, reasons...), "; ")
	if r.options.dryRun {
		r.say("would be " + what)
		return nil
	}
	var now forge.Hook
	var err error
	if r.hook == nil {
		now, err = r.client.CreateHook(ctx, r.owner, r.want)
	} else {
		now, err = r.client.UpdateHook(ctx, r.owner, r.hook.ID, r.want)
	}
	if err != nil {
		return err
	}
	return r.check(now, what)
}

// check reads back what GitLab made of the settings. A server that is too old for
// signing tokens passes them over in silence.
func (r *hookRun) check(now forge.Hook, what string) error {
	left := now.Differences(r.want)
	if i := slices.Index(left, forge.Unsigned); i >= 0 && r.want.Token != "" {
		left = slices.Delete(left, i, i+1)
		what += "; GitLab does not sign (19.0 or later does): the token alone protects it"
	}
	if len(left) > 0 {
		return fmt.Errorf("GitLab did not take all settings: %s", strings.Join(left, "; "))
	}
	r.say(what)
	return nil
}

// shownDeliveries is how many deliveries status shows.
const shownDeliveries = 5

// status says how one hook is.
func (r *hookRun) status(ctx context.Context) error {
	if r.hook == nil {
		r.say("missing: it has no hook with this address: run tokenward hooks install")
		r.differs++
		return nil
	}
	words := []string{r.hook.AlertStatus}
	if r.hook.AlertStatus == "" {
		words[0] = "present"
	}
	if r.hook.DisabledUntil != nil {
		words[0] += " until " + r.hook.DisabledUntil.UTC().Format("2006-01-02 15:04:05 MST")
	}
	differences := r.hook.Differences(r.want)
	words = append(words, differences...)
	deliveries, err := r.client.HookDeliveries(ctx, r.owner, r.hook.ID)
	switch {
	case errors.Is(err, forge.ErrNotFound): // of older servers
		words = append(words, "the server does not tell about deliveries")
	case err != nil:
		return err
	case len(deliveries) == 0:
		words = append(words, "no deliveries yet")
	}
	for _, d := range deliveries[:min(len(deliveries), shownDeliveries)] {
		words = append(words, d.Trigger+" "+d.Status)
	}
	tooMany := r.tooMany()
	if tooMany != "" {
		words = append(words, tooMany)
	}
	r.say(strings.Join(words, "; "))
	if len(differences) > 0 || tooMany != "" || words[0] != "executable" && words[0] != "present" {
		r.differs++
	}
	return nil
}

func (r *hookRun) say(what string) { fmt.Fprintf(&r.out, "%s%s: %s\n", r.owner, r.of, what) }

func (r *hookRun) fail(name string, err error) {
	r.failed++
	fmt.Fprintf(&r.out, "FAILED %s%s: %v\n", name, r.of, err)
}

func (r *hookRun) end() error {
	var reasons []string
	if r.unknown > 0 {
		reasons = append(reasons, counted(r.unknown, "umbrella")+" not looked at")
	}
	if r.failed > 0 {
		reasons = append(reasons, counted(r.failed, "hook")+" could not be looked at or set")
	}
	if len(reasons) > 0 {
		return failedError{strings.Join(reasons, "; ")}
	}
	if r.differs > 0 {
		return findingsError{}
	}
	return nil
}
