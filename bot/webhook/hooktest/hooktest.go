// Package hooktest sends webhooks as GitLab does. Only tests import it.
package hooktest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Push is a push to a branch of a project.
type Push struct {
	Server string // of the service, without a path
	Secret string
	ID     string // of the delivery
	// ProjectID may be 0: then the path alone tells which project it is.
	ProjectID int
	Project   string // its path
	Branch    string // "" for main, the default branch
	User      int    // the id of who pushed, 0 for some person's
}

// Send delivers the push and returns the status of the answer.
func (p Push) Send(ctx context.Context, client *http.Client) (status int, err error) {
	user := cmp.Or(p.User, 99)
	body, err := json.Marshal(map[string]any{
		"object_kind": "push", "event_name": "push", "ref": "refs/heads/" + cmp.Or(p.Branch, "main"), "before": strings.Repeat("1", 40), "after": strings.Repeat("2", 40), "user_id": user, "project_id": p.ProjectID,
		"project": map[string]any{"id": p.ProjectID, "path_with_namespace": p.Project, "default_branch": "main"}, "commits": []any{}, "total_commits_count": 1,
		"filler": strings.Repeat("x", 1500), // as large as they usually are
	})
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Server+"/webhooks/gitlab", strings.NewReader(string(body)))
	if err != nil {
		return 0, err
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "X-Gitlab-Token": p.Secret, "X-Gitlab-Event": "Push Hook",
		"X-Gitlab-Event-UUID": p.ID, "X-Gitlab-Webhook-UUID": p.ID, "Idempotency-Key": p.ID} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}
