package analysis

import (
	"fmt"
	"strings"
	"testing"
)

// TestManyMounts mounts one script as often as a chart can say so: it is read once.
func TestManyMounts(t *testing.T) {
	t.Parallel()
	var mounts, volumes strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&mounts, "    - {name: v, mountPath: /m%d}\n", i)
		volumes.WriteString("  - {name: v, configMap: {name: scripts}}\n")
	}
	got := Judge(setOf(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: x\n    volumeMounts:\n"+mounts.String()+"  volumes:\n"+volumes.String()+
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {run.sh: kubectl get pods}\n"), JudgeOptions{})
	if len(got) != 1 || got[0].Verdict != NeedsToken || got[0].Evidence[0].Summary != "runs kubectl in script run.sh of ConfigMap shop/scripts in container c" {
		t.Errorf("%+v", got)
	}
}

// TestManyFilesAndALongCommand searches a command for each file that is mounted: that counts, too.
func TestManyFilesAndALongCommand(t *testing.T) {
	t.Parallel()
	var mounts, keys strings.Builder
	for i := range 500 {
		fmt.Fprintf(&mounts, "    - {name: v, mountPath: /m%d}\n", i)
	}
	for i := range 2000 {
		fmt.Fprintf(&keys, "  k%d: x\n", i)
	}
	got := Judge(setOf(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  volumes: [{name: v, configMap: {name: m}}]\n  containers:\n  - name: c\n    image: x\n    args: ["+
		strings.Repeat("x", 100_000)+"]\n    volumeMounts:\n"+mounts.String()+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n"+keys.String()), JudgeOptions{})
	if len(got) != 1 || got[0].Verdict != Review || !strings.Contains(got[0].Evidence[0].Summary, "more than 256 MiB") {
		t.Errorf("%+v", got)
	}
}

// TestFilesOfOneName reads files that are called the same: two keys that are mounted under one name, and what a hook and the
// release make of one ConfigMap.
func TestFilesOfOneName(t *testing.T) {
	t.Parallel()
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /a}, {name: w, mountPath: /b}]}]\n  volumes:\n" +
		"  - {name: v, configMap: {name: scripts, items: [{key: a.sh, path: run.sh}]}}\n  - {name: w, configMap: {name: scripts, items: [{key: b.sh, path: run.sh}]}}\n---\n"
	scripts := func(a, b string) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {a.sh: %s, b.sh: %s}\n", a, b)
	}
	for _, text := range []string{pod + scripts("echo", "kubectl get"), pod + scripts("echo", "echo") + "---\n" + scripts("kubectl get", "echo")} {
		if got := Judge(setOf(t, text), JudgeOptions{}); len(got) != 1 || got[0].Verdict != NeedsToken {
			t.Errorf("%+v", got)
		}
	}
}

// TestLongCommandLine finds the tool behind a wrapper with more options than anybody gives.
func TestLongCommandLine(t *testing.T) {
	t.Parallel()
	argv := append([]string{"env"}, strings.Fields(strings.Repeat("a=b ", 300_000))...)
	if got := callsTool(snippet{argv: append(argv, "kubectl", "get"), script: true}, []string{"kubectl"}); got != "kubectl" {
		t.Errorf("got %q", got)
	}
	if got := callsTool(snippet{argv: append(argv, "sleep", "kubectl"), script: true}, []string{"kubectl"}); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestReleaseThatReadsTooMuch: its pods are for people to judge, those of others are judged.
func TestReleaseThatReadsTooMuch(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: large}\ndata: {large.txt: %s}\n", strings.Repeat("x", 1<<20))
	for i := range 1 + maxRead>>20 {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p%d}\nspec: {containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /m}]}], volumes: [{name: v, configMap: {name: large}}]}\n", i)
	}
	text.WriteString("---\n# release: other\napiVersion: v1\nkind: Pod\nmetadata: {name: other}\nspec: {containers: [{name: c, image: x, command: [kubectl]}]}\n")
	for _, j := range Judge(setOf(t, text.String()), JudgeOptions{}) {
		switch {
		case j.Workload.Name == "other" && j.Verdict != NeedsToken:
			t.Errorf("of another release: %+v", j)
		case j.Workload.Name != "other" && (j.Verdict != Review || !strings.Contains(j.Evidence[0].Summary, "more than 256 MiB of text")):
			t.Fatalf("%s: %s, %+v", j.Workload.Name, j.Verdict, j.Evidence)
		}
	}
}
