package main

import (
	"fmt"
	"strings"

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

const mustBeHost = "must be a host, as gitlab.example.com, gitlab.example.com:8443 or [2001:db8::1], and no URL"
