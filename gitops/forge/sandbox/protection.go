package sandbox

import "github.com/IGLOU-EU/go-wildcard"

// ProtectedBranch says who may change the branches that its pattern matches.
type ProtectedBranch struct {
	// Name is a branch name; * stands for any characters.
	Name string
	// PushAccess and MergeAccess are the levels needed to push to the branch
	// and to merge into it; NoAccess means nobody.
	PushAccess  int
	MergeAccess int
	// AllowForcePush lets those who may push rewrite the branch.
	AllowForcePush bool
}

// matching returns the rules for a branch; none means it is not protected.
func (s *ProjectSettings) matching(branch string) []ProtectedBranch {
	var rules []ProtectedBranch
	for _, rule := range s.ProtectedBranches {
		if wildcard.MatchSimple(rule.Name, branch) {
			rules = append(rules, rule)
		}
	}
	return rules
}

func (p *project) protected(branch string) bool { return len(p.settings.matching(branch)) > 0 }

// canPush says whether somebody with this level may push to the branch: as
// GitLab has it, of several rules the most generous one decides.
func (p *project) canPush(branch string, access int) bool {
	return p.may(branch, access, func(r ProtectedBranch) int { return r.PushAccess })
}

// canMerge says the same of merging a merge request into the branch. Who may
// push may merge.
func (p *project) canMerge(branch string, access int) bool {
	return p.canPush(branch, access) || p.may(branch, access, func(r ProtectedBranch) int { return r.MergeAccess })
}

func (p *project) may(branch string, access int, needed func(ProtectedBranch) int) bool {
	rules := p.settings.matching(branch)
	if len(rules) == 0 {
		return access >= Developer
	}
	for _, rule := range rules {
		if level := needed(rule); level != NoAccess && access >= level {
			return true
		}
	}
	return false
}

// canForcePush says whether those who may push may also rewrite the branch.
func (p *project) canForcePush(branch string) bool {
	rules := p.settings.matching(branch)
	for _, rule := range rules {
		if rule.AllowForcePush {
			return true
		}
	}
	return len(rules) == 0
}
