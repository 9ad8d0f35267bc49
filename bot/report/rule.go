package report

// Levels of a finding, as SARIF names them.
const (
	levelError   = "error"
	levelWarning = "warning"
	levelNote    = "note"
	levelNone    = "none" // for what a person decides
)

// Rules' names. They are part of the output that other tools keep: never change
// one, and never use it again for something else.
const (
	ruleHarden        = "harden"
	ruleHardenDefault = "harden-default"
	ruleAllow         = "allow"
	ruleDeny          = "deny"
	ruleStale         = "stale"
	ruleMissingToken  = "missing-token"
	ruleNeedlessToken = "needless-token"
	ruleReview        = "review"
	ruleViolation     = "violation"

	noticeNotAnalysed = "not-analysed"
	noticeNote        = "note"
)

// rule is one kind of finding, with the texts that viewers show about it.
type rule struct {
	id    string
	title string // one line, no full stop
	full  string
	help  string // what to do
	level string // where nothing is said about a single finding
}

// rules lists every kind of finding, in the order in which findings are shown.
func rules() []rule {
	return []rule{
		{ruleHarden, "Namespace is not hardened",
			"The mutating policy does not list the namespace, so its ServiceAccounts keep automountServiceAccountToken unset or true, and every pod gets a token for the Kubernetes API.",
			"Add the namespace to the mutating policy's namespaces, with an allow pattern for every pod that needs the API. Whoever breaks into a pod with a token can go on through the API server.", levelWarning},
		{ruleHardenDefault, "Default ServiceAccount of a namespace is not hardened",
			"Kubernetes makes the ServiceAccount default itself, so a policy of its own hardens it; that policy does not list the namespace.",
			"Add the namespace to the policy that hardens default ServiceAccounts.", levelWarning},
		{ruleAllow, "Pods that need a token are not allowed one",
			"Pods of a hardened namespace use the Kubernetes API, and no allow pattern of the mutating policy gives them a token.",
			"Add the pattern to the namespace's allow list. It is an error where the namespace is hardened today and the pods get no token: their calls fail. It is a note where the namespace is only about to be hardened.", levelWarning},
		{ruleDeny, "An allow pattern is too wide",
			"An allow pattern of the mutating policy also matches pods that need no token.",
			"Add the pattern to the namespace's deny list, or narrow the allow pattern.", levelWarning},
		{ruleStale, "Entry of the mutating policy has no effect",
			"An entry of the namespace's list matches no pod that is rendered, is listed twice, or allows only pods that need no token.",
			"Look whether a workload was renamed, then remove the entry.", levelNote},
		{ruleMissingToken, "Pods that need a token get none",
			"Evidence says that the pods use the Kubernetes API, they get no token, and no proposed change gives them one.",
			"Look at the namespace's deny list and at the fields automountServiceAccountToken that the chart sets itself.", levelError},
		{ruleNeedlessToken, "Pods get a token that they do not need",
			"Nothing that is rendered shows that the pods use the Kubernetes API, yet a token is mounted into them.",
			"Harden the ServiceAccount or the pod: list the namespace in the mutating policy, or set automountServiceAccountToken to false in the chart.", levelWarning},
		{ruleReview, "A person must judge whether pods need a token",
			"The evidence about the workload contradicts itself or is missing.",
			"Read the evidence, try the workload without a token, and decide for an allow or a deny pattern.", levelNone},
		{ruleViolation, "Object breaks the validating policy",
			"The validating policy demands automountServiceAccountToken: false of every ServiceAccount, and no explicit true of Pods, Deployments and StatefulSets.",
			"List the namespace in the mutating policy; for what must keep its token, add an allow pattern, which brings an exception.", levelWarning},
	}
}

// notices lists what can be said about the scan itself.
func notices() []rule {
	return []rule{
		{noticeNotAnalysed, "Release could not be analysed",
			"The release's chart could not be fetched or rendered: nothing is known about its workloads.",
			"Give the values or the access that the message asks for, and scan again.", levelError},
		{noticeNote, "Note about a namespace or the umbrella",
			"A sentence that a maintainer should read before changing the policies.",
			"No action is needed.", levelNote},
	}
}

// severity translates a finding's level for Code Quality, which knows five.
func severity(f finding) string {
	if f.settled != "" {
		return "info"
	}
	switch f.level {
	case levelError:
		return "critical"
	case levelWarning:
		if f.rule == ruleHardenDefault {
			return "minor"
		}
		return "major"
	default:
		return "info"
	}
}
