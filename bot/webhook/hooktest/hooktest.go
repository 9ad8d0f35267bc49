// Package hooktest sends webhooks as GitLab does. Only tests import it.
package hooktest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// Push is a person's push to the default branch of a project.
type Push struct {
	Server string // of the service, without a path
	Secret string
	ID     string // of the delivery
	// ProjectID may be 0: then the path alone tells which project it is.
	ProjectID int
	Project   string // its path
}

// Send delivers the push and returns the status of the answer.
func (p Push) Send(ctx context.Context, client *http.Client) (status int, err error) {
	body, err := json.Marshal(map[string]any{
		"object_kind": "push", "event_name": "push", "ref": "refs/heads/main", "before": strings.Repeat("1", 40), "after": strings.Repeat("2", 40), "user_id": 99, "project_id": p.ProjectID,
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
