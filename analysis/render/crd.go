package render

import (
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
			if crd, ok := readCRD(o.Fields); ok {
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
		if inCRDFolder(f.Name) {
			crds = append(crds, crdsIn(f.Data)...)
		}
	}
	return crds
}

// APIVersions is what the chart's crds/ folders add to .Capabilities.APIVersions.
func (c *Chart) APIVersions() []string { return APIVersions(c.CRDs()) }

// UsesAPIVersions tells whether a template of the chart, or of a chart below
// it, asks which API versions the cluster has: what it renders then depends
// on the other charts of the platform.
func (c *Chart) UsesAPIVersions() bool {
	return slices.ContainsFunc(c.Files, func(f File) bool {
		return strings.Contains(f.Name, "templates/") && strings.Contains(string(f.Data), "APIVersions")
	})
}

func inCRDFolder(name string) bool {
	for strings.HasPrefix(name, "charts/") {
		parts := strings.SplitN(name, "/", 3)
		if len(parts) < 3 {
			return false
		}
		name = parts[2]
	}
	return strings.HasPrefix(name, "crds/")
}

func crdsIn(data []byte) []CRD {
	var crds []CRD
	for _, doc := range splitDocuments(string(data)) {
		if topLevelKind(doc.text) != crdKind {
			continue
		}
		if fields, err := decodeCRD(doc.text); err == nil {
			if crd, ok := readCRD(fields); ok {
				crds = append(crds, crd)
			}
		}
	}
	return crds
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
