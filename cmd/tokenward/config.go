package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"tokenward/analysis/render/worker"
	"tokenward/bot"
	"tokenward/bot/queue"
)

// config is the configuration file. Every key has its meaning in the doc tag, from
// which the schema and the README's table are printed; every key can also come
// from the environment, as TOKENWARD_ and its path in capitals.
type config struct {
	Umbrella      umbrellaConfig      `yaml:"umbrella"`
	GitLab        gitlabConfig        `yaml:"gitlab"`
	Git           gitConfig           `yaml:"git"`
	Kubernetes    kubernetesConfig    `yaml:"kubernetes"`
	Policies      policiesConfig      `yaml:"policies"`
	MergeRequests mergeRequestsConfig `yaml:"mergeRequests"`
	Review        reviewConfig        `yaml:"review"`
	Commits       commitsConfig       `yaml:"commits"`
	Issues        issuesConfig        `yaml:"issues"`
	Judging       judgingConfig       `yaml:"judging"`
	Limits        limitsConfig        `yaml:"limits"`
	Drift         driftConfig         `yaml:"drift"`
	Webhooks      webhooksConfig      `yaml:"webhooks"`
	Log           logConfig           `yaml:"log"`
	Rendering     renderingConfig     `yaml:"rendering"`
	Cache         cacheConfig         `yaml:"cache"`
	Namespaces    []string            `yaml:"namespaces" doc:"Work on these namespaces only; empty means all. One that nothing is deployed into any more is reported, and the others are done."`
	Documentation bool                `yaml:"documentation" doc:"Propose the documentation section in the packages."`
	VersionBump   bool                `yaml:"versionBump" doc:"Let a package's merge request also raise the chart's version in the package's own scheme (1.2.3-bb.4 to 1.2.3-bb.5), with an entry in its CHANGELOG.md. Badges in generated READMEs are left to what generates them."`
	Umbrellas     []umbrellaConfig    `yaml:"umbrellas" doc:"Further umbrellas for the service, each with the keys of umbrella; all other keys hold for all of them."`
	Store         string              `yaml:"store" doc:"Where the service keeps its queue: sqlite:///PATH, or postgres://USER@HOST/DATABASE for several replicas."`
	StorePassword string              `yaml:"storePasswordFile" doc:"File with PostgreSQL's password, read at every connection; TOKENWARD_STORE_PASSWORD may hold it instead."`
	Serve         serveConfig         `yaml:"serve"`
	Admin         adminConfig         `yaml:"admin"`
	Traces        tracesConfig        `yaml:"traces"`
	Workers       int                 `yaml:"workers" doc:"How many repositories are fetched and namespaces proved at once; four times as many are asked where their refs lead." min:"1"`

	live    liveFiles        // from the command line only
	partial bool             // the namespaces were chosen on the command line
	beside  []umbrellaConfig // all umbrellas of the service
}

type umbrellaConfig struct {
	Name        string   `yaml:"name" doc:"Name of the umbrella in the service's pages, logs and metrics; empty means the name of its repository."`
	URL         string   `yaml:"url" doc:"The umbrella's git URL (https, ssh, file) or the folder of a repository, of which the last commit is read."`
	Ref         string   `yaml:"ref" doc:"Branch, tag (refs/tags/...) or commit to analyse; empty means the default branch. Merge requests need a branch."`
	Chart       string   `yaml:"chart" doc:"Folder of the umbrella chart in its repository; empty means chart/ or, without one, the root."`
	ValuesPaths []string `yaml:"valuesPaths" doc:"Values files inside the umbrella, such as its own CI's test values; later ones win."`
	ValuesFiles []string `yaml:"valuesFiles" doc:"Values files of your own, on top of those inside the umbrella; later ones win."`
	ReleaseName string   `yaml:"releaseName" doc:"Release name of the umbrella; empty means its chart's name."`
	Namespace   string   `yaml:"namespace" doc:"Namespace of the umbrella's release; empty means its chart's name."`
}

type gitlabConfig struct {
	URL       string   `yaml:"url" doc:"Base URL of the GitLab server that has the projects."`
	TokenFile string   `yaml:"tokenFile" doc:"File that holds the GitLab token. The token itself may stand in TOKENWARD_GITLAB_TOKEN, never in this file."`
	Tokens    []string `yaml:"tokens" doc:"Tokens of single projects or groups, each PATH=FILE; the longest path that a project's begins with wins. The other projects' calls are made with the token above, and no call about a project ever with another's."`
	CAFile    string   `yaml:"caFile" doc:"PEM file with further certificate authorities for GitLab and git over https."`
}

type gitConfig struct {
	InsteadOf      []string `yaml:"insteadOf" doc:"URL rewriting for mirrors, each FROM=TO, as git's url.TO.insteadOf FROM; the longest FROM wins."`
	Allowed        []string `yaml:"allowed" doc:"Hosts (name, or name:port) that packages may be fetched from beside those of gitlab.url, umbrella.url, git.hosts and the targets of git.insteadOf. No other host is asked, whatever URLs the umbrella names."`
	Username       string   `yaml:"username" doc:"User name for git over https on hosts other than GitLab."`
	PasswordFile   string   `yaml:"passwordFile" doc:"File that holds the password or token for these hosts; TOKENWARD_GIT_PASSWORD may hold it instead."`
	Hosts          []string `yaml:"hosts" doc:"Hosts that are given this user name and password; no other host ever is."`
	SSHKeyFile     string   `yaml:"sshKeyFile" doc:"Private key for git over ssh, its passphrase in TOKENWARD_SSH_PASSPHRASE; empty means the ssh agent."`
	KnownHostsFile string   `yaml:"knownHostsFile" doc:"Host keys for git over ssh; empty means ~/.ssh/known_hosts."`
	MaxBytes       string   `yaml:"maxBytes" doc:"How much one repository may send, and how large the files of its commit may be, as 256Mi."`
	MaxTime        string   `yaml:"maxTime" doc:"How long fetching one repository, or pushing to it, may take, as 5m."`
}

type kubernetesConfig struct {
	Version     string   `yaml:"version" doc:"Kubernetes version that charts see."`
	APIVersions []string `yaml:"apiVersions" doc:"API versions (group/version or group/version/Kind) that charts see beside Kubernetes' own and those of the platform's CRDs."`
}

type policiesConfig struct {
	Mutator        string `yaml:"mutator" doc:"Name of the policy that hardens ServiceAccounts and lists pods."`
	DefaultMutator string `yaml:"defaultMutator" doc:"Name of the policy that hardens default ServiceAccounts."`
	Validator      string `yaml:"validator" doc:"Name of the policy that reports automounted tokens."`
	ValuesFile     string `yaml:"valuesFile" doc:"Path in the umbrella of the file with the policies' values; empty means that it is searched for."`
}

type mergeRequestsConfig struct {
	BranchPrefix string   `yaml:"branchPrefix" doc:"Begin of the names of source branches; the namespace follows."`
	Labels       []string `yaml:"labels" doc:"Labels of new merge requests."`
	StateKeyFile string   `yaml:"stateKeyFile" doc:"File with a secret that signs the hidden state in descriptions; TOKENWARD_STATE_KEY may hold it instead. Without one the signature shows damage, not forgery."`
}

type reviewConfig struct {
	Reviewers  []string `yaml:"reviewers" doc:"User names that are asked to review; without any, the code owners are."`
	CodeOwners bool     `yaml:"codeOwners" doc:"Ask owners of the changed file by the repository's CODEOWNERS."`
	Count      int      `yaml:"count" doc:"How many reviewers are asked, by a stable choice; 0 asks nobody." min:"0"`
	Assignees  []string `yaml:"assignees" doc:"User names to whom new merge requests are assigned."`
	Milestone  string   `yaml:"milestone" doc:"Title of the milestone of new merge requests, in the project or a group around it; a project without it gets them without."`
}

type commitsConfig struct {
	SigningKeyFile string `yaml:"signingKeyFile" doc:"SSH or OpenPGP private key that signs commits; its passphrase stands in TOKENWARD_SIGNING_PASSPHRASE."`
}

type issuesConfig struct {
	Tracking  bool     `yaml:"tracking" doc:"Keep one issue per namespace in the umbrella's project, to which its merge requests refer."`
	Dashboard bool     `yaml:"dashboard" doc:"Keep a dashboard issue in the umbrella's project: the state of every namespace, with boxes to tick. Closing it pauses tokenward."`
	Labels    []string `yaml:"labels" doc:"Labels of these issues; by the first they are found again."`
}

type judgingConfig struct {
	OperatorsFile string `yaml:"operatorsFile" doc:"YAML file with further custom resources whose operators make pods, in the form of analysis/operators.yaml; its entries win."`
}

type limitsConfig struct {
	OpenUnits  int    `yaml:"openUnits" doc:"How many namespaces may have open merge requests at once; 0 means no limit." min:"0"`
	PerHour    int    `yaml:"perHour" doc:"How many namespaces may get new merge requests within any 60 minutes; 0 means no limit." min:"0"`
	Window     string `yaml:"window" doc:"When merge requests are opened and branches pushed, as Mon-Fri 06:00-20:00 Europe/Berlin; empty means always."`
	Onboarding bool   `yaml:"onboarding" doc:"Open nothing yet: report what would be proposed."`
}

type driftConfig struct {
	Remove string `yaml:"remove" doc:"What to do about entries of the policies' lists that nothing needs: report them, or propose to take them out, in merge requests of their own." oneof:"report propose"`
	Group  int    `yaml:"group" doc:"Propose small repairs of listed namespaces together, in one merge request: those that add at most so many lines, take no token and need no person's eye. 0 proposes each by itself." min:"0"`
}

type webhooksConfig struct {
	URL             string   `yaml:"url" doc:"Address at which GitLab reaches the service, as https://tokenward.example.com/webhooks/gitlab; for hooks install."`
	SecretFiles     []string `yaml:"secretFiles" doc:"Files with one secret token of webhooks each. All are valid, so that they can be rotated; hooks install sets the first. TOKENWARD_WEBHOOK_SECRET may hold it instead."`
	SigningKeyFiles []string `yaml:"signingKeyFiles" doc:"Files with one signing token of webhooks each (whsec_ and 32 bytes in base64; GitLab 19.0 or later). All are valid; hooks install sets the first."`
}

type renderingConfig struct {
	Workers int    `yaml:"workers" doc:"How many processes render charts." min:"1"`
	Memory  string `yaml:"memory" doc:"How much memory the rendering of one chart may need, as 512Mi or 1Gi."`
	Time    string `yaml:"time" doc:"How much processor time one chart may take, as 30s; on the clock four times as long."`
	Output  string `yaml:"output" doc:"How large what one chart renders may be, as 16Mi."`
}

type cacheConfig struct {
	Dir      string `yaml:"dir" doc:"Folder in which fetched commits and rendered charts are kept, readable for its user only; several processes may share it. Empty means the user's cache folder, where there is one, and off none."`
	MaxBytes string `yaml:"maxBytes" doc:"How much the folder may take, as 1Gi; the least recently used goes first."`
}

const (
	reportStale  = "report"
	proposeStale = "propose"
)

func defaultConfig() config {
	return config{
		Kubernetes:    kubernetesConfig{Version: "v1.34.0"},
		Policies:      policiesConfig{Mutator: "update-automountserviceaccounttokens", DefaultMutator: "update-automountserviceaccounttokens-default", Validator: "disallow-auto-mount-service-account-token"},
		MergeRequests: mergeRequestsConfig{BranchPrefix: "tokenward/"},
		Review:        reviewConfig{CodeOwners: true, Count: 2},
		Issues:        issuesConfig{Labels: []string{"tokenward"}},
		Drift:         driftConfig{Remove: reportStale},
		Log:           logConfig{Level: logAuto, Format: "text"},
		Git:           gitConfig{MaxBytes: "256Mi", MaxTime: "5m"},
		Rendering:     renderingConfig{Workers: worker.DefaultWorkers, Memory: "1Gi", Time: "30s", Output: "16Mi"},
		Cache:         cacheConfig{MaxBytes: "1Gi"},
		Documentation: true,
		Store:         "sqlite:tokenward.db",
		Serve:         defaultServe(),
		Admin:         defaultAdmin(),
		Workers:       4,
	}
}

// loadConfig reads the file (none if path is empty) and the environment on top of
// the defaults. It changes nothing but its result.
func loadConfig(path string, environ func(string) string) (config, error) {
	c := defaultConfig()
	if path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return c, usageError{fmt.Errorf("read the configuration: %w", err)}
		}
		if err := decodeConfig(raw, &c); err != nil {
			return c, usageError{fmt.Errorf("config %s: %w", path, err)}
		}
	}
	if err := fromEnvironment(&c, environ); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// decodeConfig decodes strictly: an unknown or repeated key is an error that names it.
func decodeConfig(raw []byte, c *config) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		var typed *yaml.TypeError
		if errors.As(err, &typed) {
			said := make([]string, len(typed.Errors))
			for i, text := range typed.Errors {
				said[i] = inWords(text)
			}
			return errors.New(strings.Join(said, "; "))
		}
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("holds more than one document: keep one")
	}
	return nil
}

// validate names the first key whose value cannot be used.
func (c config) validate() error {
	fail := func(key, reason, got string) error {
		if i := strings.LastIndexByte(got, '@'); i >= 0 && strings.Contains(got[:i], ":") {
			got = "..." + got[i:] // what stands there may be a password, whether it is a URL or not
		}
		return usageError{fmt.Errorf("config: %s: %s (got %q)", key, reason, got)}
	}
	wrong := func(key string, err error) error { return usageError{fmt.Errorf("config: %s: %w", key, err)} }
	if key, reason, got := c.checkValues(); key != "" {
		return fail(key, reason, got)
	}
	if key, reason, got := c.checkForms(); key != "" {
		return fail(key, reason, got)
	}
	if _, err := byteCount("git.maxBytes", c.Git.MaxBytes, minRepository); err != nil {
		return usageError{fmt.Errorf("config: %w", err)}
	}
	if _, err := byteCount("cache.maxBytes", c.Cache.MaxBytes, minCache); err != nil {
		return usageError{fmt.Errorf("config: %w", err)}
	}
	if _, err := c.Rendering.pool(); err != nil {
		return usageError{fmt.Errorf("config: %w", err)}
	}
	if key, err := c.Serve.check(); err != nil {
		return wrong("serve."+key, err)
	}
	if err := c.Traces.check(); err != nil {
		return fail("traces.endpoint", err.Error(), "a value that is not shown")
	}
	if err := queue.CheckURL(c.Store); err != nil {
		return wrong("store", err)
	}
	if _, err := bot.ParseWindow(c.Limits.Window); err != nil {
		return wrong("limits.window", err)
	}
	return c.Log.validate()
}
