package edit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const versionKey = "version"

// VersionEdit raises the version of a chart in its Chart.yaml. Nothing but the
// version's own characters changes: quotes, comments and line ends stay.
//
// Only the chart's version is meant. The appVersion, the versions of dependencies,
// and what other files say of the version (a badge in a README that helm-docs
// generates, a table of releases) are not touched: they are made anew by whatever
// makes them.
type VersionEdit struct {
	// Version is the version to have; see NextVersion.
	Version string
}

var _ Edit = VersionEdit{}

// Apply writes the version. A chart whose version is the same or higher is left
// alone: that is no change and no error. A Version that is no semantic version is
// refused with ErrName, a file without the key with ErrNoAnchor, and a version that
// cannot be compared or does not stand plainly on one line with ErrForm.
func (e VersionEdit) Apply(src []byte) (dst []byte, changes []Change, err error) {
	wanted, err := readVersion(e.Version)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	chart, err := readChart(src)
	if err != nil {
		return nil, nil, err
	}
	current, err := readVersion(chart.version.Value)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if !current.LessThan(wanted) {
		return src, nil, nil
	}
	start, err := chart.start()
	if err != nil {
		return nil, nil, err
	}
	s := newSplice(src, chart.lines)
	s.replace(start, start+len(chart.version.Value), e.Version)
	dst, changes = s.apply()
	after, err := readChart(dst)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	chart.version.Value = e.Version
	if !equal(chart.root, after.root) {
		return nil, nil, fmt.Errorf("%w: version %s", ErrUnproven, e.Version)
	}
	return dst, changes, nil
}

// ChartVersion reads the version from a Chart.yaml. It fails with ErrNoAnchor where
// there is none, and with ErrForm where the file cannot be read.
func ChartVersion(src []byte) (string, error) {
	chart, err := readChart(src)
	if err != nil {
		return "", err
	}
	return chart.version.Value, nil
}

// chartFile is a Chart.yaml with the node of its version.
type chartFile struct {
	*source
	root, version *yaml.Node
}

// readChart reads a Chart.yaml, which is no template whatever braces it holds.
func readChart(src []byte) (*chartFile, error) {
	s := &source{text: src, masked: src, lines: splitLines(src), cursor: cursor{line: -1}}
	roots, err := s.parse()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if len(roots) > 1 {
		return nil, fmt.Errorf("%w: the chart's file holds %d documents", ErrForm, len(roots))
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("%w: the chart's file holds no mapping", ErrNoAnchor)
	}
	_, version, err := child(roots[0], versionKey)
	switch {
	case err != nil:
		return nil, err
	case version == nil:
		return nil, fmt.Errorf("%w: the chart has no %s", ErrNoAnchor, versionKey)
	case version.Kind != yaml.ScalarNode:
		return nil, fmt.Errorf("%w: the chart's %s is no text", ErrForm, versionKey)
	}
	return &chartFile{s, roots[0], version}, nil
}

// start returns the offset of the version's first character, behind a quote.
func (c *chartFile) start() (int, error) {
	at := c.offsetOf(c.version)
	if c.version.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at++
	}
	if at > len(c.text) || !bytes.HasPrefix(c.text[at:], []byte(c.version.Value)) {
		return 0, fmt.Errorf("%w: the version %q at line %d does not stand there plainly", ErrForm, c.version.Value, c.version.Line)
	}
	return at, nil
}

// NextVersion returns the version that follows in the same scheme, which is always a
// higher one by semantic versioning:
//
//	1.2.3        1.2.4
//	1.2.3-bb.4   1.2.3-bb.5   the last number of what follows the dash
//	1.2.3-rc1    1.2.3-rc2
//	1.2.3-rc9    1.2.3-rc9.1  since rc10 would be lower than rc9
//	1.2.3-beta   1.2.3-beta.1 where there is no number
//
// A leading v and build metadata (+build) are kept. What is no semantic version
// of three numbers is refused with ErrForm.
func NextVersion(v string) (string, error) {
	current, err := readVersion(v)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	core, build, hasBuild := strings.Cut(v, "+")
	if hasBuild {
		build = "+" + build
	}
	for _, next := range []string{countedOn(core) + build, core + ".1" + build} {
		if following, err := readVersion(next); err == nil && current.LessThan(following) {
			return next, nil
		}
	}
	return "", fmt.Errorf("%w: no version follows %q", ErrForm, v)
}

// readVersion reads a semantic version of three numbers, with or without a leading v.
func readVersion(v string) (*semver.Version, error) {
	version, err := semver.StrictNewVersion(strings.TrimPrefix(v, "v"))
	if err != nil {
		return nil, fmt.Errorf("version %q: %w", v, err)
	}
	return version, nil
}

// countedOn adds one to the number at the end of s, of any length, whose leading
// zeros keep its width; it returns "" where there is none.
func countedOn(s string) string {
	before := strings.TrimRight(s, "0123456789")
	if before == s {
		return ""
	}
	digits := []byte(s[len(before):])
	for i := len(digits) - 1; i >= 0; i-- {
		if digits[i] < '9' {
			digits[i]++
			return before + string(digits)
		}
		digits[i] = '0'
	}
	return before + "1" + string(digits)
}
