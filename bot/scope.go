package bot

import (
	"regexp"
	"strings"
)

var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// BranchNamespace returns the namespace that a source branch of the bot is about, ""
// for any other branch, such as that of a group. exists tells which namespaces there are: only where none has
// the whole name, the ending of branches that take stale entries out is cut off.
func BranchNamespace(prefix, branch string, exists func(namespace string) bool) string {
	name, ours := strings.CutPrefix(branch, prefix)
	if !ours || prefix == "" || !namespaceName.MatchString(name) {
		return ""
	}
	if short, stale := strings.CutSuffix(name, removalSuffix); stale && short != "" && !exists(name) {
		return short
	}
	if name == groupBranch && !exists(name) {
		return ""
	}
	return name
}

// GroupBranch is the source branch of small repairs that are proposed together, with
// the prefix.
func GroupBranch(prefix string) string { return prefix + groupBranch }

// IssueReader returns what tells the bot's issues by their descriptions: the
// namespace of a tracking issue, "" for the dashboard; ok is false for every other
// issue, and for those of a bot with another key or prefix.
func IssueReader(stateKey []byte, branchPrefix string) func(description string) (namespace string, ok bool) {
	seal := sealer{key: stateKey}
	return func(description string) (string, bool) {
		var st issueState
		if !seal.open(description, &st) || st.Prefix != branchPrefix {
			return "", false
		}
		return st.Unit, st.Kind == dashboardIssue && st.Unit == "" || st.Kind == trackingIssue && st.Unit != ""
	}
}
