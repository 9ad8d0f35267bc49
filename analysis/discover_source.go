package analysis

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"tokenward/analysis/render"
)

// chart resolves spec.chart, or a chartRef that leads to a HelmChart object.
func (f *flux) chart(o *render.Object, spec helmReleaseSpec) (chartSpec, string, error) {
	if ref := spec.ChartRef; ref != nil {
		namespace := ref.Namespace
		if namespace == "" {
			namespace = o.Namespace
		}
		if ref.Kind != "HelmChart" {
			return chartSpec{SourceRef: *ref}, namespace, nil
		}
		chart, ok := f.sources[objectKey("HelmChart", namespace, ref.Name)]
		if !ok {
			return chartSpec{}, "", fmt.Errorf("its chart is HelmChart %s/%s, which the umbrella does not render", namespace, ref.Name)
		}
		return chart.chart, namespace, chart.err
	}
	if spec.Chart == nil {
		return chartSpec{}, "", errors.New("it names no chart")
	}
	return spec.Chart.Spec, o.Namespace, nil
}

// source fills in where the chart comes from.
func (f *flux) source(r *Release, o *render.Object, spec helmReleaseSpec) error {
	c, namespace, err := f.chart(o, spec)
	if err != nil {
		return err
	}
	if c.SourceRef.Namespace != "" {
		namespace = c.SourceRef.Namespace
	}
	r.Chart = cleanPath(c.Chart)
	r.ValuesFiles, r.IgnoreMissingValuesFiles = c.valuesFiles(), c.IgnoreMissingValuesFiles
	name := fmt.Sprintf("%s %s/%s", c.SourceRef.Kind, namespace, c.SourceRef.Name)
	source, ok := f.sources[objectKey(c.SourceRef.Kind, namespace, c.SourceRef.Name)]
	if !ok {
		return fmt.Errorf("its source is %s, which the umbrella does not render", name)
	}
	if source.err != nil {
		return source.err
	}
	git := source.git
	r.Repository = withoutCredentials(git.URL)
	if c.SourceRef.Kind != "GitRepository" {
		return fmt.Errorf("its source is %s (%s): not analysable yet", name, r.Repository)
	}
	r.Ref, r.Ignore, r.SparseCheckout = git.Ref.orDefault(), git.Ignore, git.SparseCheckout
	r.Submodules = git.RecurseSubmodules && len(git.SparseCheckout) == 0 // Flux's git library does not do both
	switch {
	case r.Repository == "":
		return fmt.Errorf("its source %s has no url", name)
	case len(git.Include) > 0:
		return fmt.Errorf("its source %s includes other repositories: not analysable yet", name)
	}
	return nil
}

// cleanPath makes a path inside a repository what fs.FS wants; it never leads out of it.
func cleanPath(p string) string {
	return path.Clean("./" + strings.TrimPrefix(path.Clean("/"+p), "/"))
}

// withoutCredentials takes user and password out of a URL, of ssh's only the
// password. The address need not be well-formed otherwise.
func withoutCredentials(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address // git@host:path has no password
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	if at := strings.LastIndex(host, "@"); at >= 0 {
		user, _, _ := strings.Cut(host[:at], ":")
		host = host[at+1:]
		if scheme == "ssh" {
			host = user + "@" + host
		}
	}
	return scheme + "://" + host + tail
}
