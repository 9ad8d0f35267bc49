package webhook

import (
	"fmt"
	"strings"
	"testing"

	"tokenward/bot"
)

const self = 7

// testView has one umbrella with three packages; loki goes into two namespaces.
func testView() View {
	loki := Project{ID: 12, Path: "packages/loki", DefaultBranch: "main"}
	return View{
		Self: self,
		Index: Index{
			Umbrellas: []Umbrella{{Name: "prod", Project: Project{ID: 1, Path: "platform/umbrella", DefaultBranch: "main"}, BranchPrefix: "tokenward/"}},
			Packages: []Package{
				{Project: Project{ID: 11, Path: "packages/argocd", DefaultBranch: "main"}, Umbrella: "prod", Namespace: "argocd", Branch: "release-1", Tags: "1.*"},
				{Project: loki, Umbrella: "prod", Namespace: "logging"},
				{Project: loki, Umbrella: "prod", Namespace: "tracing"},
			},
		},
		Issue: func(umbrella, description string) (string, bool) {
			namespace, ok := strings.CutPrefix(description, umbrella+": ")
			return strings.TrimSuffix(namespace, "dashboard"), ok
		},
	}
}

// Before the first run has told which projects are packages, any may be one.
func TestUnscanned(t *testing.T) {
	t.Parallel()
	v := testView()
	v.Index.Umbrellas = append(v.Index.Umbrellas, Umbrella{Name: "new", Project: Project{ID: 2, Path: "new/umbrella"}, Unscanned: true})
	for name, c := range map[string]struct{ body, want string }{
		"unknown project":     {pushed("push", "refs/heads/main", "2", 99, 2), "new"},
		"package of another":  {pushed("push", "refs/heads/main", "2", 12, 2), "prod logging, prod tracing, new"},
		"branch of a package": {pushed("push", "refs/heads/feature", "2", 12, 2), "new"},
		"the bot itself":      {pushed("push", "refs/heads/main", "2", 99, self), ""},
		"unknown event":       {`{"object_kind":"pipeline","user":{"id":2},"project":{"id":99}}`, ""},
	} {
		m, err := v.Read([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trigger := range m.Triggers {
			got = append(got, strings.TrimSpace(trigger.Umbrella+" "+trigger.Namespace))
			if trigger.Guess != (trigger.Umbrella == "new") {
				t.Errorf("%s: a guess is %v about %s", name, trigger.Guess, trigger.Umbrella)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s leads to %q, not %q", name, s, c.want)
		}
	}
}

const zeros = "0000000000000000000000000000000000000000"

func pushed(kind, ref, after string, project int, user int) string {
	return fmt.Sprintf(`{"object_kind":%q,"ref":%q,"before":"1","after":%q,"user_id":%d,"project_id":%d,"project":{"id":%[5]d,"default_branch":"main"}}`,
		kind, ref, after, user, project)
}

func requested(action, source string, project, user int) string {
	return fmt.Sprintf(`{"object_kind":"merge_request","user":{"id":%d},"project":{"id":%d},"object_attributes":{"iid":3,"action":%q,"source_branch":%q,"source_project_id":%[2]d,"target_project_id":%[2]d}}`,
		user, project, action, source)
}

func noted(text, source string, more string) string {
	return fmt.Sprintf(`{"object_kind":"note","user":{"id":2},"project":{"id":1},"object_attributes":{"note":%q,"noteable_type":"MergeRequest"%s},
		"merge_request":{"iid":3,"source_branch":%q,"source_project_id":1,"target_project_id":1}}`, text, more, source)
}

func issued(action, description, changes string, project, user int) string {
	return fmt.Sprintf(`{"object_kind":"issue","user":{"id":%d},"project":{"id":%d},"object_attributes":{"iid":4,"action":%q,"description":%q},"changes":%s}`,
		user, project, action, description, changes)
}

// words puts triggers on one line each.
func words(triggers []bot.Trigger) string {
	var all []string
	for _, t := range triggers {
		scope := "all"
		if t.Changed {
			scope = "changed"
		} else if t.Namespace != "" {
			scope = t.Namespace
		}
		all = append(all, t.Umbrella+"/"+scope+": "+t.Reason)
	}
	return strings.Join(all, "\n")
}

func TestMeaning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"umbrella":                  {pushed("push", "refs/heads/main", "2", 1, 2), "prod/changed: push to platform/umbrella@main"},
		"umbrella, other branch":    {pushed("push", "refs/heads/topic", "2", 1, 2), ""},
		"umbrella, tag":             {pushed("tag_push", "refs/tags/v1", "2", 1, 2), ""},
		"umbrella, by the bot":      {pushed("push", "refs/heads/main", "2", 1, self), "prod/changed: push to platform/umbrella@main"},
		"package":                   {pushed("push", "refs/heads/main", "2", 11, 2), "prod/argocd: push to packages/argocd@main"},
		"package, followed branch":  {pushed("push", "refs/heads/release-1", "2", 11, 2), "prod/argocd: push to packages/argocd@release-1"},
		"package, other branch":     {pushed("push", "refs/heads/release-2", "2", 11, 2), ""},
		"package, two namespaces":   {pushed("push", "refs/heads/main", "2", 12, 2), "prod/logging: push to packages/loki@main\nprod/tracing: push to packages/loki@main"},
		"package, tag":              {pushed("tag_push", "refs/tags/1.2.3", "2", 11, 2), "prod/argocd: tag 1.2.3 of packages/argocd"},
		"package, tag not followed": {pushed("tag_push", "refs/tags/2.0.0", "2", 11, 2), ""},
		"package, tag deleted":      {pushed("tag_push", "refs/tags/1.2.3", zeros, 11, 2), ""},
		"stranger's project":        {pushed("push", "refs/heads/main", "2", 99, 2), ""},
		"package by its path":       {`{"object_kind":"push","ref":"refs/heads/main","project":{"path_with_namespace":"Packages/ArgoCD"}}`, "prod/argocd: push to packages/argocd@main"},
		"system hook without kind":  {`{"event_name":"push","ref":"refs/heads/main","project_id":"11"}`, "prod/argocd: push to packages/argocd@main"},
		"new default branch":        {strings.ReplaceAll(pushed("push", "refs/heads/x", "2", 11, 2), `"main"`, `"trunk"`), "prod/argocd: the default branch of packages/argocd is now trunk"},
		"umbrella's new default":    {strings.ReplaceAll(requested("open", "x", 1, 2), `"id":1}`, `"id":1,"default_branch":"trunk"}`), "prod/all: the default branch of platform/umbrella is now trunk"},
		"source branch":             {pushed("push", "refs/heads/tokenward/argocd", "2", 1, 2), "prod/argocd: push to platform/umbrella@tokenward/argocd"},
		"source branch, package's":  {pushed("push", "refs/heads/tokenward/argocd", zeros, 11, 2), "prod/argocd: push to packages/argocd@tokenward/argocd"},
		"source branch, stale":      {pushed("push", "refs/heads/tokenward/argocd-stale", "2", 1, 2), "prod/argocd: push to platform/umbrella@tokenward/argocd-stale"},
		"source branch, by the bot": {pushed("push", "refs/heads/tokenward/argocd", "2", 1, self), ""},
		"another's namespace":       {pushed("push", "refs/heads/tokenward/argocd", "2", 12, 2), ""},
		"merged":                    {requested("merge", "tokenward/argocd", 1, 2), "prod/argocd: merge request platform/umbrella!3 merged"},
		"repairs merged":            {requested("merge", "tokenward/drift-repairs", 1, 2), "prod/all: merge request platform/umbrella!3 merged"},
		"merged with our token":     {requested("merge", "tokenward/argocd", 1, self), "prod/argocd: merge request platform/umbrella!3 merged"},
		"closed":                    {requested("close", "tokenward/tracing", 12, 2), "prod/tracing: merge request packages/loki!3 closed"},
		"closed by the bot":         {requested("close", "tokenward/tracing", 12, self), ""},
		"reopened":                  {requested("reopen", "tokenward/argocd", 11, 2), "prod/argocd: merge request packages/argocd!3 reopened"},
		"approved":                  {requested("approved", "tokenward/argocd", 11, 2), "prod/argocd: merge request packages/argocd!3 approved"},
		"changed":                   {requested("update", "tokenward/argocd", 11, 2), "prod/argocd: merge request packages/argocd!3 changed"},
		"changed by the bot":        {requested("update", "tokenward/argocd", 11, self), ""},
		"somebody's request":        {requested("merge", "topic", 1, 2), ""},
		"request from a fork":       {strings.Replace(requested("merge", "tokenward/argocd", 1, 2), `"source_project_id":1`, `"source_project_id":50`, 1), ""},
		"command":                   {noted("/tokenward rescan", "tokenward/argocd", ""), "prod/argocd: command on platform/umbrella!3"},
		"command in code":           {noted("    /tokenward rescan", "tokenward/argocd", ""), ""},
		"chatter":                   {noted("Fine.", "tokenward/argocd", ""), ""},
		"command elsewhere":         {noted("/tokenward rescan", "topic", ""), ""},
		"system note":               {noted("/tokenward rescan", "tokenward/argocd", `,"system":true`), ""},
		"note on an issue":          {noted("/tokenward rescan", "tokenward/argocd", `,"noteable_type":"Issue"`), ""},
		"dashboard ticked":          {issued("update", "prod: dashboard", `{"description":{}}`, 1, 2), "prod/all: dashboard platform/umbrella#4 changed"},
		"dashboard unticked by us":  {issued("update", "prod: dashboard", `{"description":{}}`, 1, self), ""},
		"dashboard labelled":        {issued("update", "prod: dashboard", `{"labels":{}}`, 1, 2), ""},
		"dashboard closed":          {issued("close", "prod: dashboard", `{"state_id":{}}`, 1, 2), "prod/all: dashboard platform/umbrella#4 closed"},
		"tracking issue reopened":   {issued("reopen", "prod: argocd", `{}`, 1, 2), "prod/argocd: tracking issue platform/umbrella#4 reopened"},
		"somebody's issue":          {issued("update", "hello", `{}`, 1, 2), ""},
		"issue of a package":        {issued("update", "prod: dashboard", `{}`, 11, 2), ""},
		"renamed":                   {`{"event_name":"project_rename","project_id":50,"path_with_namespace":"packages/new","old_path_with_namespace":"packages/argocd"}`, "prod/all: packages/argocd moved"},
		"transferred":               {`{"event_name":"project_transfer","project_id":1,"path_with_namespace":"other/umbrella","old_path_with_namespace":"platform/umbrella"}`, "prod/all: platform/umbrella moved"},
		"repository update":         {`{"event_name":"repository_update","project_id":11}`, ""},
	} {
		m, err := testView().Read([]byte(c.body))
		if err != nil || !m.Known {
			t.Errorf("%s: known %v, error %v", name, m.Known, err)
		}
		if got := words(m.Triggers); got != c.want {
			t.Errorf("%s leads to\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestForeignTextIsTamed(t *testing.T) {
	t.Parallel()
	v := testView()
	v.Index.Packages[0].Tags = ""
	m, err := v.Read([]byte(pushed("tag_push", `refs/tags/`+strings.Repeat("x", 300), "2", 11, 2)))
	if err != nil || len(m.Triggers) != 1 || len(m.Triggers[0].Reason) > 150 {
		t.Errorf("%v %v", m, err)
	}
	m, err = v.Read([]byte(`{"object_kind":"tag_push","ref":"refs/tags/a\nb\u202e","project_id":11}`))
	if err != nil || words(m.Triggers) != "prod/argocd: tag a?b? of packages/argocd" {
		t.Errorf("%q %v", words(m.Triggers), err)
	}
}

func TestUnknownAndBroken(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `[]`, `"x"`, `1`, `null`, `{"object_kind":{}}`, `{"object_kind":"emoji"}`, `{"object_kind":"work_item","project_id":1}`} {
		if m, err := testView().Read([]byte(body)); err != nil || m.Known || m.Event != "other" || len(m.Triggers) > 0 {
			t.Errorf("%s: %+v %v", body, m, err)
		}
	}
	for _, body := range []string{``, `{`, `{"object_kind":"push"} x`, "\xff"} {
		if m, err := testView().Read([]byte(body)); err == nil {
			t.Errorf("%q: %+v", body, m)
		}
	}
	odd := `{"object_kind":"push","ref":"refs/heads/main","user_id":"many","commits":7,"project_id":{},"project":{"id":1,"default_branch":["x"],"path_with_namespace":3}}`
	if m, err := testView().Read([]byte(odd)); err != nil || words(m.Triggers) != "prod/changed: push to platform/umbrella@main" {
		t.Errorf("%v %v", m, err)
	}
}
