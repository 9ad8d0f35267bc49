package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// PushRules are the conditions that a project sets on pushed commits. Texts are
// regular expressions in RE2 syntax, empty if there is no such rule.
type PushRules struct {
	BranchName            string `json:"branch_name_regex"`
	CommitMessage         string `json:"commit_message_regex"`
	CommitMessageNegative string `json:"commit_message_negative_regex"`
	AuthorEmail           string `json:"author_email_regex"`
	FileName              string `json:"file_name_regex"`
	MaxFileSize           int    `json:"max_file_size"` // in MB, 0 for none
	// MemberCheck wants authors to be users, CommitterCheck the committer to be
	// who pushes, RejectUnsigned a signature, RejectNonDCO a sign-off.
	MemberCheck    bool `json:"member_check"`
	CommitterCheck bool `json:"commit_committer_check"`
	NameCheck      bool `json:"commit_committer_name_check"`
	RejectUnsigned bool `json:"reject_unsigned_commits"`
	RejectNonDCO   bool `json:"reject_non_dco_commits"`
	PreventSecrets bool `json:"prevent_secrets"`
}

// PushRules reads a project's push rules. false means that there are none, or
// that the server does not offer them. It fails with ErrForbidden where the
// token's user may not see them.
func (c *Client) PushRules(ctx context.Context, projectID int64) (PushRules, bool, error) {
	var read *PushRules // null if there are none
	err := c.read(ctx, "read the push rules of", c.name(projectID), fmt.Sprintf("projects/%d/push_rule", projectID), &read)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && read == nil:
		return PushRules{}, false, nil
	case err != nil:
		return PushRules{}, false, err
	}
	return *read, true, nil
}

// ProtectedBranch says who may change the branches that its pattern matches.
type ProtectedBranch struct {
	Pattern string // a branch name; * stands for any characters
	// Push and Merge are the lowest levels that may, 0 if no level may: then
	// only users or groups named in the project's settings.
	Push, Merge int
	// PushUsers may push whatever their level, and the members of PushGroups.
	PushUsers, PushGroups []int64
	ForcePush             bool
}

// Protects tells whether the rule holds for a branch.
func (b ProtectedBranch) Protects(branch string) bool {
	parts := strings.Split(b.Pattern, "*")
	rest, ok := strings.CutPrefix(branch, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// LetsPush tells whether a user with this level may push to what the rule protects, as
// far as that does not hang on a group.
func (b ProtectedBranch) LetsPush(level int, userID int64) bool {
	return b.Push > 0 && level >= b.Push || slices.Contains(b.PushUsers, userID)
}

// ProtectedBranches lists a project's rules for branches. It fails with
// ErrForbidden where the token's user may not see them.
func (c *Client) ProtectedBranches(ctx context.Context, projectID int64) ([]ProtectedBranch, error) {
	type level struct {
		Access *int   `json:"access_level"`
		User   *int64 `json:"user_id"`
		Group  *int64 `json:"group_id"`
		Key    *int64 `json:"deploy_key_id"`
	}
	type rule struct {
		Name      string  `json:"name"`
		Push      []level `json:"push_access_levels"`
		Merge     []level `json:"merge_access_levels"`
		ForcePush bool    `json:"allow_force_push"`
	}
	lowest := func(levels []level) int {
		low := 0
		for _, l := range levels {
			if l.Access == nil || l.User != nil || l.Group != nil || l.Key != nil || *l.Access == 0 {
				continue
			}
			if low == 0 || *l.Access < low {
				low = *l.Access
			}
		}
		return low
	}
	rules, err := listed[rule](ctx, c, "read the protected branches of", c.name(projectID), fmt.Sprintf("projects/%d/protected_branches", projectID), query{})
	if err != nil {
		return nil, err
	}
	var out []ProtectedBranch
	for _, r := range rules {
		b := ProtectedBranch{Pattern: r.Name, Push: lowest(r.Push), Merge: lowest(r.Merge), ForcePush: r.ForcePush}
		for _, l := range r.Push {
			if l.User != nil {
				b.PushUsers = append(b.PushUsers, *l.User)
			}
			if l.Group != nil {
				b.PushGroups = append(b.PushGroups, *l.Group)
			}
		}
		out = append(out, b)
	}
	return out, nil
}
