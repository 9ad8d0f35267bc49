package forge

import (
	"context"
	"fmt"
)

// Milestone returns the number of the active milestone with this title, of the project or
// of a group around it; of several the project's own. false means that there is none.
func (c *Client) Milestone(ctx context.Context, projectID int64, title string) (int64, bool, error) {
	type milestone struct {
		ID      int64  `json:"id"`
		Title   string `json:"title"`
		Project *int64 `json:"project_id"`
	}
	list, err := listed[milestone](ctx, c, "look up milestone "+title+" of", c.name(projectID),
		fmt.Sprintf("projects/%d/milestones", projectID), query{Title: title, State: "active", Ancestors: true})
	if err != nil {
		return 0, false, err
	}
	var found int64
	for _, m := range list {
		if m.Title != title {
			continue
		}
		if m.Project != nil {
			return m.ID, true, nil
		}
		found = m.ID
	}
	return found, found != 0, nil
}
