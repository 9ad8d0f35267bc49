// Package bot runs the whole path: it discovers what an umbrella deploys, has it
// rendered and judged, turns the plan into edits, proves every edit by rendering
// again and proposes pairs of merge requests. It translates between analysis and
// gitops, which do not know each other, and leaves judging, editing and GitLab's
// details to them.
package bot

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/live"
	"tokenward/analysis/policy"
	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// Config says what a bot works on. The zero value of an optional field has the
// meaning that its comment gives.
type Config struct {
	Umbrella Umbrella
	// Beside are the umbrellas that are configured with this one, which itself may be among
	// them: their requests are not its own.
	Beside []Umbrella
	// KubeVersion and APIVersions are what charts see as the cluster's
	// capabilities, beside the API versions that the platform's own CRDs provide.
	KubeVersion string
	APIVersions []string
	// Policies names the three policies; default policy.DefaultNames.
	Policies policy.Names
	// PolicyValues is the path, in the umbrella, of the file that holds the
	// mutator's values; "" searches the umbrella for it.
	PolicyValues string
	// Namespaces limits the units of work; empty means all.
	Namespaces []string
	// Partial says that the namespaces were chosen for this run alone: it is no
	// complete run, after which something is not needed any more, leaves the
	// dashboard as it is, and fails where nothing is deployed into one of them.
	Partial bool
	// RemoveStale proposes to take stale entries out of the mutator's lists, in merge
	// requests of their own; otherwise they are only reported.
	RemoveStale bool
	// GroupDrift is how many lines a repair of a listed namespace may add to be proposed
	// together with other small ones; 0 proposes each by itself.
	GroupDrift int
	// Documentation turns off the packages' merge requests when it is false.
	Documentation bool
	// VersionBump lets a package's request raise the version of its chart, too.
	VersionBump bool
	// GitLabURL is the base URL of the server that has the projects.
	GitLabURL    string
	BranchPrefix string   // default "tokenward/"
	Labels       []string // labels of new merge requests
	// StateKey signs the hidden state of descriptions. Without one the signature
	// shows damage, but not forgery by somebody who knows this program.
	StateKey []byte
	Calm     Calm
	// Issues says which issues are kept in the umbrella's project; none by default.
	Issues IssueOptions
	// Reviewing says who is asked to review new merge requests.
	Reviewing Reviewing
	// Signer signs commits, nil leaves them unsigned.
	Signer git.Signer
	// Operators are added to the table of custom resources whose operators make pods.
	Operators []analysis.Operator
	// Renderer renders every chart; default analysis.InProcess.
	Renderer analysis.Renderer
	// Prepare is called when a scan begins, before Renderer is needed; nil for nobody.
	Prepare func()
	// Keeper keeps what need not be done again; nil keeps nothing. It is as much the caller's
	// to make Renderer and the store keep what they do.
	Keeper Keeper
	// Observed is what audit logs of a live platform show, LiveViolations what its
	// policy reports and events do; nil without any.
	Observed       *live.Observations
	LiveViolations *live.Violations
	DryRun         bool // Propose computes everything and writes nothing
	Workers        int  // fetches and renders at once; default 4
	Now            func() time.Time
	Log            *slog.Logger
	// Progress is told of every step begun; nil for silence.
	Progress func(step string, done, total int)
	// Step is told of every step's begin and end, for metrics and traces; nil for nobody.
	Step StepFunc
}

// Umbrella says where the umbrella chart is and how to render it.
type Umbrella struct {
	Repository string // any git URL
	Ref        git.Ref
	ChartDir   string           // "" for chart/ or the root
	ValuesPath []string         // values files inside the umbrella, later ones win
	Values     []map[string]any // values given by the user, later ones win over all before
	// ReleaseName and Namespace of the umbrella's own release; default: its chart's name.
	ReleaseName, Namespace string
}

func (c Config) withDefaults() Config {
	if c.Policies == (policy.Names{}) {
		c.Policies = policy.DefaultNames()
	}
	if c.BranchPrefix == "" {
		c.BranchPrefix = "tokenward/"
	}
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.Renderer == nil {
		c.Renderer = analysis.InProcess{}
	}
	if c.Prepare == nil {
		c.Prepare = func() {}
	}
	if c.Keeper == nil {
		c.Keeper = noKeeper{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(string, int, int) {}
	}
	if c.Step == nil {
		c.Step = noStep
	} else {
		c.Renderer = watchedRenderer{c.Renderer, c.Step}
	}
	return c
}

func (c Config) validate() error {
	if c.Umbrella.Repository == "" {
		return errors.New("umbrella.url: must not be empty: give the umbrella's git URL or folder")
	}
	if (c.Issues.Tracking || c.Issues.Dashboard) && len(c.Issues.Labels) == 0 {
		return errors.New("issues.labels: must not be empty: issues are found again by the first label")
	}
	return nil
}

// store reads and writes git repositories; *git.Store is the one there is.
type store interface {
	Effective(url string) string
	Fetch(ctx context.Context, url string, ref git.Ref) (*git.Snapshot, error)
	FetchUnless(ctx context.Context, url string, ref git.Ref, files git.Files, known func(commit string) bool) (*git.Snapshot, git.Resolved, error)
	Resolve(ctx context.Context, url string, ref git.Ref) (git.Resolved, error)
	Commit(ctx context.Context, base *git.Snapshot, spec git.CommitSpec) (string, error)
	Push(ctx context.Context, base *git.Snapshot, commit, branch, expected string) error
}

// mergeRequests is the part of GitLab's API that proposing needs; *forge.Client has it.
type mergeRequests interface {
	Project(ctx context.Context, path string) (forge.Project, error)
	MergeRequests(ctx context.Context, projectID int64, sourceBranch string) ([]forge.MergeRequest, error)
	CreateMergeRequest(ctx context.Context, projectID int64, n forge.NewMergeRequest) (forge.MergeRequest, error)
	UpdateMergeRequest(ctx context.Context, projectID, iid int64, u forge.MergeRequestUpdate) (forge.MergeRequest, error)
	Compare(ctx context.Context, projectID int64, from, to string) (forge.Comparison, error)
	DeleteBranch(ctx context.Context, projectID int64, branch string) error
}

// identity tells which user a token belongs to, and what they have open; *forge.Client asks.
type identity interface {
	CurrentUser(ctx context.Context) (forge.User, error)
	// UserFor is the user of the token for a project, which is asked for once.
	UserFor(ctx context.Context, project string) (forge.User, error)
	OpenedByMe(ctx context.Context) ([]forge.MergeRequest, error)
}

var (
	_ store         = (*git.Store)(nil)
	_ mergeRequests = (*forge.Client)(nil)
	_ identity      = (*forge.Client)(nil)
	_ people        = (*forge.Client)(nil)
	_ dependencies  = (*forge.Client)(nil)
	_ issues        = (*forge.Client)(nil)
	_ talk          = (*forge.Client)(nil)
	_ rights        = (*forge.Client)(nil)
)

// Bot runs the path for one umbrella. It keeps nothing between runs.
type Bot struct {
	cfg   Config
	store store
	forge mergeRequests // nil: nothing can be proposed, and a dry run assumes that nothing is there yet

	identity     identity
	people       people
	dependencies dependencies
	issues       issues
	talk         talk
	rights       rights
}

// New checks the configuration and returns a bot. The forge may be nil for scans
// and dry runs.
func New(cfg Config, store *git.Store, client *forge.Client) (*Bot, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	b := &Bot{cfg: cfg, store: store}
	if client != nil {
		b.forge, b.identity, b.people, b.dependencies = client, client, client, client
		b.issues, b.talk, b.rights = client, client, client
	}
	return b, nil
}
