// Package render turns charts into objects: it loads a chart from a file
// tree, composes the values that Flux would give it, runs Helm's engine and
// decodes what comes out. It owns everything that knows Helm and Flux; it
// judges nothing and fetches nothing.
package render

import (
	"slices"
	"strings"
)

// Object is one decoded manifest together with where it came from.
type Object struct {
	APIVersion string
	Kind       string
	Namespace  string // the release's namespace where the manifest names none and the kind is namespaced; "" for cluster-scoped kinds
	Name       string // its generateName where it has no name
	// Later is its name after the first upgrade of the release, where its template
	// puts the revision into it; else "".
	Later string
	// Own is the namespace that the manifest names, "" for none.
	Own string
	// ReadFields gives what Fields returns, nil where there are none.
	ReadFields func() map[string]any
	// Typed is what ReadAhead made of the manifest or a part of it, nil where nothing was read ahead.
	Typed any
	// Packed is what a ConfigMap or Secret holds and Fields lacks then, where it was read
	// from a message: Field, Text and Whole give it wherever it stands.
	Packed []PackedField
	// Source is the template's path inside the repository, for example
	// chart/charts/upstream/templates/server/role.yaml.
	Source string
	// Line is the 1-based line of Source at which the object's kind stands,
	// or 0 where the template does not show it literally.
	Line int
	// Hook holds the values of the helm.sh/hook annotation, nil for a plain object.
	Hook []string
}

// Invalid is a piece of rendered output that could not be decoded. It stays in
// the result, so that nothing that exists on the cluster goes unnoticed.
type Invalid struct {
	Source string
	Err    error
}

// ID names the object for people, as "Kind namespace/name" or "Kind name".
func (o *Object) ID() string {
	if o.Namespace == "" {
		return o.Kind + " " + o.Name
	}
	return o.Kind + " " + o.Namespace + "/" + o.Name
}

// Passes tells whether the object exists only while Helm's hooks run: it is taken away when they have succeeded, or
// made for nothing but a removal, a rollback or a test. What another hook makes stays until it is made anew.
// Source: https://helm.sh/docs/topics/charts_hooks/#hook-deletion-policies
func (o *Object) Passes() bool {
	if len(o.Hook) == 0 {
		return false
	}
	metadata, _ := o.Field("metadata").(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	policy, _ := annotations["helm.sh/hook-delete-policy"].(string)
	return strings.Contains(policy, "hook-succeeded") || !slices.ContainsFunc(o.Hook, func(hook string) bool {
		hook = strings.TrimSpace(hook)
		return strings.HasSuffix(hook, "-install") || strings.HasSuffix(hook, "-upgrade")
	})
}

// onlyHooks tells whether the object is a hook, and none but the given ones.
func (o *Object) onlyHooks(hooks []string) bool {
	return len(o.Hook) > 0 && !slices.ContainsFunc(o.Hook, func(hook string) bool { return !slices.Contains(hooks, hook) })
}

// Fields is the whole manifest, but for what is packed; whole numbers are int64, others float64. A
// CustomResourceDefinition comes without its schemas. Readers must not change it, and ask once for what
// they need more than once: what came in a message is decoded each time, so that nobody holds it, unless
// ReadFields was made to hold it.
func (o *Object) Fields() map[string]any {
	if o.ReadFields == nil {
		return nil
	}
	return o.ReadFields()
}

// Held returns a function for ReadFields that returns the map that it is given, not a copy: this package
// still changes the maps of what it has just rendered.
func Held(fields map[string]any) func() map[string]any {
	return func() map[string]any { return fields }
}
