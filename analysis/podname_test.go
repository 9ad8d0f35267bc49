package analysis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/wildcard"
)

func TestPodNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 57)
	for name, c := range map[string]struct {
		object string
		want   []PodName
		match  []string // patterns
	}{
		"Deployment":     {"kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {}}}", []PodName{{"web-5d8f7c9b4d-", "web-5d8f7c9b4d-x7k2p"}}, []string{"web-*"}},
		"StatefulSet":    {"kind: StatefulSet\nmetadata: {name: db}\nspec: {replicas: 2, template: {spec: {}}}", []PodName{{"db-0", "db-0"}, {"db-1", "db-1"}}, []string{"db-*"}},
		"scaled to none": {"kind: StatefulSet\nmetadata: {name: db}\nspec: {replicas: 0, template: {spec: {}}}", []PodName{{"db-0", "db-0"}}, []string{"db-*"}},
		"DaemonSet":      {"kind: DaemonSet\nmetadata: {name: agent}\nspec: {template: {spec: {}}}", []PodName{{"agent-", "agent-x7k2p"}}, []string{"agent-*"}},
		"Job":            {"kind: Job\nmetadata: {name: init}\nspec: {template: {spec: {}}}", []PodName{{"init-", "init-x7k2p"}}, []string{"init-*"}},
		"indexed Job":    {"kind: Job\nmetadata: {name: init}\nspec: {completionMode: Indexed, template: {spec: {}}}", []PodName{{"init-0-", "init-0-x7k2p"}}, []string{"init-0-*"}},
		"indexed Job of three": {"kind: Job\nmetadata: {name: init}\nspec: {completionMode: Indexed, completions: 3, template: {spec: {}}}",
			[]PodName{{"init-0-", "init-0-x7k2p"}, {"init-2-", "init-2-x7k2p"}}, []string{"init-*"}},
		"indexed Job with a long name": {"kind: Job\nmetadata: {name: " + long + "}\nspec: {completionMode: Indexed, completions: 11, template: {spec: {}}}",
			[]PodName{{long[:55] + "-0-", long[:55] + "-0-x7k2p"}, {long[:54] + "-10-", long[:54] + "-10-x7k2p"}}, []string{long[:54] + "*"}},
		"unnamed Job": {"kind: Job\nmetadata: {generateName: migrate-}\nspec: {template: {spec: {}}}", []PodName{{"migrate-x7k2p-", "migrate-x7k2p-x7k2p"}}, []string{"migrate-*"}},
		"CronJob":     {"kind: CronJob\nmetadata: {name: tick}\nspec: {jobTemplate: {spec: {template: {spec: {}}}}}", []PodName{{"tick-29384720-", "tick-29384720-x7k2p"}}, []string{"tick-*"}},
		"Pod":         {"kind: Pod\nmetadata: {name: test-1}\nspec: {}", []PodName{{"test-1", "test-1"}}, []string{"test-1"}},
		"unnamed Pod": {"kind: Pod\nmetadata: {generateName: test-}\nspec: {}", []PodName{{"test-", "test-x7k2p"}}, []string{"test-*"}},
		"ReplicaSet":  {"kind: ReplicaSet\nmetadata: {name: rs}\nspec: {template: {spec: {}}}", []PodName{{"rs-", "rs-x7k2p"}}, []string{"rs-*"}},
		"DeploymentConfig": {"apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {name: dc}\nspec: {template: {spec: {}}}",
			[]PodName{{"dc-1-", "dc-1-x7k2p"}, {"dc-1-deploy", "dc-1-deploy"}}, []string{"dc-1-*"}},
		"Rollout": {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: ro}\nspec: {template: {spec: {}}}", []PodName{{"ro-5d8f7c9b4d-", "ro-5d8f7c9b4d-x7k2p"}}, []string{"ro-*"}},
		"a name that is cut": {"kind: Deployment\nmetadata: {name: " + long + "y}\nspec: {template: {spec: {}}}",
			[]PodName{{long + "y-5d8f7c9b4d-", long + "yx7k2p"}}, []string{long + "y*"}},
		"cut inside the hash": {"kind: Deployment\nmetadata: {name: " + long[:50] + "}\nspec: {template: {spec: {}}}",
			[]PodName{{long[:50] + "-5d8f7c9b4d-", long[:50] + "-5d8f7c9x7k2p"}}, []string{long[:50] + "-*"}},
		"explicit true":          {"kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {automountServiceAccountToken: true}}}", []PodName{{"web-5d8f7c9b4d-", "web-5d8f7c9b4d-x7k2p"}}, []string{"web*"}},
		"explicit true of a Job": {"kind: Job\nmetadata: {name: init}\nspec: {template: {spec: {automountServiceAccountToken: true}}}", []PodName{{"init-", "init-x7k2p"}}, []string{"init-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := Workloads(setOf(t, c.object))
			if len(all) != 1 {
				t.Fatalf("%d workloads", len(all))
			}
			if diff := cmp.Diff(c.want, all[0].Pods); diff != "" {
				t.Errorf("pods (-want +got)\n%s", diff)
			}
			patterns := PodPatterns(all[0])
			if diff := cmp.Diff(c.match, patterns); diff != "" {
				t.Errorf("patterns (-want +got)\n%s", diff)
			}
			mustCover(t, patterns, all[0].Pods)
		})
	}
}

func mustCover(t *testing.T, patterns []string, pods []PodName) {
	t.Helper()
	for _, p := range pods {
		for _, name := range []string{p.Admission, p.Full} {
			covered := false
			for _, pattern := range patterns {
				covered = covered || wildcard.Match(pattern, name)
			}
			if !covered {
				t.Errorf("%v miss %s", patterns, name)
			}
		}
	}
}

func TestManyReplicasAreNotAllListed(t *testing.T) {
	t.Parallel()
	names := podNames("StatefulSet", "db", "", 1_000_000)
	if len(names) != listedReplicas+1 || names[len(names)-1].Full != "db-999999" {
		t.Errorf("%d names, the last %v", len(names), names[len(names)-1])
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	web := Workloads(setOf(t, plain))[0]
	for pattern, want := range map[string][2]bool{
		"web-*": {true, false}, "web*": {true, true}, "web": {false, true}, "web-*-?????": {true, false}, "w?b-*": {true, false}, "other-*": {false, false}, "": {false, false},
	} {
		pods, controller := Matches(pattern, web)
		if got := [2]bool{pods, controller}; got != want {
			t.Errorf("Matches(%q) = %v, want %v", pattern, got, want)
		}
	}
	job := &Workload{Kind: "Job", Name: "init", Pods: podNames("Job", "init", "", 1)}
	if _, controller := Matches("init*", job); controller {
		t.Error("the mutator does not look at Jobs")
	}
}

func FuzzPodPatterns(f *testing.F) {
	for _, kind := range []string{"Deployment", "StatefulSet", "Job", "CronJob", "Pod", "DaemonSet", prefixKind} {
		f.Add(kind, "a-b", true, 3)
		f.Add(kind, strings.Repeat("long-", 14), false, 1)
	}
	f.Fuzz(func(t *testing.T, kind, name string, automount bool, replicas int) {
		if strings.ContainsAny(name, "*?") {
			return
		}
		w := &Workload{Kind: kind, Name: name, Automount: &automount, Pods: podNames(kind, name, name, replicas)}
		mustCover(t, PodPatterns(w), w.Pods)
	})
}

// A pattern ends before a revision that the next upgrade changes.
func TestPodPatternsOfARevision(t *testing.T) {
	t.Parallel()
	set := setOf(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: app-migrate-1}\nspec: {template: {spec: {}}}")
	set.Releases[0].Objects[0].Later = "app-migrate-2"
	w := Workloads(set)[0]
	if diff := cmp.Diff([]string{"app-migrate-*"}, PodPatterns(w)); diff != "" {
		t.Error(diff)
	}
	if Covers("app-migrate-1-*", w) {
		t.Error("a pattern of the first revision is said to cover the next one")
	}
}
