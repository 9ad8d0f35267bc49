package sandbox

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IGLOU-EU/go-wildcard"
)

// The kinds of events that a hook can ask for, as its parameters name them.
const (
	pushEvents              = "push_events"
	tagPushEvents           = "tag_push_events"
	mergeRequestEvents      = "merge_requests_events"
	noteEvents              = "note_events"
	confidentialNoteEvents  = "confidential_note_events"
	issueEvents             = "issues_events"
	confidentialIssueEvents = "confidential_issues_events"
)

// hookEvents are all kinds of events of GitLab's project hooks. Those that are
// not named above never happen here.
var hookEvents = strings.Fields(pushEvents + " " + tagPushEvents + " " + mergeRequestEvents + " " + noteEvents + " " + confidentialNoteEvents + " " +
	issueEvents + " " + confidentialIssueEvents + " " +
	"job_events pipeline_events wiki_page_events deployment_events releases_events milestone_events feature_flag_events emoji_events resource_access_token_events")

const hookParams = "url name description token signing_token enable_ssl_verification push_events_branch_filter branch_filter_strategy " +
	"push_events tag_push_events merge_requests_events note_events confidential_note_events issues_events confidential_issues_events " +
	"job_events pipeline_events wiki_page_events deployment_events releases_events milestone_events feature_flag_events emoji_events resource_access_token_events"

// hook is a webhook of a project or a group. It never changes: an update puts
// another one in its place.
type hook struct {
	id                int
	url               string
	name, description string
	token             string // secret
	signingKey        []byte // secret
	verify            bool
	branches          string // pattern of the branches whose pushes count
	strategy          string // wildcard, regex or all_branches
	events            map[string]bool
	createdAt         time.Time
}

// GitLab's limits for one project and one group.
const (
	mostHooks      = 100
	mostGroupHooks = 50
)

// wants says whether the hook is to hear of an event; branch is empty for those
// that have none.
func (h *hook) wants(kind, branch string) bool {
	if !h.events[kind] {
		return false
	}
	switch {
	case branch == "" || h.branches == "" || h.strategy == "all_branches":
		return true
	case h.strategy == "regex":
		return matches(h.branches, branch)
	}
	return wildcard.MatchSimple(h.branches, branch)
}

// hooksOf returns the hooks of a project and of the groups above it.
func (s *Server) hooksOf(p *project) []*hook { return append(s.groups.above(p.path), p.hooks...) }

// heard says whether any hook is to hear of an event in p.
func (s *Server) heard(p *project, kind, branch string) bool {
	return slices.ContainsFunc(s.hooksOf(p), func(h *hook) bool { return h.wants(kind, branch) })
}

// fire sends an event to the hooks that want it.
func (c *call) fire(kind, branch, event string, payload map[string]any) {
	body, err := json.Marshal(payload)
	if err != nil {
		c.server.cfg.Log.Error("sandbox webhook", "event", event, "error", err)
		return
	}
	eventID := newUUID()
	for _, h := range c.server.hooksOf(c.project) {
		now := c.server.cfg.Now()
		if h.wants(kind, branch) && c.server.hookState(h, now).works() {
			c.server.postman.add(Delivery{
				Project: c.project.path, HookID: h.id, URL: h.url, Event: event, At: now,
				Header: h.header(event, eventID, c.base, now, body), Body: body,
			})
		}
	}
}

func (c *call) hookJSON(h *hook) map[string]any {
	state := c.server.hookState(h, c.server.cfg.Now())
	out := map[string]any{
		"id": h.id, "url": h.url, "name": h.name, "description": h.description,
		"created_at": stamp(h.createdAt), "enable_ssl_verification": h.verify, "alert_status": state.status, "disabled_until": stamp(state.until),
		"push_events_branch_filter": orNull(h.branches), "branch_filter_strategy": h.strategy,
		"url_variables": []string{}, "custom_headers": []string{}, "custom_webhook_template": nil, "repository_update_events": false,
		"token_present": h.token != "", "signing_token_present": len(h.signingKey) > 0,
	}
	if c.project != nil { // groups have no ids here
		out["project_id"] = c.project.id
	}
	for _, kind := range hookEvents {
		out[kind] = h.events[kind]
	}
	return out
}

// hooks are those of the project or the group that the path names.
func (c *call) hooks() *[]*hook {
	if c.project != nil {
		return &c.project.hooks
	}
	return c.server.groups.own(c.request.PathValue("id"))
}

func (c *call) listHooks(context.Context) (*reply, error) {
	var all []map[string]any
	for _, h := range *c.hooks() {
		all = append(all, c.hookJSON(h))
	}
	return paged(c, all)
}

// pathHook returns the hook that the path names.
func (c *call) pathHook() (*hook, error) {
	for _, h := range *c.hooks() {
		if strconv.Itoa(h.id) == c.request.PathValue("hook") {
			return h, nil
		}
	}
	return nil, errNotFound
}

func (c *call) getHook(context.Context) (*reply, error) {
	h, err := c.pathHook()
	if err != nil {
		return nil, err
	}
	return ok(c.hookJSON(h)), nil
}

func (c *call) createHook(context.Context) (*reply, error) {
	if err := c.params.require("url"); err != nil {
		return nil, err
	}
	most, sort := mostHooks, "project"
	if c.project == nil {
		most, sort = mostGroupHooks, "group"
	}
	if len(*c.hooks()) >= most {
		return nil, fail(http.StatusUnprocessableEntity, map[string][]string{"base": {fmt.Sprintf("Maximum number of %s hooks (%d) exceeded", sort, most)}})
	}
	h := hook{strategy: "wildcard", verify: true, events: map[string]bool{pushEvents: true}, createdAt: c.server.cfg.Now()}
	if err := c.setHook(&h); err != nil {
		return nil, err
	}
	h.id = c.server.nextID()
	*c.hooks() = append(*c.hooks(), &h)
	return created(c.hookJSON(&h)), nil
}

func (c *call) updateHook(context.Context) (*reply, error) {
	h, err := c.pathHook()
	if err != nil {
		return nil, err
	}
	changed := *h
	changed.events = map[string]bool{}
	maps.Copy(changed.events, h.events)
	if err := c.setHook(&changed); err != nil {
		return nil, err
	}
	list := *c.hooks()
	list[slices.Index(list, h)] = &changed
	return ok(c.hookJSON(&changed)), nil
}

func (c *call) deleteHook(context.Context) (*reply, error) {
	h, err := c.pathHook()
	if err != nil {
		return nil, err
	}
	*c.hooks() = slices.DeleteFunc(*c.hooks(), func(other *hook) bool { return other == h })
	return &reply{status: http.StatusNoContent}, nil
}

// setHook sets what the parameters say.
func (c *call) setHook(h *hook) error {
	for name, into := range map[string]*string{
		"url": &h.url, "name": &h.name, "description": &h.description, "token": &h.token, "push_events_branch_filter": &h.branches,
	} {
		if text, given := c.params.text(name); given {
			*into = text
		}
	}
	if err := checkHookURL(h.url); err != nil {
		return err
	}
	if strategy, given := c.params.text("branch_filter_strategy"); given {
		if !slices.Contains([]string{"wildcard", "regex", "all_branches"}, strategy) {
			return invalid("branch_filter_strategy does not have a valid value")
		}
		h.strategy = strategy
	}
	if _, err := regexp.Compile(h.branches); h.strategy == "regex" && err != nil {
		return fail(http.StatusUnprocessableEntity, map[string][]string{"push_events_branch_filter": {"must be a valid regular expression"}})
	}
	if text, given := c.params.text("signing_token"); given && !c.server.cfg.UnsignedHooks {
		key, err := signingKey(text)
		if err != nil {
			return fail(http.StatusUnprocessableEntity, map[string][]string{"signing_token": {err.Error()}})
		}
		h.signingKey = key
	}
	if verify, given, err := c.params.flag("enable_ssl_verification"); err != nil {
		return err
	} else if given {
		h.verify = verify
	}
	for _, kind := range hookEvents {
		on, given, err := c.params.flag(kind)
		if err != nil {
			return err
		}
		if given {
			h.events[kind] = on
		}
	}
	return nil
}

// signingKey reads whsec_ and 32 bytes in base64; an empty text takes the key away.
func signingKey(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	encoded, prefixed := strings.CutPrefix(text, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !prefixed || err != nil || len(key) != 32 {
		return nil, fmt.Errorf("must be whsec_ followed by 32 bytes in base64")
	}
	return key, nil
}

// checkHookURL refuses receivers on other machines.
func checkHookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return &apiError{http.StatusUnprocessableEntity, map[string]any{"error": "Invalid url given"}}
	}
	if address, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && address.Unmap().IsLoopback() {
		return nil
	}
	return &apiError{http.StatusUnprocessableEntity, map[string]any{
		"error": "Invalid url given: the sandbox delivers to loopback addresses only, not to " + net.JoinHostPort(u.Hostname(), u.Port())}}
}
