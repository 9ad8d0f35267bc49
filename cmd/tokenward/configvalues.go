package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"

	"tokenward/gitops/git"
)

// checkValues names the first key whose single values cannot be used: numbers that are too
// small, and texts that are not what the key asks for.
func (c config) checkValues() (key, reason, got string) {
	for _, f := range configFields(&c) {
		if f.least != nil && f.value.Int() < int64(*f.least) {
			return f.path, fmt.Sprintf("must be at least %d", *f.least), fmt.Sprint(f.value.Int())
		}
	}
	for i, h := range c.Git.Allowed {
		if git.CheckPlace(h) != nil {
			return fmt.Sprintf("git.allowed[%d]", i), mustBeHost, h
		}
	}
	for i, h := range c.Git.Hosts {
		if git.CheckPlace(h) != nil || strings.HasPrefix(h, "file:") {
			return fmt.Sprintf("git.hosts[%d]", i), mustBeHost, h
		}
	}
	if prefix := c.MergeRequests.BranchPrefix; !git.ValidBranch(prefix + "namespace") {
		return "mergeRequests.branchPrefix", "must be the begin of a branch's name, such as tokenward/", prefix
	}
	for i, l := range c.Issues.Labels {
		if (c.Issues.Tracking || c.Issues.Dashboard) && (strings.TrimSpace(l) == "" || strings.Contains(l, ",")) {
			return fmt.Sprintf("issues.labels[%d]", i), "must be one label, without a comma", l
		}
	}
	for i, ns := range c.Namespaces {
		if strings.TrimSpace(ns) == "" {
			return fmt.Sprintf("namespaces[%d]", i), "must be the name of a namespace", ns
		}
	}
	return "", "", ""
}

// checkForms names the first key that does not have the form that it must have.
func (c config) checkForms() (key, reason, got string) {
	if u, err := url.Parse(c.GitLab.URL); c.GitLab.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return "gitlab.url", "must be the server's http or https URL", c.GitLab.URL
	} else if c.GitLab.URL != "" && u.User != nil {
		return "gitlab.url", "must not hold credentials: use gitlab.tokenFile", u.Redacted()
	}
	if _, err := semver.NewVersion(c.Kubernetes.Version); c.Kubernetes.Version != "" && err != nil {
		return "kubernetes.version", "must be a version such as v1.34.0", c.Kubernetes.Version
	}
	for i, t := range c.GitLab.Tokens {
		if path, file, ok := strings.Cut(t, "="); !ok || strings.Trim(path, "/") == "" || file == "" {
			return fmt.Sprintf("gitlab.tokens[%d]", i), "must be PATH=FILE, the path of a project or group and a file that holds its token", "a value without both"
		}
	}
	for i, r := range c.Git.InsteadOf {
		if from, to, ok := strings.Cut(r, "="); !ok || from == "" || to == "" {
			return fmt.Sprintf("git.insteadOf[%d]", i), "must be FROM=TO", "a value without both"
		}
	}
	for _, needed := range [][2]string{{"policies.mutator", c.Policies.Mutator}, {"policies.defaultMutator", c.Policies.DefaultMutator},
		{"policies.validator", c.Policies.Validator}, {"mergeRequests.branchPrefix", c.MergeRequests.BranchPrefix}} {
		if needed[1] == "" {
			return needed[0], "must not be empty", ""
		}
	}
	if d, err := duration(c.Git.MaxTime); err != nil || d == 0 {
		return "git.maxTime", "must be a duration such as 90s or 10m", c.Git.MaxTime
	}
	if c.Drift.Remove != reportStale && c.Drift.Remove != proposeStale {
		return "drift.remove", "must be report or propose", c.Drift.Remove
	}
	if u, err := url.Parse(c.Webhooks.URL); c.Webhooks.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return "webhooks.url", "must be an http or https URL without credentials and query", "a value that is not shown"
	}
	for i, u := range c.Umbrellas {
		if u.URL == "" {
			return fmt.Sprintf("umbrellas[%d].url", i), "must be the umbrella's git URL or folder", ""
		}
	}
	if (c.Issues.Tracking || c.Issues.Dashboard) && len(c.Issues.Labels) == 0 {
		return "issues.labels", "must not be empty: issues are found again by the first label", ""
	}
	return "", "", ""
}

const mustBeHost = "must be a host, as gitlab.example.com, gitlab.example.com:8443 or [2001:db8::1], and no URL"
