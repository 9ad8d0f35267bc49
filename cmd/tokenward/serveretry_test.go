package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenward/gitops/forge/sandbox"
)

// A run that fails after it has scanned leaves all its work to the next attempt, counts
// as an error, and takes nothing from the admin page.
func TestServeRetries(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	clock := &testClock{now: time.Date(2026, 6, 1, 8, 20, 0, 0, time.UTC)}
	p.now = clock.Now
	var broken atomic.Bool
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if broken.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/issues") {
			return sandbox.Fault{Status: http.StatusBadRequest}
		}
		return sandbox.Fault{}
	})
	s := p.serveHere(map[string]string{"TOKENWARD_ISSUES_TRACKING": "true"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	s.until("rest", s.idle)
	told := regexp.MustCompile(`(?m)^(tokenward_merge_requests|tokenward_last_success|tokenward_runs_total\{result="(ok|partial)).*\n`)
	standing := func() string { return strings.Join(told.FindAllString(s.page("/metrics"), -1), "") }
	before := standing()

	p.onMain(listFile, p.git(umbrellaProject, "show", "main:"+listFile)+"\n# A remark.\n")
	broken.Store(true)
	clock.add(time.Minute)
	s.push(umbrellaProject, "push-of-the-umbrella")
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=2 result=failed`)
	if after := standing(); after != before {
		t.Errorf("before the run that failed:\n%safter it:\n%s", before, after)
	}
	if !strings.Contains(s.page("/metrics"), `tokenward_runs_total{result="error",umbrella="umbrella"} 1`) {
		t.Error("the run that failed is not counted as one error")
	}

	broken.Store(false)
	p.box.box.ResetRequests()
	clock.add(time.Minute)
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=3 result=done`)
	looked := 0
	for _, r := range p.box.box.Requests() {
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/merge_requests") {
			looked++
		}
	}
	if looked == 0 {
		t.Error("the second attempt looks at nothing")
	}
}
