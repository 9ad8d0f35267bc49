package webhook

import (
	"reflect"
	"testing"
)

// FuzzEvent reads any body: it never panics, means work only for projects of the
// index, and means the same when it is read again.
func FuzzEvent(f *testing.F) {
	for _, body := range []string{
		pushed("push", "refs/heads/main", "2", 1, 2), pushed("tag_push", "refs/tags/1.2", "2", 11, 2), pushed("push", "refs/heads/tokenward/logging", zeros, 12, 2),
		requested("merge", "tokenward/argocd", 1, 2), noted("/tokenward close", "tokenward/argocd", ""), issued("update", "prod: dashboard", `{"description":{}}`, 1, 2),
		`{"event_name":"project_rename","project_id":11,"path_with_namespace":"a","old_path_with_namespace":"b"}`,
		`{"event_name":"project_transfer","path_with_namespace":"packages/loki"}`,
		`{"OBJECT_KIND":"push","object_kind":7}`, `[[[`, `{"object_kind":"push","project":{"id":"1"}}`,
	} {
		f.Add([]byte(body))
	}
	v := testView()
	namespaces := map[string]bool{"": true}
	for _, p := range v.Index.Packages {
		namespaces[p.Namespace] = true
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := v.Read(body)
		if err != nil && len(m.Triggers) > 0 {
			t.Fatalf("broken, and yet it means %v", m.Triggers)
		}
		if again, _ := v.Read(body); !reflect.DeepEqual(m, again) {
			t.Fatalf("%v, and then %v", m, again)
		}
		if len(m.Triggers) == 0 {
			return
		}
		e, err := decode(body)
		if err != nil {
			t.Fatal(err)
		}
		known := false
		for _, p := range append([]Project{v.Index.Umbrellas[0].Project}, v.Index.Packages[0].Project, v.Index.Packages[1].Project) {
			known = known || p.is(int64(e.ProjectID), e.Path) || p.is(0, e.OldPath)
		}
		for _, trigger := range m.Triggers {
			if !known || trigger.Umbrella != "prod" || trigger.Reason == "" || trigger.Changed && trigger.Namespace != "" {
				t.Errorf("project %d %s means %+v", e.ProjectID, e.Path, trigger)
			}
			if !namespaces[trigger.Namespace] && !v.Index.Umbrellas[0].Project.is(int64(e.ProjectID), e.Path) {
				t.Errorf("a package's project means namespace %s", trigger.Namespace)
			}
		}
	})
}
