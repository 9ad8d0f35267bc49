package analysis

// Verdict says whether a workload's pods need a token for the Kubernetes API.
type Verdict string

const (
	NeedsToken Verdict = "needs-token"
	NoToken    Verdict = "no-token"
	// Review means that the evidence contradicts itself or is missing: a
	// person must look before the list is changed.
	Review Verdict = "review"
)

// Confidence says how much a verdict's evidence carries.
type Confidence string

const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Evidence is one fact behind a verdict.
type Evidence struct {
	// Kind is the judging rule's name, for example bound-role.
	Kind string
	// Summary is one line that a maintainer can believe, for example
	// "reads and patches Secrets, watches Applications".
	Summary string
	// Object is the object that shows the fact, as "Role argocd/argocd-server".
	Object string
	// Source is the template that renders the object, in the release's repository;
	// Line is its 1-based line, 0 where unknown.
	Source string
	Line   int
	// Release is the name of the release that renders the object; usually the
	// workload's own.
	Release string
}

// Judgement is the verdict on one workload.
type Judgement struct {
	Workload   *Workload
	Verdict    Verdict
	Confidence Confidence
	// Evidence is ordered from strong to weak, and never empty.
	Evidence []Evidence
}
