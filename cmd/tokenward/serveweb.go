package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"tokenward/bot"
	"tokenward/bot/service"
	"tokenward/bot/webhook"
)

// events is what webhooks are judged against. It is read anew when it is old, since
// other replicas run, too.
type events struct {
	server *server
	log    func(msg string, args ...any)

	mu   sync.Mutex
	view webhook.View
	read time.Time
}

// viewAge is how old the view may be. A package that came with the last minutes' run
// has been looked at by that run.
const viewAge = 10 * time.Second

// webhooks returns what answers GitLab's events, nil where no secret is configured.
func (v *server) webhooks() (http.Handler, error) {
	secrets, err := v.surroundings.readWebhookSecrets(v.settled())
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	if len(secrets.tokens)+len(secrets.signing) == 0 {
		v.log.Warn("no webhooks: " + errNoWebhookSecret.Error())
		return nil, nil
	}
	e := &events{server: v, log: v.log.Warn}
	return webhook.New(webhook.Config{
		Secrets: func() (webhook.Secrets, error) {
			secrets, err := v.surroundings.readWebhookSecrets(v.settled())
			if err != nil {
				return webhook.Secrets{}, err
			}
			return secrets.check()
		},
		Inbox: v.queue, View: e.now, Log: v.log, Counter: v.seeing.metrics,
	})
}

// now returns the view. One that cannot be read anew stays; without any, nothing is taken in.
func (e *events) now() (webhook.View, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if time.Since(e.read) < viewAge {
		return e.view, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	view, err := e.server.view(ctx, e.view.Self)
	switch {
	case err != nil && e.read.IsZero():
		return view, err
	case err != nil:
		e.log("cannot read anew what webhooks are judged against", "error", err)
	default:
		e.view = view
	}
	e.read = time.Now()
	return e.view, nil
}

// view puts together where the projects are, as the last runs found them, who the bot
// is, and how its issues are told.
func (v *server) view(ctx context.Context, self int64) (webhook.View, error) {
	c := v.settled()
	view := webhook.View{Self: self}
	sites, err := v.service.Sites(ctx)
	if err != nil {
		return view, err
	}
	all, err := c.allUmbrellas()
	if err != nil {
		return view, err
	}
	for _, u := range all {
		site, scanned := sites[u.Name]
		if site.Project == "" {
			// It was never scanned, or not found: then it is where the configuration says.
			b, err := v.builder(c, u, all)(ctx, service.Scope{})
			if err != nil {
				return view, err
			}
			site.Project = b.UmbrellaProject()
		}
		ref := parseRef(u.Ref)
		view.Index.Umbrellas = append(view.Index.Umbrellas, webhook.Umbrella{
			Name: u.Name, Branch: ref.Branch, Unscanned: !scanned, BranchPrefix: c.MergeRequests.BranchPrefix,
			Project: webhook.Project{Path: site.Project, DefaultBranch: site.DefaultBranch},
		})
		for _, p := range site.Packages {
			if !c.worksOn(p.Namespace) {
				continue
			}
			view.Index.Packages = append(view.Index.Packages, webhook.Package{
				Umbrella: u.Name, Namespace: p.Namespace, Branch: p.Branch,
				Project: webhook.Project{Path: p.Project, DefaultBranch: p.DefaultBranch},
			})
		}
	}
	key, err := v.surroundings.stateKey(c)
	if err != nil {
		return view, err
	}
	issue := bot.IssueReader(key, c.MergeRequests.BranchPrefix)
	view.Issue = func(_, description string) (string, bool) { return issue(description) }
	if view.Self == 0 {
		client, err := newForge(v.surroundings, c, true)
		if err != nil {
			return view, err
		}
		// Without an answer the bot's own events are passed on, and find nothing to do.
		if user, err := client.CurrentUser(ctx); err == nil {
			view.Self = user.ID
		} else if !errors.Is(err, context.DeadlineExceeded) {
			v.log.Warn("cannot ask GitLab who the token belongs to", "error", err)
		}
	}
	return view, nil
}
