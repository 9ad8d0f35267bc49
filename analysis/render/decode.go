package render

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
)

const hookAnnotation = "helm.sh/hook"

// document is one YAML document and the line of the file that it starts on.
type document struct {
	line int
	text string
}

// splitDocuments cuts a rendered file where a line starts with "---", as Helm
// does: what follows on that line belongs to the next document. Within a
// block scalar "---" is indented and so is content. Every document ends in one
// line end, as Helm hands it on. Documents without content are left out.
func splitDocuments(text string) []document {
	var docs []document
	start, line := 0, 1 // of the current document
	flush := func(end int) {
		if hasContent(text[start:end]) {
			docs = append(docs, document{line: line, text: endedByLine(text[start:end])})
		}
	}
	at, n := 0, 0
	for l := range strings.Lines(text) {
		n++
		if rest, ok := strings.CutPrefix(l, "---"); ok {
			flush(at)
			start, line = at+len(l)-len(strings.TrimLeft(rest, " \t")), n
		}
		at += len(l)
	}
	flush(len(text))
	return docs
}

// endedByLine ends a text in one line end.
func endedByLine(text string) string {
	trimmed := strings.TrimRight(text, " \t\r\n")
	if strings.HasPrefix(text[len(trimmed):], "\n") {
		return text[:len(trimmed)+1]
	}
	return trimmed + "\n"
}

// hasContent tells whether a document holds more than blank lines and comments.
func hasContent(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			return true
		}
	}
	return false
}

// topLevelKind finds the kind of a document without decoding it: "" where it
// stands in no line of its own at the first column.
func topLevelKind(text string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "kind:"); ok {
			rest, _, _ = strings.Cut(rest, " #")
			return strings.Trim(strings.TrimSpace(rest), `"'`)
		}
	}
	return ""
}

// decoder turns documents into objects.
type decoder struct {
	objects []*Object
	// templates holds, beside every object, the name of its template in Helm's engine.
	templates []string
	invalid   []Invalid
}

func (d *decoder) decode(pieces []piece) {
	for _, p := range pieces {
		if err := d.piece(p); err != nil {
			d.invalid = append(d.invalid, Invalid{
				Source: p.source,
				Err:    fmt.Errorf("decode the document at line %d of what %s renders: %w", p.line, p.source, err),
			})
		}
	}
}

func (d *decoder) piece(p piece) error {
	rendered := !p.json && p.decoded == nil
	if rendered && topLevelKind(p.text) == crdKind {
		if fields, err := decodeCRD([]byte(p.text)); err == nil {
			return d.add(fields, p, 0)
		}
	}
	fields, err := p.fields()
	if err != nil {
		return err
	}
	if fields == nil {
		return nil
	}
	if !rendered && text(fields["kind"]) == crdKind {
		dropSchemas(fields)
	}
	return d.add(fields, p, 0)
}

func decodeJSON(data []byte) (map[string]any, error) {
	if string(data) == "null" {
		return nil, nil
	}
	if len(data) == 0 || data[0] != '{' {
		return nil, errors.New("it is not a map")
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	return fields, nil
}

// add appends the object that fields hold, or the items of a list. depth bounds lists in lists.
func (d *decoder) add(fields map[string]any, p piece, depth int) error {
	apiVersion, kind := text(fields["apiVersion"]), text(fields["kind"])
	if kind == "" || apiVersion == "" {
		return errors.New("it has no apiVersion or no kind")
	}
	if items, ok := fields["items"].([]any); ok && strings.HasSuffix(kind, "List") {
		if depth == maxNesting {
			return fmt.Errorf("lists are nested more than %d deep", maxNesting)
		}
		return d.addItems(items, apiVersion, strings.TrimSuffix(kind, "List"), p, depth)
	}
	meta, _ := fields["metadata"].(map[string]any)
	name := text(meta["name"])
	if name == "" {
		name = text(meta["generateName"])
	}
	if name == "" {
		return fmt.Errorf("%s has no name", kind)
	}
	hooks, deployed := hooksOf(meta)
	if !deployed {
		return nil
	}
	own := text(meta["namespace"])
	if !IsNamePart(own) || !IsNamePart(name) && !namesAnything(groupOf(apiVersion)) {
		return fmt.Errorf("%s %q in namespace %q has a name that Kubernetes refuses: with * or ?, or of more than %d characters", kind, oneLine(name), oneLine(own), maxName)
	}
	d.objects = append(d.objects, &Object{
		APIVersion: apiVersion, Kind: kind, Namespace: own, Own: own, Name: name,
		ReadFields: Held(fields), Source: p.source, Hook: hooks,
	})
	d.templates = append(d.templates, p.template)
	return nil
}

// namesAnything tells whether the objects of a group may have names of almost any kind: roles.
func namesAnything(group string) bool {
	return group == "rbac.authorization.k8s.io" || group == "authorization.openshift.io"
}

// IsNamePart tells whether a text may be a part of an object's name, as far as it would not match others as a pattern
// and is not too long. What is drawn at random gets its * later.
func IsNamePart(text string) bool { return len(text) <= maxName && !strings.ContainsAny(text, "*?") }

// addItems adds the items of a list; those of a typed list, as RoleList, may leave their kind out.
func (d *decoder) addItems(items []any, apiVersion, kind string, p piece, depth int) error {
	var errs []error
	for i, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, fmt.Errorf("item %d of the list is not a map", i))
			continue
		}
		if kind != "" && fields["kind"] == nil {
			fields["kind"] = kind
			if fields["apiVersion"] == nil {
				fields["apiVersion"] = apiVersion
			}
		}
		if err := d.add(fields, p, depth+1); err != nil {
			errs = append(errs, fmt.Errorf("item %d of the list: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// hooksOf reads the hook annotation. deployed is false for a hook that Helm
// does not know, which it leaves out of the release.
func hooksOf(meta map[string]any) (hooks []string, deployed bool) {
	annotations, _ := meta["annotations"].(map[string]any)
	value := text(annotations[hookAnnotation])
	if value == "" {
		return nil, true
	}
	for hook := range strings.SplitSeq(value, ",") {
		hook = strings.ToLower(strings.TrimSpace(hook))
		switch hook {
		case "pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade",
			"pre-rollback", "post-rollback", "test", "test-success":
			hooks = append(hooks, hook)
		default:
			return nil, false
		}
	}
	return hooks, true
}
