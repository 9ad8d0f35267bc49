package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const apiPrefix = "/api/v4"

// version is what the server claims to be; go by the features, not by it.
const version = "17.11.0-sandbox"

// route is one call of the API.
type route struct {
	pattern string // as http.ServeMux has it, without the prefix
	access  int    // the level needed on the project, where there is one
	params  string // the parameters that the route understands beside paging
	handle  func(*call, context.Context) (*reply, error)
}

const mergeRequestListParams = "state iids[] source_branch target_branch author_id author_username not[author_username] labels search in scope draft wip order_by sort created_after created_before updated_after updated_before view with_labels_details with_merge_status_recheck"

// apiRoutes is the whole API.
var apiRoutes = []route{
	{"GET /version", 0, "", (*call).getVersion},
	{"GET /metadata", 0, "", (*call).getMetadata},
	{"GET /user", 0, "", (*call).getUser},
	{"GET /personal_access_tokens/self", 0, "", (*call).getToken},
	{"GET /users", 0, "username search active", (*call).listUsers},
	{"GET /users/{user}", 0, "", (*call).getUserByID},
	{"GET /projects", 0, "search search_namespaces membership owned archived simple min_access_level order_by sort visibility", (*call).listProjects},
	{"GET /merge_requests", 0, mergeRequestListParams, (*call).listAllMergeRequests},

	{"GET /projects/{id}", Guest, "license statistics with_custom_attributes", (*call).getProject},
	{"GET /projects/{id}/repository/branches", Reporter, "search regex", (*call).listBranches},
	{"POST /projects/{id}/repository/branches", Developer, "branch ref", (*call).createBranch},
	{"GET /projects/{id}/repository/branches/{branch}", Reporter, "", (*call).getBranch},
	{"DELETE /projects/{id}/repository/branches/{branch}", Developer, "", (*call).deleteBranch},
	{"GET /projects/{id}/protected_branches", Maintainer, "search", (*call).listProtected},
	{"GET /projects/{id}/repository/commits", Reporter, "ref_name path", (*call).listCommits},
	{"GET /projects/{id}/repository/commits/{sha}", Reporter, "stats", (*call).getCommit},
	{"GET /projects/{id}/repository/compare", Reporter, "from to straight unidiff", (*call).compare},
	{"GET /projects/{id}/repository/tree", Reporter, "ref path recursive", (*call).listTree},
	{"GET /projects/{id}/repository/files/{path}", Reporter, "ref", (*call).getFile},
	{"GET /projects/{id}/repository/files/{path}/raw", Reporter, "ref", (*call).getRawFile},

	{"GET /projects/{id}/labels", Reporter, "search with_counts include_ancestor_groups", (*call).listLabels},
	{"POST /projects/{id}/labels", Reporter, "name color description", (*call).createLabel},
	{"GET /projects/{id}/labels/{label}", Reporter, "include_ancestor_groups", (*call).getLabel},
	{"PUT /projects/{id}/labels/{label}", Reporter, "color description", (*call).updateLabel},

	{"GET /projects/{id}/milestones", Guest, "title search state iids[] include_ancestors", (*call).listMilestones},
	{"GET /projects/{id}/merge_requests", Reporter, mergeRequestListParams, (*call).listMergeRequests},
	{"POST /projects/{id}/merge_requests", Developer, "source_branch target_branch title description " + peopleParams + " milestone_id labels remove_source_branch squash target_project_id allow_collaboration", (*call).createMergeRequest},
	{"GET /projects/{id}/merge_requests/{iid}", Reporter, "render_html include_diverged_commits_count include_rebase_in_progress", (*call).getMergeRequest},
	{"PUT /projects/{id}/merge_requests/{iid}", Reporter, "title description target_branch state_event " + peopleParams + " labels add_labels remove_labels remove_source_branch squash discussion_locked allow_collaboration", (*call).updateMergeRequest},
	{"GET /projects/{id}/merge_requests/{iid}/diffs", Reporter, "unidiff", (*call).listDiffs},
	{"GET /projects/{id}/merge_requests/{iid}/commits", Reporter, "", (*call).listMergeRequestCommits},
	{"PUT /projects/{id}/merge_requests/{iid}/merge", Reporter, "sha merge_commit_message squash_commit_message squash should_remove_source_branch auto_merge merge_when_pipeline_succeeds", (*call).acceptMergeRequest},
	{"PUT /projects/{id}/merge_requests/{iid}/rebase", Reporter, "skip_ci", (*call).rebaseMergeRequest},
	{"GET /projects/{id}/merge_requests/{iid}/notes", Reporter, "sort order_by activity_filter", (*call).listNotes},
	{"POST /projects/{id}/merge_requests/{iid}/notes", Reporter, "body", (*call).createNote},
	{"GET /projects/{id}/merge_requests/{iid}/notes/{note}", Reporter, "", (*call).getNote},
	{"PUT /projects/{id}/merge_requests/{iid}/notes/{note}", Reporter, "body", (*call).updateNote},
	{"DELETE /projects/{id}/merge_requests/{iid}/notes/{note}", Reporter, "", (*call).deleteNote},
	{"GET /projects/{id}/merge_requests/{iid}/discussions", Reporter, "", (*call).listDiscussions},
	{"POST /projects/{id}/merge_requests/{iid}/discussions", Reporter, "body", (*call).createDiscussion},
	{"GET /projects/{id}/merge_requests/{iid}/discussions/{discussion}", Reporter, "", (*call).getDiscussion},
	{"PUT /projects/{id}/merge_requests/{iid}/discussions/{discussion}", Reporter, "resolved", (*call).resolveDiscussion},
	{"POST /projects/{id}/merge_requests/{iid}/discussions/{discussion}/notes", Reporter, "body", (*call).replyToDiscussion},
	{"GET /projects/{id}/merge_requests/{iid}/approvals", Reporter, "", (*call).getApprovals},
	{"POST /projects/{id}/merge_requests/{iid}/approve", Reporter, "sha", (*call).approve},
	{"POST /projects/{id}/merge_requests/{iid}/unapprove", Reporter, "", (*call).unapprove},
	{"GET /projects/{id}/merge_requests/{iid}/blocks", Reporter, "", (*call).listDependencies},
	{"POST /projects/{id}/merge_requests/{iid}/blocks", Reporter, "blocking_merge_request_id", (*call).createDependency},
	{"DELETE /projects/{id}/merge_requests/{iid}/blocks/{block}", Reporter, "", (*call).deleteDependency},

	{"GET /projects/{id}/issues", Guest, "state iids[] author_id author_username not[author_username] labels search in scope order_by sort created_after created_before updated_after updated_before", (*call).listIssues},
	{"POST /projects/{id}/issues", Guest, issueParams, (*call).createIssue},
	{"GET /projects/{id}/issues/{iid}", Guest, "", (*call).getIssue},
	{"PUT /projects/{id}/issues/{iid}", Guest, issueParams, (*call).updateIssue},
	{"GET /projects/{id}/issues/{iid}/notes", Guest, "sort order_by activity_filter", (*call).listNotes},
	{"POST /projects/{id}/issues/{iid}/notes", Guest, "body", (*call).createNote},
	{"GET /projects/{id}/issues/{iid}/notes/{note}", Guest, "", (*call).getNote},
	{"PUT /projects/{id}/issues/{iid}/notes/{note}", Guest, "body", (*call).updateNote},
	{"DELETE /projects/{id}/issues/{iid}/notes/{note}", Guest, "", (*call).deleteNote},
	{"GET /projects/{id}/issues/{iid}/discussions", Guest, "", (*call).listDiscussions},
	{"POST /projects/{id}/issues/{iid}/discussions", Guest, "body", (*call).createDiscussion},
	{"GET /projects/{id}/issues/{iid}/discussions/{discussion}", Guest, "", (*call).getDiscussion},
	{"POST /projects/{id}/issues/{iid}/discussions/{discussion}/notes", Guest, "body", (*call).replyToDiscussion},

	{"GET /projects/{id}/members", Guest, "query", (*call).listMembers},
	{"GET /projects/{id}/members/all", Guest, "query", (*call).listMembers},
	{"GET /projects/{id}/members/{user}", Guest, "", (*call).getMember},
	{"GET /projects/{id}/members/all/{user}", Guest, "", (*call).getMember},
	{"GET /groups/{id}/members", 0, "query", (*call).listGroupMembers},
	{"GET /groups/{id}/members/all", 0, "query", (*call).listGroupMembers},
	{"GET /projects/{id}/hooks", Maintainer, "", (*call).listHooks},
	{"POST /projects/{id}/hooks", Maintainer, hookParams, (*call).createHook},
	{"GET /projects/{id}/hooks/{hook}", Maintainer, "", (*call).getHook},
	{"PUT /projects/{id}/hooks/{hook}", Maintainer, hookParams, (*call).updateHook},
	{"DELETE /projects/{id}/hooks/{hook}", Maintainer, "", (*call).deleteHook},
	{"GET /projects/{id}/hooks/{hook}/events", Maintainer, "status", (*call).listHookEvents},
	{"GET /groups/{id}/hooks", 0, "", inGroup((*call).listHooks)},
	{"POST /groups/{id}/hooks", 0, hookParams, inGroup((*call).createHook)},
	{"GET /groups/{id}/hooks/{hook}", 0, "", inGroup((*call).getHook)},
	{"PUT /groups/{id}/hooks/{hook}", 0, hookParams, inGroup((*call).updateHook)},
	{"DELETE /groups/{id}/hooks/{hook}", 0, "", inGroup((*call).deleteHook)},
	{"GET /groups/{id}/hooks/{hook}/events", 0, "status", inGroup((*call).listHookEvents)},
	{"GET /projects/{id}/push_rule", Maintainer, "", (*call).getPushRule},
}

const peopleParams = "assignee_id assignee_ids reviewer_ids"

// call is one request to the API.
type call struct {
	server  *Server
	request *http.Request
	base    string // address for links
	who     *identity
	params  params
	project *project // locked, nil on routes without a project
	access  int      // of who on project
}

// reply is what a call answers; a reply with bytes is sent as it is.
type reply struct {
	status int
	body   any
	bytes  []byte
	header http.Header
}

func ok(body any) *reply      { return &reply{status: http.StatusOK, body: body} }
func created(body any) *reply { return &reply{status: http.StatusCreated, body: body} }

// apiError is an answer that refuses.
type apiError struct {
	status int
	body   any
}

func (e *apiError) Error() string {
	if body, ok := e.body.(map[string]any); ok && body["message"] != nil {
		return fmt.Sprintf("GitLab refuses with status %d: %v", e.status, body["message"])
	}
	return fmt.Sprintf("GitLab refuses with status %d: %v", e.status, e.body)
}

// fail refuses with GitLab's usual shape, {"message": ...}.
func fail(status int, message any) *apiError {
	return &apiError{status, map[string]any{"message": message}}
}

// invalid refuses parameters with the shape of GitLab's parameter checks.
func invalid(problem string) *apiError {
	return &apiError{http.StatusBadRequest, map[string]any{"error": problem}}
}

var (
	errUnauthorized = fail(http.StatusUnauthorized, "401 Unauthorized")
	errExpired      = &apiError{http.StatusUnauthorized, map[string]any{
		"error":             "invalid_token",
		"error_description": "Token is expired. You can either do re-authorization or token refresh.",
	}}
	errForbidden = fail(http.StatusForbidden, "403 Forbidden")
	errNoProject = fail(http.StatusNotFound, "404 Project Not Found")
	errNotFound  = fail(http.StatusNotFound, "404 Not found")
	errScope     = &apiError{http.StatusForbidden, map[string]any{
		"error":             "insufficient_scope",
		"error_description": "The request requires higher privileges than provided by the access token.",
		"scope":             "api",
	}}
)

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range apiRoutes {
		method, path, _ := strings.Cut(rt.pattern, " ")
		known := strings.Fields(rt.params)
		mux.HandleFunc(method+" "+apiPrefix+path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := s.answer(r, rt, known)
			s.send(w, r, answer, err)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.send(w, r, nil, fail(http.StatusNotImplemented, "501 Not Implemented: "+r.Method+" "+r.URL.EscapedPath()))
	})
	return mux
}

// identityKey is the context key of the caller.
type identityKey struct{}

func (s *Server) serveAPI(rec *recorder, r *http.Request) {
	who, err := s.accounts.identify(r)
	if err != nil {
		s.send(rec, r, nil, err)
		return
	}
	rec.user = who.username()
	s.api.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), identityKey{}, who)))
}

// answer checks the caller's right and runs the route.
func (s *Server) answer(r *http.Request, rt route, known []string) (*reply, error) {
	who, _ := r.Context().Value(identityKey{}).(*identity)
	c := &call{server: s, request: r, base: s.baseURL(r), who: who}
	var err error
	if c.params, err = readParams(r); err != nil {
		return nil, err
	}
	for _, name := range sortedKeys(c.params) {
		if !slices.Contains(known, name) && !slices.Contains(pagingParams, name) {
			return nil, fail(http.StatusNotImplemented, fmt.Sprintf("501 Not Implemented: parameter %s of %s", name, rt.pattern))
		}
	}
	if !strings.Contains(rt.pattern, "/projects/{id}") {
		if who == nil && !strings.HasSuffix(rt.pattern, " /projects") {
			return nil, errUnauthorized
		}
		return rt.handle(c, r.Context())
	}
	if c.project, err = s.find(r.PathValue("id")); err != nil {
		return nil, err
	}
	if c.project == nil {
		return nil, errNoProject
	}
	c.access = who.access(c.project.path, s.cfg.PublicRead)
	if err := s.enter(r.Context(), c.project, nil); err != nil {
		return nil, err
	}
	defer c.project.mu.Unlock()
	if err := c.allowed(rt); err != nil {
		return nil, err
	}
	if answer, err := c.redirect(r.PathValue("id")); answer != nil || err != nil {
		return answer, err
	}
	return rt.handle(c, r.Context())
}

// allowed refuses a call on a project that the caller may not make.
func (c *call) allowed(rt route) error {
	writes := c.request.Method != http.MethodGet && c.request.Method != http.MethodHead
	switch {
	case c.access == NoAccess:
		return errNoProject
	case writes && c.who == nil:
		return errUnauthorized
	case writes && c.who.readOnly():
		return errScope
	case c.access < rt.access,
		writes && c.project.settings.Archived,
		c.project.settings.MergeRequestsDisabled && strings.Contains(rt.pattern, "/merge_requests"):
		return errForbidden
	}
	return nil
}

// send writes an answer or a refusal; anything else is a fault of the server,
// which goes to the log.
func (s *Server) send(w http.ResponseWriter, r *http.Request, answer *reply, err error) {
	var refusal *apiError
	if errors.As(err, &refusal) {
		answer = &reply{status: refusal.status, body: refusal.body}
	} else if err != nil {
		s.report(r, err)
		answer = &reply{status: http.StatusInternalServerError, body: map[string]string{"message": "500 Internal Server Error"}}
	}
	header := w.Header()
	maps.Copy(header, answer.header)
	header.Set("X-Content-Type-Options", "nosniff")
	if answer.bytes == nil && answer.status != http.StatusNoContent {
		if answer.bytes, err = json.Marshal(answer.body); err != nil {
			s.report(r, err)
			answer.status = http.StatusInternalServerError
		}
		header.Set("Content-Type", "application/json")
	}
	w.WriteHeader(answer.status)
	if _, err := w.Write(answer.bytes); err != nil {
		s.report(r, err)
	}
}

// stamp is a time as GitLab writes it; the zero time is null.
type stamp time.Time

// MarshalJSON writes ISO 8601 in UTC with milliseconds.
func (t stamp) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return []byte(time.Time(t).UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// orNull is a text that is null where it is empty.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
