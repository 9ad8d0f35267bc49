package main

import (
	"strings"
	"testing"
)

// What the configuration's check lets pass can be used: the first key that cannot is named.
func TestValuesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"limits: {window: whenever}":                                      `limits.window: window "whenever": give days, times and zone`,
		"limits: {openUnits: -1}":                                         `limits.openUnits: must be at least 0 (got "-1")`,
		"limits: {perHour: -1}":                                           "limits.perHour: must be at least 0",
		"review: {count: -1}":                                             "review.count: must be at least 0",
		"drift: {group: -1}":                                              "drift.group: must be at least 0",
		"rendering: {workers: 0}":                                         "rendering.workers: must be at least 1",
		"serve: {workers: 0}":                                             `serve.workers: must be at least 1 (got "0")`,
		"serve: {gracePeriod: -1s}":                                       `serve.gracePeriod: must be a duration such as 90s or 10m (got "-1s")`,
		"store: mysql://h/d":                                              "store: ",
		"umbrella: {url: /a/u.git}\numbrellas: [{url: /b/u.git}]":         `umbrellas[0].name: two umbrellas are called "u": name them`,
		"umbrellas: [{url: /b/u.git}, {url: /c, name: u}]":                `umbrellas[1].name: two umbrellas are called "u": name them`,
		"git: {allowed: ['https://example.com']}":                         "git.allowed[0]: must be a host",
		"git: {hosts: [example.com, 'https://user:hunter2@example.com']}": "git.hosts[1]: must be a host",
		"git: {allowed: ['2001:db8::5', 'example.com:99999']}":            "git.allowed[0]: must be a host",
		"git: {hosts: ['example.com:']}":                                  "git.hosts[0]: must be a host",
		"git: {hosts: [example.com/group]}":                               "git.hosts[0]: must be a host",
		"namespaces: [a, '']":                                             "namespaces[1]: must be the name of a namespace",
		"mergeRequests: {branchPrefix: 'two words/'}":                     "mergeRequests.branchPrefix: must be the begin of a branch's name",
		"mergeRequests: {branchPrefix: refs/heads/bot/}":                  "mergeRequests.branchPrefix: must be the begin",
		"mergeRequests: {branchPrefix: /bot/}":                            "mergeRequests.branchPrefix: must be the begin",
		"issues: {tracking: true, labels: ['']}":                          "issues.labels[0]: must be one label",
		"issues: {dashboard: true, labels: [one, 'two,three']}":           "issues.labels[1]: must be one label",
	} {
		c := defaultConfig()
		if err := decodeConfig([]byte(text), &c); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		err := wholly(c)
		if err == nil || !strings.HasPrefix(err.Error(), "config: "+want) {
			t.Errorf("%s: %v, want %s", text, err, want)
			continue
		}
		if strings.Count(err.Error(), "(got") > 1 || strings.Contains(err.Error(), `(got "")`) != strings.Contains(text, "''") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"git: {allowed: ['example.com:8443', '[::1]:80', 10.0.0.1, 'file:///srv/git'], hosts: [example.com]}", "limits: {window: 'Mon-Fri 06:00-20:00 Europe/Berlin'}",
		"mergeRequests: {branchPrefix: bot-}", "umbrellas: [{url: /b/u.git}, {url: /c/u.git, name: other}]", "review: {count: 0}", "issues: {tracking: true, labels: [one, 'two words']}", "issues: {labels: ['']}",
	} {
		c := defaultConfig()
		if err := decodeConfig([]byte(text), &c); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := wholly(c); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// wholly is all that config validate looks at.
func wholly(c config) error {
	if err := c.validate(); err != nil {
		return err
	}
	_, err := c.allUmbrellas()
	return err
}

// TestTheFirstEmptyKeyIsNamed holds that of several empty keys always the same is named.
func TestTheFirstEmptyKeyIsNamed(t *testing.T) {
	t.Parallel()
	c := defaultConfig()
	c.Policies.Mutator, c.Policies.DefaultMutator, c.Policies.Validator = "", "", ""
	for range 30 {
		if err := c.validate(); err == nil || !strings.HasPrefix(err.Error(), "config: policies.mutator: must not be empty") {
			t.Fatalf("%v, want the policies.mutator that comes first", err)
		}
	}
}
