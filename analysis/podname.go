package analysis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tokenward/analysis/wildcard"
)

const (
	// maxGenerated is how much of a generateName survives in the final name:
	// the API server cuts it and appends five random characters.
	// Source: k8s.io/apiserver/pkg/storage/names/generate.go.
	maxGenerated = 58
	randomTail   = "x7k2p"
	templateHash = "5d8f7c9b4d" // what a Deployment puts between its name and a pod's
	jobMinute    = "29384720"   // what a CronJob appends to its Jobs' names
	prefixKind   = "Prefix"     // pods of which an operator's table knows only how they begin
	// listedReplicas is how many pods of a StatefulSet are named one by one.
	listedReplicas = 12
)

// podNames says how the pods of a controller of a built-in kind are called; nil
// for a kind that makes no pods.
func podNames(kind, name, generateName string, replicas int) []PodName {
	switch kind {
	case "Deployment", "Rollout":
		return []PodName{generated(name + "-" + templateHash + "-")}
	case "DaemonSet", "ReplicaSet", "ReplicationController", "Job", prefixKind:
		return []PodName{generated(name + "-")}
	case "DeploymentConfig":
		return []PodName{generated(name + "-1-"), named(name + "-1-deploy")}
	case "CronJob":
		return []PodName{generated(name + "-" + jobMinute + "-")}
	case "StatefulSet":
		var out []PodName
		for i := range min(max(replicas, 1), listedReplicas) {
			out = append(out, named(name+"-"+strconv.Itoa(i)))
		}
		if replicas > listedReplicas {
			out = append(out, named(name+"-"+strconv.Itoa(replicas-1)))
		}
		return out
	case "Pod":
		if name == "" {
			return []PodName{generated(generateName)}
		}
		return []PodName{named(name)}
	}
	return nil
}

// indexedJobPods names the first and the last pod of a Job whose completionMode is Indexed.
func indexedJobPods(name string, completions int) []PodName {
	var out []PodName
	for _, i := range slices.Compact([]int{0, max(completions, 1) - 1}) {
		index := "-" + strconv.Itoa(i) + "-"
		out = append(out, generated(name[:min(len(name), maxGenerated-len(index))]+index))
	}
	return out
}

func generated(generateName string) PodName {
	base := generateName
	if len(base) > maxGenerated {
		base = base[:maxGenerated]
	}
	return PodName{Admission: generateName, Full: base + randomTail}
}

func named(name string) PodName { return PodName{Admission: name, Full: name} }

// PodPatterns returns the shortest natural patterns that match every pod of the
// workload, as admission sees it and by its final name: its name where the pod
// is named, else "name-*". Where the pod template of a Deployment or StatefulSet
// sets automountServiceAccountToken true, the controller itself violates the
// validating policy, so that the pattern covers its name, too: "name*". Other
// workloads that the patterns may hit are not looked at. It is nil if the names
// of the pods are not known.
func PodPatterns(w *Workload) []string {
	var out []string
	for _, p := range w.Pods {
		pattern := patternOf(w, p)
		for _, stem := range w.stems {
			if strings.HasPrefix(pattern, stem) {
				pattern = stem + "*"
			}
		}
		if !slices.Contains(out, pattern) {
			out = append(out, pattern)
		}
	}
	out = joinPatterns(out, w.Name)
	if w.Automount == nil || !*w.Automount {
		return out
	}
	for i, pattern := range out {
		if stem, ok := strings.CutSuffix(pattern, "-*"); ok && slices.Contains(w.controllers(), stem) {
			out[i] = stem + "*"
		}
	}
	return out
}

// patternOf matches both names of one pod and nothing that it need not: the name
// itself, the numbered pods of a StatefulSet, or what a controller puts before
// the random part.
func patternOf(w *Workload, p PodName) string {
	if p.Admission == p.Full {
		at := strings.LastIndexByte(p.Full, '-')
		if _, err := strconv.ParseUint(p.Full[at+1:], 10, 31); at <= 0 || err != nil || w.Kind == "Pod" {
			return p.Full
		}
		return p.Full[:at+1] + "*"
	}
	stem := commonPrefix(p.Admission, p.Full)
	for _, infix := range []string{templateHash + "-", jobMinute + "-"} {
		for n := len(infix); n > 0; n-- { // the final name may be cut inside it
			if cut, ok := strings.CutSuffix(stem, "-"+infix[:n]); ok {
				return cut + "-*"
			}
		}
	}
	return stem + "*"
}

// numbered lists what stands before the numbers of the pods that an operator names
// itself, without a controller of a built-in kind.
func numbered(w *Workload) []string {
	var out []string
	for _, p := range w.Pods {
		stem, ok := strings.CutSuffix(patternOf(w, p), "-*")
		if ok && w.PodSpec == nil && p.Admission == p.Full && !slices.Contains(out, stem) {
			out = append(out, stem)
		}
	}
	return out
}

// joinPatterns replaces several patterns by one if what they have in common
// still holds the workload's whole name.
func joinPatterns(patterns []string, name string) []string {
	if len(patterns) < 2 || name == "" {
		return patterns
	}
	stem := patterns[0]
	for _, p := range patterns[1:] {
		stem = commonPrefix(stem, p)
	}
	stem = stem[:strings.LastIndexByte(stem, '-')+1]
	if !strings.Contains(stem, name+"-") {
		return patterns
	}
	return []string{stem + "*"}
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// Matches tells what of a workload a pattern matches: any of its pods, at
// admission or afterwards, and the controller itself where the mutator looks at
// controllers: Deployments and StatefulSets, those that an operator makes included.
func Matches(pattern string, w *Workload) (pods, controller bool) {
	for _, p := range w.Pods {
		if wildcard.Match(pattern, p.Admission) || wildcard.Match(pattern, p.Full) {
			pods = true
		}
	}
	for _, name := range w.controllers() {
		controller = controller || wildcard.Match(pattern, name)
	}
	return pods, controller
}

// String names the pod for people.
func (p PodName) String() string {
	if p.Admission == p.Full {
		return p.Full
	}
	return fmt.Sprintf("%s (at admission %s)", p.Full, p.Admission)
}
