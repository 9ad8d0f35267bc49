package board

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/bot"
)

func scan(verdicts ...string) *bot.ScanReport {
	r := &bot.ScanReport{}
	for i := 0; i < len(verdicts); i += 2 {
		ns := verdicts[i]
		r.Workloads = append(r.Workloads, bot.WorkloadReport{Namespace: ns, Name: "w", Verdict: verdicts[i+1]})
		r.Violations.Before = append(r.Violations.Before, bot.ViolationReport{Namespace: ns, Name: verdicts[i+1]})
		r.Notes = append(r.Notes, bot.NoteReport{Namespace: ns, Text: verdicts[i+1]})
	}
	return r
}

// A run of one namespace must not take the others off the board, nor bring in what it
// did not look at as a unit.
func TestRunOfOneNamespaceLeavesTheRest(t *testing.T) {
	t.Parallel()
	b := &Board{}
	b.Record("u", nil, scan("a", "review", "b", "review"), &bot.ProposeReport{
		MergeRequests: []bot.MergeRequestReport{{Unit: "a", Project: "p"}, {Unit: "b", Project: "p"}, {Unit: "b (stale)", Project: "p"}},
		Failed:        []bot.FailureReport{{Unit: "a"}, {Unit: "b"}},
	}, time.Unix(1, 0))
	b.Record("u", []string{"b"}, scan("b", "no-token", "c", "no-token"), &bot.ProposeReport{
		MergeRequests: []bot.MergeRequestReport{{Unit: "b", Project: "q"}},
	}, time.Unix(2, 0))
	got := b.Umbrellas()[0]
	verdicts := map[string]string{}
	for _, w := range got.Scan.Workloads {
		verdicts[w.Namespace] = w.Verdict
	}
	if d := cmp.Diff(map[string]string{"a": "review", "b": "no-token"}, verdicts); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]bot.MergeRequestReport{{Unit: "a", Project: "p"}, {Unit: "b", Project: "q"}}, got.MergeRequests); d != "" {
		t.Errorf("merge requests (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]bot.FailureReport{{Unit: "a"}}, got.Failed); d != "" {
		t.Errorf("failures (-want +got):\n%s", d)
	}
	if len(got.Scan.Violations.Before) != 2 || len(got.Scan.Notes) != 2 || !got.At.Equal(time.Unix(2, 0)) {
		t.Errorf("left: %+v", got)
	}
}
