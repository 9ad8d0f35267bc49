package forge

import (
	"errors"
	"net/http"
	"testing"
)

// TestMergingAndApprovingAreLeftToPeople: whatever the code above asks for, no request
// that merges, approves or changes who has to approve leaves the transport.
func TestMergingAndApprovingAreLeftToPeople(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		sent         bool
	}{
		{"PUT", "/projects/7/merge_requests/1/merge", false},
		{"POST", "/projects/7/merge_requests/1/approve", false},
		{"POST", "/projects/g%2Fp/merge_requests/1/unapprove", false},
		{"PUT", "/projects/7/merge_requests/1/reset_approvals", false},
		{"POST", "/projects/7/merge_requests/1/approvals", false},
		{"DELETE", "/projects/7/merge_requests/1/approval_rules/3", false},
		{"POST", "/projects/7/approval_rules", false},
		{"POST", "/projects/7/approvals", false},
		{"POST", "/projects/7/merge_trains/merge_requests/1", false},
		{"GET", "/projects/7/merge_requests/1/approvals", true},
		{"PUT", "/projects/7/merge_requests/1", true},
		{"PUT", "/projects/7/merge_requests/1/rebase", true},
		{"DELETE", "/projects/merge/repository/branches/merge", true},
	} {
		f := newFake(t, map[string][]answer{c.method + " " + c.path: {{body: "{}"}}})
		req, err := http.NewRequestWithContext(ctx(t), c.method, f.URL+"/api/v4"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := f.client(t, nil).transport.RoundTrip(req)
		if err == nil {
			err = resp.Body.Close()
		}
		if c.sent && (err != nil || len(f.requests) != 1) || !c.sent && (!errors.Is(err, errPeoples) || len(f.requests) != 0) {
			t.Errorf("%s %s: %v after %q", c.method, c.path, err, f.requests)
		}
	}
}
