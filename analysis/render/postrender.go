package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	kjson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// kustomizeLock keeps kustomize to itself: its schema registry is a map of the
// whole process that it reads and writes without a lock (kustomize issue 3659; Flux does the same).
var kustomizeLock sync.Mutex

// kustomizeSpec is a HelmRelease's spec.postRenderers[].kustomize. The last two
// fields are of the API versions before v2.
type kustomizeSpec struct {
	Patches               []types.Patch     `json:"patches"`
	Images                []types.Image     `json:"images"`
	PatchesStrategicMerge []json.RawMessage `json:"patchesStrategicMerge"`
	PatchesJSON6902       []struct {
		Patch  json.RawMessage `json:"patch"`
		Target *types.Selector `json:"target"`
	} `json:"patchesJson6902"`
}

// PostRenderStrategy says how a release's hooks go through its post-renderers: a HelmRelease's spec.postRenderStrategy.
// Where it is empty, as where it is any other, they go together with all else.
type PostRenderStrategy string

const (
	// NoHooks keeps them from the post-renderers, which was the only way before Flux 2.8.
	NoHooks PostRenderStrategy = "nohooks"
	// Separate runs the post-renderers once for hooks and once for all else: neither sees what is in the other.
	Separate PostRenderStrategy = "separate"
)

// postRender applies the request's post-renderers in order. Documents keep
// their source. What kustomize cannot take (no valid YAML, no name) passes by it.
func postRender(pieces []piece, r Request) ([]piece, error) {
	for i, raw := range r.PostRenderers {
		spec, err := readPostRenderer(raw)
		if err != nil {
			return nil, fmt.Errorf("read post-renderer %d: %w", i+1, err)
		}
		if spec == nil {
			continue
		}
		if pieces, err = runKustomize(pieces, spec, r.PostRenderStrategy); err != nil {
			return nil, fmt.Errorf("run post-renderer %d: %s", i+1, oneLine(err.Error()))
		}
	}
	return pieces, nil
}

// readPostRenderer returns nil for an entry without kustomize, which says nothing.
func readPostRenderer(raw any) (*kustomizeSpec, error) {
	data, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	var entry struct {
		Kustomize *kustomizeSpec `json:"kustomize"`
	}
	if err := kjson.Unmarshal(data, &entry); err != nil { // names of fields differ by case, as for Kubernetes
		return nil, err
	}
	if entry.Kustomize == nil {
		return nil, nil
	}
	for _, p := range entry.Kustomize.Patches {
		if p.Patch == "" && p.Path != "" {
			return nil, fmt.Errorf("a patch names the path %q, and only patches that stand in the HelmRelease are applied", p.Path)
		}
	}
	entry.Kustomize.forget()
	return entry.Kustomize, nil
}

// forget takes away what kustomize knows and Flux does not: files of patches, their options, suffixes of tags.
func (s *kustomizeSpec) forget() {
	for i, p := range s.Patches {
		s.Patches[i] = types.Patch{Patch: p.Patch, Target: p.Target}
	}
	for i := range s.Images {
		s.Images[i].TagSuffix = ""
	}
}

// identity is what kustomize tells resources apart by.
type identity struct{ group, version, kind, namespace, name string }

func runKustomize(pieces []piece, spec *kustomizeSpec, strategy PostRenderStrategy) ([]piece, error) {
	hooks, others := newSorter(spec), newSorter(spec)
	var out []placed
	for i, p := range pieces {
		ids, hook := identify(&p)
		switch {
		case len(ids) == 0, hook && strategy == NoHooks:
			out = append(out, placed{i, p})
		case hook && strategy == Separate:
			hooks.given = append(hooks.given, candidate{placed{i, p}, ids})
		default:
			others.given = append(others.given, candidate{placed{i, p}, ids})
		}
	}
	for _, s := range []*sorter{hooks, others} {
		done, err := s.apply(spec, pieces)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	return inOrder(out), nil
}

// apply runs a post-renderer over what the sorter is given of pieces, in their places; what is new comes behind them.
func (s *sorter) apply(spec *kustomizeSpec, pieces []piece) ([]placed, error) {
	if len(s.given) == 0 {
		return nil, nil
	}
	out, resources, places, err := s.run(spec)
	if err != nil {
		return nil, err
	}
	for _, r := range resources {
		p := placed{len(pieces), r}
		if ids, _ := identify(&r); len(ids) == 1 {
			if i, ok := places[ids[0]]; ok {
				p = placed{i, pieces[i].as(r)}
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// placed is a piece and its place among those before the post-renderer.
type placed struct {
	index int
	piece piece
}

func inOrder(all []placed) []piece {
	slices.SortStableFunc(all, func(a, b placed) int { return a.index - b.index })
	result := make([]piece, len(all))
	for i, p := range all {
		result[i] = p.piece
	}
	return result
}

// identify reads whose document it is; a list has an identity for each item. It
// has none where kustomize would not take it. What it reads is kept in the piece, where that is certain.
func identify(doc *piece) (ids []identity, hook bool) {
	doc.read()
	fields, err := doc.fields()
	if err != nil || fields == nil {
		return nil, false
	}
	var d decoder
	if err := d.add(fields, piece{}, 0); err != nil {
		return nil, false
	}
	for _, o := range d.objects {
		meta, _ := o.Fields()["metadata"].(map[string]any)
		if text(meta["name"]) == "" {
			return nil, false
		}
		version := o.APIVersion[strings.LastIndex(o.APIVersion, "/")+1:]
		ids = append(ids, identity{groupOf(o.APIVersion), version, o.Kind, o.Namespace, o.Name})
		hook = hook || o.Hook != nil
	}
	return ids, hook
}

// kustomize runs kustomize over documents in a file system in memory, without plugins. The three lists of
// patches are one here, in the order in which it applies them.
// The result is decoded, or else in JSON.
func kustomize(in []piece, spec *kustomizeSpec) ([]piece, error) {
	const input = "helm-output.yaml"
	config := types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{input}, Images: spec.Images,
	}
	for _, p := range spec.PatchesStrategicMerge {
		config.Patches = append(config.Patches, types.Patch{Patch: string(p)})
	}
	config.Patches = append(config.Patches, spec.Patches...)
	for _, p := range spec.PatchesJSON6902 {
		config.Patches = append(config.Patches, types.Patch{Patch: string(p.Patch), Target: p.Target})
	}
	file, err := yaml.Marshal(config)
	if err != nil {
		return nil, err
	}
	var docs strings.Builder
	for _, p := range in {
		text, err := p.document()
		if err != nil {
			return nil, err
		}
		docs.WriteString("---\n")
		docs.WriteString(text)
		docs.WriteString("\n")
	}
	fsys := filesys.MakeFsInMemory()
	if err := fsys.WriteFile("kustomization.yaml", file); err != nil {
		return nil, err
	}
	if err := fsys.WriteFile(input, []byte(docs.String())); err != nil {
		return nil, err
	}
	kustomizeLock.Lock()
	defer kustomizeLock.Unlock()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	options.PluginConfig = types.DisabledPluginConfig()
	resources, err := krusty.MakeKustomizer(options).Run(fsys, ".")
	if err != nil {
		return nil, err
	}
	var out []piece
	for _, r := range resources.Resources() {
		p, err := pieceOf(&r.RNode)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// pieceOf is a resource of kustomize as a document.
func pieceOf(n *kyaml.RNode) (piece, error) {
	if fields, ok := mapOfNodes(n.YNode()); ok {
		return piece{decoded: fields}, nil
	}
	text, err := n.MarshalJSON()
	if err != nil {
		return piece{}, err
	}
	if fields, err := decodeJSON(text); err == nil && fields != nil {
		return piece{decoded: fields}, nil
	}
	return piece{text: string(text), json: true}, nil
}

// setMetadata sets labels or annotations on every object, over those that it has. For Flux this is a post-renderer,
// too.
func setMetadata(objects []*Object, field string, values map[string]string, strategy PostRenderStrategy) {
	if len(values) == 0 {
		return
	}
	for _, o := range objects {
		meta, ok := o.Fields()["metadata"].(map[string]any)
		if !ok || strategy == NoHooks && o.Hook != nil {
			continue
		}
		entries, ok := meta[field].(map[string]any)
		if !ok {
			entries = map[string]any{}
			meta[field] = entries
		}
		for k, v := range values {
			entries[k] = v
		}
	}
}
