package bot

import (
	"bytes"
	"encoding/json"
	"time"
)

// ScanReport is the result of a scan, in the stable form that
// `tokenward scan --format json` prints: every key is present and every list is
// sorted, so that two runs on the same input give the same bytes.
type ScanReport struct {
	Umbrella        UmbrellaReport         `json:"umbrella"`
	Releases        []ReleaseReport        `json:"releases"`
	Workloads       []WorkloadReport       `json:"workloads"`
	ServiceAccounts []ServiceAccountReport `json:"serviceAccounts"`
	Changes         []ChangeReport         `json:"changes"`
	Violations      ViolationsReport       `json:"violations"`
	// PolicyError says why it is not known what the policies do, "" if it is.
	PolicyError string `json:"policyError"`
	// Notes are sentences about single namespaces that a maintainer should read.
	Notes []NoteReport `json:"notes"`

	text []byte // what Text returns, where that was needed before
}

// Text is the report in JSON, on one line and without escapes for HTML. The error is of encoding/json.
func (r *ScanReport) Text() ([]byte, error) {
	if r.text != nil {
		return r.text, nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(r)
	return text.Bytes(), err
}

// UmbrellaReport names the umbrella and the revision that was analysed.
type UmbrellaReport struct {
	Repository string `json:"repository"`
	Ref        string `json:"ref"`
	Commit     string `json:"commit"`
}

// ReleaseReport is one release that the umbrella deploys. Error says why it could
// not be analysed, "" if it could.
type ReleaseReport struct {
	Name       string `json:"name"`
	Namespace  string `json:"namespace"`
	Repository string `json:"repository"`
	Ref        string `json:"ref"`
	Commit     string `json:"commit"`
	Chart      string `json:"chart"`
	Error      string `json:"error"`
}

// WorkloadReport is the verdict on one workload and what the policies do to its pods.
type WorkloadReport struct {
	Namespace      string           `json:"namespace"`
	Release        string           `json:"release"`
	Kind           string           `json:"kind"`
	Name           string           `json:"name"`
	ServiceAccount string           `json:"serviceAccount"`
	PodPatterns    []string         `json:"podPatterns"`
	Verdict        string           `json:"verdict"`
	Confidence     string           `json:"confidence"`
	Evidence       []EvidenceReport `json:"evidence"`
	Listed         string           `json:"listed"`      // allowed, denied, unlisted, namespace-unlisted or excluded
	TokenBefore    bool             `json:"tokenBefore"` // its pods get a token under the policies of today
	TokenAfter     bool             `json:"tokenAfter"`  // and with every proposed change merged
}

// EvidenceReport is one fact behind a verdict. Source is the template's path in
// the package's repository, with a line after a colon where it is known.
type EvidenceReport struct {
	Kind    string `json:"kind"`
	Summary string `json:"summary"`
	Object  string `json:"object"`
	Source  string `json:"source"`
}

// ServiceAccountReport says what the policies make of a ServiceAccount. Automount
// is what its manifest says, nil where it says nothing.
type ServiceAccountReport struct {
	Namespace      string `json:"namespace"`
	Release        string `json:"release"`
	Name           string `json:"name"`
	Automount      *bool  `json:"automount"`
	HardenedBefore bool   `json:"hardenedBefore"`
	HardenedAfter  bool   `json:"hardenedAfter"`
}

// ChangeReport is one intended change of the mutator's values.
type ChangeReport struct {
	Namespace string   `json:"namespace"`
	Kind      string   `json:"kind"`
	Pattern   string   `json:"pattern"`
	Reason    string   `json:"reason"`
	Workloads []string `json:"workloads"`
}

// ViolationsReport lists what the validating policy reports today and with every
// proposed change merged.
type ViolationsReport struct {
	Before []ViolationReport `json:"before"`
	After  []ViolationReport `json:"after"`
}

// ViolationReport is one object that breaks a rule of the validating policy.
type ViolationReport struct {
	Rule      string `json:"rule"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// NoteReport is a sentence about one namespace, or about the umbrella where
// Namespace is empty.
type NoteReport struct {
	Namespace string `json:"namespace"`
	Text      string `json:"text"`
}

// ProposeReport is the result of `tokenward propose` and `tokenward demo`.
type ProposeReport struct {
	MergeRequests []MergeRequestReport `json:"mergeRequests"`
	Failed        []FailureReport      `json:"failed"`
}

// Roles of a merge request in its pair.
const (
	RoleUmbrella = "umbrella"
	RolePackage  = "package"
)

// What a run did about a merge request.
const (
	ActionCreated   = "created"
	ActionUpdated   = "updated"
	ActionUnchanged = "unchanged"
	ActionSkipped   = "skipped"
	ActionClosed    = "closed"
)

// MergeRequestReport is one merge request and what the run did about it. In a dry
// run IID is 0 for a request that does not exist yet.
type MergeRequestReport struct {
	Project      string   `json:"project"`
	IID          int64    `json:"iid"`
	URL          string   `json:"url"`
	Unit         string   `json:"unit"`
	Role         string   `json:"role"`
	Title        string   `json:"title"`
	SourceBranch string   `json:"sourceBranch"`
	TargetBranch string   `json:"targetBranch"`
	State        string   `json:"state"`
	Action       string   `json:"action"`
	Reason       string   `json:"reason"` // why it was skipped, "" otherwise
	Pairs        []string `json:"pairs"`
	Diff         string   `json:"diff"`
	Description  string   `json:"description"`
	// Held says that only a limit or the window holds the request back, Uncounted that
	// the limit needs a run over all namespaces.
	Held      bool `json:"-"`
	Uncounted bool `json:"-"`
}

// FailureReport is a unit that was not proposed, or only in part, with the reason.
// Intended holds the lines that a person may place by hand, as a diff or as plain lines.
type FailureReport struct {
	Unit     string `json:"unit"`
	Reason   string `json:"reason"`
	Intended string `json:"intended"`
	// Blocked says that the unit was not tried, since its namespace could not be seen whole.
	Blocked bool `json:"-"`
	// Retry says that it may help to try again although nothing has changed. Away says
	// that a server could not be reached, and After how long it asks to wait, 0 if it
	// does not say.
	Retry bool          `json:"-"`
	Away  bool          `json:"-"`
	After time.Duration `json:"-"`
}
