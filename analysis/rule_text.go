package analysis

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"tokenward/analysis/rbac"
	"tokenward/analysis/render"
)

// snippet is a piece of text that a pod runs or reads.
type snippet struct {
	where  string // for people: "container web", "script run.sh of ConfigMap hooks"
	text   string
	argv   []string // the command line, where the snippet is one
	script bool     // the text is run, not only read
	source rbac.Source
}

// snippets collects all text that the rules read of a subject: command lines,
// probes and hooks, mounted files, and what a custom resource holds. It ends where m does.
func (ix *index) snippets(s *subject, m *meter) []snippet {
	if s.pod == nil {
		return nil
	}
	own := rbac.Source{Object: s.Object, Release: s.Release}
	volumes := map[string]corev1.VolumeSource{}
	for _, v := range s.pod.spec.Volumes {
		if _, twice := volumes[v.Name]; !twice { // which Kubernetes refuses
			volumes[v.Name] = v.VolumeSource
		}
	}
	var out []snippet
	for _, c := range s.pod.containers() {
		for _, argv := range commandLines(c) {
			text := strings.Join(argv, "\n")
			if !m.take(text) {
				return out
			}
			out = append(out, snippet{where: "container " + c.Name, text: text, argv: argv, script: true, source: own})
		}
		out = append(out, ix.mounted(s, c, volumes, m)...)
	}
	if s.operator != nil {
		out = append(out, inline(s)...)
	}
	return out
}

// commandLines lists everything that a container executes.
func commandLines(c corev1.Container) [][]string {
	out := [][]string{append(slices.Clone(c.Command), c.Args...)}
	add := func(e *corev1.ExecAction) {
		if e != nil {
			out = append(out, e.Command)
		}
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			add(p.Exec)
		}
	}
	if c.Lifecycle != nil {
		for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if h != nil {
				add(h.Exec)
			}
		}
	}
	return slices.DeleteFunc(out, func(argv []string) bool { return len(argv) == 0 })
}

// inline gives the strings that a custom resource's own specification holds, as
// one text: operators hand them to their pods as configuration.
func inline(s *subject) []snippet {
	spec := mapAt(s.Object.Fields(), "spec")
	var lines []string
	collectText(spec, 0, &lines)
	if len(lines) == 0 {
		return nil
	}
	return []snippet{{where: "its own specification", text: strings.Join(lines, "\n"), source: rbac.Source{Object: s.Object, Release: s.Release}}}
}

// collectText writes a tree as lines of "key: value", so that expressions for
// configuration files match it.
func collectText(v any, depth int, lines *[]string) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			switch child := v[key].(type) {
			case string:
				*lines = append(*lines, key+": "+child)
			case map[string]any, []any:
				*lines = append(*lines, key+":")
				collectText(child, depth+1, lines)
			default:
				text, err := json.Marshal(child)
				if err == nil {
					*lines = append(*lines, key+": "+string(text))
				}
			}
		}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				*lines = append(*lines, text)
				continue
			}
			collectText(item, depth+1, lines)
		}
	}
}

// mounted gives the files of ConfigMaps and Secrets that a container mounts and
// the platform renders, each once.
func (ix *index) mounted(s *subject, c corev1.Container, volumes map[string]corev1.VolumeSource, m *meter) []snippet {
	var out []snippet
	command := strings.Join(append(slices.Clone(c.Command), c.Args...), "\n")
	type found struct {
		object    *render.Object
		key, path string
		script    bool
	}
	seen := map[found]bool{}
	for _, mount := range c.VolumeMounts {
		for _, f := range ix.files(s.Namespace, volumes[mount.Name]) {
			if mount.SubPath != "" && path.Clean(mount.SubPath) != path.Clean(f.path) {
				continue
			}
			if !m.take(command) { // it is searched for each
				return out
			}
			at := path.Join(mount.MountPath, f.path)
			if mount.SubPath != "" {
				at = mount.MountPath
			}
			kind, isScript := "file ", looksLikeScript(f)
			if isScript {
				kind = "script "
			}
			is := found{f.source.Object, f.key, f.path, !isData(f.path) && (isScript || strings.Contains(command, at))}
			if seen[is] {
				continue
			}
			if !m.take(f.text) {
				return out
			}
			seen[is] = true
			where := kind + f.path + " of " + f.source.Object.ID() + " in container " + c.Name
			out = append(out, snippet{where: where, text: f.text, script: is.script, source: f.source})
		}
	}
	return out
}

// file is one key of a ConfigMap or Secret as it is mounted.
type file struct {
	key, path, text string
	source          rbac.Source
}

func (ix *index) files(namespace string, v corev1.VolumeSource) []file {
	switch {
	case v.ConfigMap != nil:
		return ix.keys("ConfigMap", namespace, v.ConfigMap.Name, v.ConfigMap.Items)
	case v.Secret != nil:
		return ix.keys("Secret", namespace, v.Secret.SecretName, v.Secret.Items)
	case v.Projected != nil:
		var out []file
		for _, p := range v.Projected.Sources {
			if p.ConfigMap != nil {
				out = append(out, ix.keys("ConfigMap", namespace, p.ConfigMap.Name, p.ConfigMap.Items)...)
			}
			if p.Secret != nil {
				out = append(out, ix.keys("Secret", namespace, p.Secret.Name, p.Secret.Items)...)
			}
		}
		return out
	}
	return nil
}

func (ix *index) keys(kind, namespace, name string, items []corev1.KeyToPath) []file {
	var out []file
	for _, source := range ix.objects[manifestKey{kind, namespace, name}] {
		texts := ix.data(source)
		if len(items) == 0 {
			for _, key := range slices.Sorted(maps.Keys(texts)) {
				out = append(out, file{key, key, texts[key], source})
			}
			continue
		}
		for _, item := range items {
			if text, ok := texts[item.Key]; ok {
				out = append(out, file{item.Key, item.Path, text, source})
			}
		}
	}
	return out
}

// data is what a ConfigMap or Secret holds, read once. Nobody changes it.
func (ix *index) data(s rbac.Source) map[string]string {
	return ix.texts.get(s.Object, func() map[string]string { return data(s) })
}

func data(s rbac.Source) map[string]string {
	out := textsIn(s.Object.Field("data"))
	if s.Object.Kind == "Secret" {
		for key, value := range out {
			if text, err := base64.StdEncoding.DecodeString(value); err == nil {
				out[key] = string(text)
			}
		}
		maps.Copy(out, textsIn(s.Object.Field("stringData")))
	}
	return out
}

func looksLikeScript(f file) bool {
	if isData(f.path) {
		return false
	}
	switch path.Ext(f.path) {
	case ".sh", ".bash", ".py", ".rb", ".pl":
		return true
	}
	return strings.HasPrefix(strings.TrimSpace(f.text[:min(len(f.text), 1<<10)]), "#!")
}

// isData tells files apart that are read, not run, whatever they quote.
func isData(name string) bool {
	switch path.Ext(name) {
	case ".json", ".yaml", ".yml", ".md", ".html", ".crt", ".pem", ".rules":
		return true
	}
	return false
}

// withoutComments empties lines that only comment, in the ways that scripts and
// configuration files have.
func withoutComments(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for line := range strings.Lines(text) {
		if !isComment(line) {
			out.WriteString(line)
		} else if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

func isComment(line string) bool {
	line = strings.TrimLeft(line, " \t")
	return strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#!") || strings.HasPrefix(line, "//") || strings.HasPrefix(line, ";")
}
