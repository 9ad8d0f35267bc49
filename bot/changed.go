package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"

	"tokenward/analysis"
)

// ProposeChanged scans, and proposes for the namespaces that look different from the
// fingerprints of an earlier run. It is a partial run for these namespaces, which it
// returns; where there are none it writes nothing.
func (b *Bot) ProposeChanged(ctx context.Context, known map[string]string) (scan *Scan, report *ProposeReport, namespaces []string, err error) {
	begin := b.cfg.Now()
	err = b.during(ctx, StepRun, "", func(ctx context.Context) error {
		scan, report, namespaces, err = b.proposeChanged(ctx, known)
		return err
	})
	b.logRun(ctx, scan, report, b.cfg.Now().Sub(begin), err)
	return scan, report, namespaces, err
}

func (b *Bot) proposeChanged(ctx context.Context, known map[string]string) (*Scan, *ProposeReport, []string, error) {
	scan, err := b.Scan(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	now := b.Fingerprints(scan)
	var namespaces []string
	for _, p := range scan.Plans {
		if ns := p.Namespace; known[ns] == "" || known[ns] != now[ns] {
			namespaces = append(namespaces, ns)
		}
	}
	if len(namespaces) == 0 {
		return scan, newProposeReport(), nil, nil
	}
	narrow := *b
	narrow.cfg.Namespaces, narrow.cfg.Partial = namespaces, true
	scan.Plans = narrow.only(scan.Plans)
	report, err := narrow.proposeFrom(ctx, scan)
	return scan, report, namespaces, err
}

// seenNamespace is all that a run looks at when it works on a namespace, but for what
// is on the GitLab server.
type seenNamespace struct {
	Releases    []seenRelease
	Judgements  []seenJudgement
	Plan        analysis.NamespacePlan
	Listed      analysis.ListedNamespace
	Default     bool
	Decisions   any
	PolicyError string
	// Files are the umbrella's files that would be edited, empty where none is.
	Files map[string]string
}

type seenRelease struct {
	Release analysis.Release
	Commit  string
	Error   string
}

type seenJudgement struct {
	Workload string
	Verdict  analysis.Verdict
	Evidence []analysis.Evidence
}

// Fingerprints stand for what a run would look at, by namespace: the releases at their
// commits with their values, the verdicts, which depend on other namespaces' roles,
// too, the plan, today's lists and decisions, and the file to be edited. Where nothing
// of it changes, a run finds the same again.
func (b *Bot) Fingerprints(s *Scan) map[string]string {
	out := map[string]string{}
	files := b.policySources(s)
	for _, plan := range s.Plans {
		ns := plan.Namespace
		seen := seenNamespace{Plan: plan, Default: s.Listing.HardensDefault(ns), Decisions: s.Decisions.For(ns), PolicyError: errorText(s.policyErr)}
		seen.Listed, _ = s.Listing.Find(ns)
		if len(plan.Edits()) > 0 || b.cfg.RemoveStale && len(plan.Removals()) > 0 {
			seen.Files = files
		}
		for _, r := range s.Set.Releases {
			if r.Namespace == ns {
				release := r.Release
				release.Err = nil
				seen.Releases = append(seen.Releases, seenRelease{release, r.Commit, errorText(r.Err)})
			}
		}
		for _, j := range s.Judgements {
			if j.Workload.Namespace == ns {
				seen.Judgements = append(seen.Judgements, seenJudgement{j.Workload.Kind + " " + j.Workload.Name, j.Verdict, j.Evidence})
			}
		}
		// What cannot be put in words has no fingerprint, and is looked at every time.
		if raw, err := json.Marshal(seen); err == nil {
			sum := sha256.Sum256(raw)
			out[ns] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

func (b *Bot) policySources(s *Scan) map[string]string {
	out := map[string]string{}
	files, err := b.policyFiles(s.Umbrella.FS())
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	for _, f := range files {
		src, err := fs.ReadFile(s.Umbrella.FS(), f)
		if err != nil {
			src = []byte(err.Error())
		}
		sum := sha256.Sum256(src)
		out[f] = hex.EncodeToString(sum[:])
	}
	return out
}
