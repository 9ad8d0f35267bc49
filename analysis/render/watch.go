package render

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// watch sees whether the templates of an installation ask what only an upgrade answers
// differently. It stands in the place of .Release, which is a map in Helm, for templates
// that name its keys and do nothing else with it: see watchable.
type watch struct {
	asked bool // for the revision, or whether it is an installation
	shown bool // as a whole, as nothing but a map can be
}

func (w *watch) release(r Request) watchedRelease {
	return watchedRelease{Name: r.ReleaseName, Namespace: r.Namespace, Service: "Helm", watch: w}
}

// inTheWay tells whether what was rendered, or why it was not, may be because of the watch.
func (w *watch) inTheWay(err error) bool {
	return w.shown || err != nil && strings.Contains(err.Error(), "watchedRelease")
}

// watchedRelease is an installation's .Release to the templates: its fields and methods are the keys.
type watchedRelease struct {
	Name, Namespace, Service string
	watch                    *watch
}

// IsInstall is true of an installation.
func (r watchedRelease) IsInstall() bool { r.watch.asked = true; return true }

// IsUpgrade is false of an installation.
func (r watchedRelease) IsUpgrade() bool { r.watch.asked = true; return false }

// Revision is 1 of an installation.
func (r watchedRelease) Revision() int { r.watch.asked = true; return 1 }

// MarshalJSON is what toJson and toYaml call.
func (r watchedRelease) MarshalJSON() ([]byte, error) { r.watch.shown = true; return []byte("{}"), nil }

// Format is what printing calls.
func (r watchedRelease) Format(fmt.State, rune) { r.watch.shown = true }

// SameInCopies lets copies of a template's whole context be watched, too.
func (r watchedRelease) SameInCopies() {}

var releaseKeys = []string{".Name", ".Namespace", ".Service", ".IsInstall", ".IsUpgrade", ".Revision"}

// comment is an action that is none.
var comment = regexp.MustCompile(`(?s)^\{\{-?\s*/\*.*\*/\s*-?\}\}$`)

// watchable tells whether the actions of all the chart's files, and of the values that it may
// execute, use .Release by its keys alone. Whoever goes through all that a template sees, and asks of
// each thing what type it has, is not noticed.
func (c *Chart) watchable(values map[string]any) bool {
	for _, f := range c.Files {
		if !onlyKeyed(f.Data) {
			return false
		}
	}
	ok := true
	texts(values, func(text string) { ok = ok && (!strings.Contains(text, "{{") || onlyKeyed([]byte(text))) })
	return ok
}

func onlyKeyed(text []byte) bool {
	return !bytes.Contains(text, []byte("{{")) || !unwatched(text) || !anyAction(text, func(action []byte) bool { return unwatched(action) && !comment.Match(action) })
}

// unwatched tells whether a text says Release in any other place than .Release before one of
// its keys, such as for the key of a map, or a function that writes maps in a way of its own.
func unwatched(text []byte) bool {
	return says(text, "toToml") || hasWord(text, "Release", func(before byte, after []byte) bool {
		return !isNameByte(before) && endsName(after) && (before != '.' || !beginsWithKey(after))
	})
}

// beginsWithKey tells whether what follows .Release takes one of its keys.
func beginsWithKey(text []byte) bool {
	return slices.ContainsFunc(releaseKeys, func(key string) bool {
		return bytes.HasPrefix(text, []byte(key)) && endsName(text[len(key):])
	})
}
