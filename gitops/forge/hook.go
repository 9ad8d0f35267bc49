package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xanzy/go-gitlab"
)

const (
	opListHooks  = "list the webhooks of"
	opCreateHook = "add a webhook to"
	opUpdateHook = "change a webhook of"
	opDeliveries = "read the deliveries of a webhook of"
)

// HookOwner is a project or a group that has webhooks.
type HookOwner struct {
	path string // in the API
	name string // for people
}

// ProjectHooks names the hooks of a project, for which the token's user must be a
// Maintainer; GroupHooks those of a group with all its projects (Premium), for an Owner.
func ProjectHooks(p Project) HookOwner {
	return HookOwner{fmt.Sprintf("projects/%d/hooks", p.ID), p.Path}
}

// GroupHooks is described at ProjectHooks.
func GroupHooks(path string) HookOwner {
	path = strings.Trim(path, "/")
	return HookOwner{"groups/" + gitlab.PathEscape(path) + "/hooks", path}
}

func (o HookOwner) String() string { return o.name }

// Hook is a webhook as GitLab tells of it: without its secrets.
type Hook struct {
	ID  int64  `json:"id"`
	URL string `json:"url"`
	// Events are the kinds of events by GitLab's names for the parameters, as
	// push_events, with whether the hook hears of them.
	Events map[string]bool `json:"-"`
	// BranchFilter narrows push events, "" if it does not.
	BranchFilter    string `json:"push_events_branch_filter"`
	SSLVerification bool   `json:"enable_ssl_verification"`
	// TokenPresent and SigningTokenPresent are nil where GitLab is too old to tell.
	TokenPresent        *bool `json:"token_present"`
	SigningTokenPresent *bool `json:"signing_token_present"`
	// AlertStatus is executable, temporarily_disabled or disabled; "" where GitLab
	// does not tell.
	AlertStatus   string     `json:"alert_status"`
	DisabledUntil *time.Time `json:"disabled_until"`
}

func (h *Hook) named() bool { return h.ID > 0 }

// UnmarshalJSON also collects what ends in _events.
func (h *Hook) UnmarshalJSON(raw []byte) error {
	type plain Hook
	if err := json.Unmarshal(raw, (*plain)(h)); err != nil {
		return err
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	h.Events = map[string]bool{}
	for name, value := range all {
		if on, ok := value.(bool); ok && strings.HasSuffix(name, "_events") {
			h.Events[name] = on
		}
	}
	return nil
}

// HookSettings is what to set on a hook.
type HookSettings struct {
	URL    string
	Events map[string]bool // those that are not named stay as they are
	// Token and SigningToken are secrets; "" leaves what is there.
	Token, SigningToken string
}

func (s HookSettings) body() map[string]any {
	body := map[string]any{"url": s.URL, "enable_ssl_verification": true, "push_events_branch_filter": ""}
	for name, on := range s.Events {
		body[name] = on
	}
	if s.Token != "" {
		body["token"] = s.Token
	}
	if s.SigningToken != "" {
		body["signing_token"] = s.SigningToken
	}
	return body
}

// Hooks lists all hooks of an owner.
func (c *Client) Hooks(ctx context.Context, o HookOwner) ([]Hook, error) {
	return listed[Hook](ctx, c, opListHooks, o.name, o.path, query{})
}

// CreateHook adds a hook. Where an answer does not tell whether GitLab acted, it
// looks for one with the same URL before it tries again.
func (c *Client) CreateHook(ctx context.Context, o HookOwner, s HookSettings) (Hook, error) {
	var made Hook
	err := c.createOnce(ctx,
		func() error {
			return c.write(ctx, opCreateHook, o.name, once, http.MethodPost, o.path, s.body(), &made)
		},
		func() (bool, error) {
			all, err := c.Hooks(ctx, o)
			i := slices.IndexFunc(all, func(h Hook) bool { return h.URL == s.URL })
			if i >= 0 {
				made = all[i]
			}
			return i >= 0, err
		})
	return made, err
}

// UpdateHook sets what s says. GitLab tells nothing about a signing token that it is
// too old for, so that the result must be looked at.
func (c *Client) UpdateHook(ctx context.Context, o HookOwner, id int64, s HookSettings) (Hook, error) {
	var now Hook
	err := c.write(ctx, opUpdateHook, o.name, again, http.MethodPut, fmt.Sprintf("%s/%d", o.path, id), s.body(), &now)
	return now, err
}

// HookDelivery is one call that GitLab made for a hook.
type HookDelivery struct {
	Trigger string // as push_hooks
	Status  string // of the answer, as 200, or GitLab's words where there was none
}

// HookDeliveries returns the newest calls of a hook, newest first. GitLab keeps them
// for some days.
func (c *Client) HookDeliveries(ctx context.Context, o HookOwner, id int64) ([]HookDelivery, error) {
	var rows []struct {
		Trigger string `json:"trigger"`
		Status  any    `json:"response_status"`
	}
	if err := c.read(ctx, opDeliveries, o.name, fmt.Sprintf("%s/%d/events", o.path, id), &rows); err != nil {
		return nil, err
	}
	var out []HookDelivery
	for _, r := range rows {
		out = append(out, HookDelivery{Trigger: r.Trigger, Status: fmt.Sprint(r.Status)})
	}
	return out, nil
}

// Unsigned is the difference of a hook that has no signing token.
const Unsigned = "it does not sign"

// Differences says in words what is otherwise than s wants, secrets aside: GitLab
// does not tell them, only whether there is one.
func (h Hook) Differences(s HookSettings) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Events)) {
		if now, told := h.Events[name]; now != s.Events[name] && (told || s.Events[name]) {
			out = append(out, fmt.Sprintf("%s is %t", name, now))
		}
	}
	if !h.SSLVerification {
		out = append(out, "enable_ssl_verification is false")
	}
	if h.BranchFilter != "" {
		out = append(out, "push_events_branch_filter is set")
	}
	if s.Token != "" && h.TokenPresent != nil && !*h.TokenPresent {
		out = append(out, "it has no token")
	}
	if s.SigningToken != "" && (h.SigningTokenPresent == nil || !*h.SigningTokenPresent) {
		out = append(out, Unsigned)
	}
	return out
}
