package render

import (
	"bytes"
	"slices"
	"strings"
)

// CRD is what a CustomResourceDefinition tells about a kind, without its schema.
type CRD struct {
	Group, Kind string
	// Scope is Namespaced or Cluster.
	Scope string
	// Versions are those that are served, in the definition's order.
	Versions []string
}

// CRDs reads the CustomResourceDefinitions among objects; others are passed over.
func CRDs(objects []*Object) []CRD {
	var crds []CRD
	for _, o := range objects {
		if o.Kind == crdKind {
			if crd, ok := readCRD(o.Fields()); ok {
				crds = append(crds, crd)
			}
		}
	}
	return crds
}

// APIVersions lists what the definitions add to .Capabilities.APIVersions:
// "group/version" and "group/version/Kind", sorted, without doubles.
func APIVersions(crds []CRD) []string {
	var out []string
	for _, c := range crds {
		for _, v := range c.Versions {
			out = append(out, c.Group+"/"+v, c.Group+"/"+v+"/"+c.Kind)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CRDs are the definitions in the crds/ folders of the chart and of all
// charts below it, whether enabled or not. What cannot be read is passed over.
func (c *Chart) CRDs() []CRD {
	var crds []CRD
	for _, f := range c.Files {
		if strings.HasPrefix(ownPath(f.Name), "crds/") {
			crds = append(crds, crdsIn(f.Data)...)
		}
	}
	return crds
}

// ExpectedCRDs are the definitions that a release of the chart with these
// values will install, as far as can be said without rendering: those of the
// crds/ folders of the chart and its enabled subcharts, and those that stand
// in their templates. A chart that cannot be read is expected to install none.
func (c *Chart) ExpectedCRDs(values map[string]any) []CRD {
	return new(Renderer).ExpectedCRDs(c, values)
}

// ExpectedCRDs are those of the chart.
func (by *Renderer) ExpectedCRDs(c *Chart, values map[string]any) []CRD {
	if !c.MentionsCRDs() {
		return nil
	}
	p, err := by.parse(c)
	if err != nil || p.process(values) != nil {
		return nil
	}
	crds := p.crds()
	for _, t := range p.templates() {
		if bytes.Contains(t.text, []byte(crdKind)) {
			crds = append(crds, crdsIn(withoutActions(t.text))...)
		}
	}
	return crds
}

// CRDPart returns the chart with no files but those that ExpectedCRDs looks at.
func (c *Chart) CRDPart() *Chart {
	part := &Chart{Dir: c.Dir, Name: c.Name}
	for _, f := range c.Files {
		own := ownPath(f.Name)
		if f.mentionsCRDs() || slices.Contains([]string{"Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.yaml"}, own) {
			part.Files = append(part.Files, f)
		}
	}
	return part
}

// MentionsCRDs tells whether any file that may define kinds names this one: without, no CRDs are expected of the chart.
func (c *Chart) MentionsCRDs() bool { return slices.ContainsFunc(c.Files, File.mentionsCRDs) }

func (f File) mentionsCRDs() bool {
	return (inTemplates(f.Name) || strings.HasPrefix(ownPath(f.Name), "crds/")) && bytes.Contains(f.Data, []byte(crdKind))
}

// withoutActions makes YAML of a template as well as it can without executing
// it: lines that hold nothing but actions go, other actions become a word.
func withoutActions(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for {
		at := bytes.Index(text, []byte("{{"))
		if at < 0 {
			return append(out, text...)
		}
		start, end := bytes.LastIndexByte(text[:at], '\n')+1, len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		out = append(append(out, text[:start]...), lineWithoutActions(text[start:end])...)
		text = text[end:]
	}
}

func lineWithoutActions(line []byte) []byte {
	rest := replaceActions(line, func([]byte) []byte { return nil })
	if len(rest) < len(line) && len(bytes.TrimSpace(rest)) == 0 {
		return nil
	}
	return replaceActions(line, func([]byte) []byte { return []byte("action") })
}

// ownPath is a file's path inside the innermost chart that it belongs to.
func ownPath(name string) string {
	for strings.HasPrefix(name, "charts/") {
		parts := strings.SplitN(name, "/", 3)
		if len(parts) < 3 {
			break
		}
		name = parts[2]
	}
	return name
}

func readCRD(fields map[string]any) (CRD, bool) {
	spec, _ := fields["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	crd := CRD{Group: text(spec["group"]), Kind: text(names["kind"]), Scope: text(spec["scope"])}
	versions, _ := spec["versions"].([]any)
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if name := text(version["name"]); name != "" && version["served"] != false {
			crd.Versions = append(crd.Versions, name)
		}
	}
	if v := text(spec["version"]); v != "" && len(versions) == 0 {
		crd.Versions = []string{v} // apiextensions.k8s.io/v1beta1
	}
	return crd, crd.Group != "" && crd.Kind != "" && len(crd.Versions) > 0
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
