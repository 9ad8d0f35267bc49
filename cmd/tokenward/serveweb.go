package main

import (
	"context"
	"crypto/sha256"
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
	self int64             // the bot's own user, 0 while it is not known
	of   [sha256.Size]byte // the server and token that self was asked with
}

// viewAge is how old the view may be. A package that came with the last minutes' run
// has been looked at by that run.
const viewAge = 10 * time.Second

// webhooks returns what answers GitLab's events. Without a secret, which may come with
// SIGHUP, it believes nobody.
func (v *server) webhooks() (http.Handler, error) {
	v.events = &events{server: v, log: v.log.Warn}
	hooks, err := webhook.New(webhook.Config{
		Secrets: func() (webhook.Secrets, error) {
			secrets, err := v.surroundings.readWebhookSecrets(v.settled())
			if err != nil {
				return webhook.Secrets{}, err
			}
			return secrets.check()
		},
		Inbox: v.queue, View: v.events.now, Log: v.log, Counter: v.seeing.metrics,
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	return hooks, nil
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
	view, err := e.server.view(ctx)
	if err == nil {
		view.Self, err = e.user(ctx)
	}
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

// renew has the view read anew for the next event.
func (e *events) renew() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.read.IsZero() {
		e.read = time.Now().Add(-viewAge)
	}
}

// user returns the id of the user whom the token belongs to, 0 where GitLab does not say:
// then the bot's own events are passed on, and find nothing to do. It is asked once for each token.
func (e *events) user(ctx context.Context) (int64, error) {
	v := e.server
	c := v.settled()
	token, err := v.surroundings.gitlabToken(c) // without one, GitLab is asked in vain
	of := sha256.Sum256([]byte(c.GitLab.URL + "\n" + token))
	if err == nil && e.self != 0 && e.of == of {
		return e.self, nil
	}
	client, err := newForge(v.surroundings, c, true)
	if err != nil {
		return 0, err
	}
	user, err := client.CurrentUser(ctx)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		v.log.Warn("cannot ask GitLab who the token belongs to", "error", err)
	}
	e.self, e.of = user.ID, of
	return e.self, nil
}

// view puts together where the projects are, as the last runs found them, and how the
// bot's issues are told.
func (v *server) view(ctx context.Context) (webhook.View, error) {
	c := v.settled()
	var view webhook.View
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
			Project: webhook.Project{ID: site.ProjectID, Path: site.Project, DefaultBranch: site.DefaultBranch},
		})
		for _, p := range site.Packages {
			if !c.worksOn(p.Namespace) {
				continue
			}
			view.Index.Packages = append(view.Index.Packages, webhook.Package{
				Umbrella: u.Name, Namespace: p.Namespace, Branch: p.Branch,
				Project: webhook.Project{ID: p.ProjectID, Path: p.Project, DefaultBranch: p.DefaultBranch},
			})
		}
	}
	key, err := v.surroundings.stateKey(c)
	if err != nil {
		return view, err
	}
	issue := bot.IssueReader(key, c.MergeRequests.BranchPrefix)
	view.Issue = func(_, description string) (string, bool) { return issue(description) }
	return view, nil
}
