package render

import "fmt"

// watch sees whether the templates of an installation ask what only an upgrade answers
// differently. It stands in the place of .Release, which is a map in Helm. What a template
// can do with a map and not with a watched release (to index it, to go through it) is an
// error, and what shows all of it is noted, so that nothing is asked unseen: the
// chart is then rendered again without.
type watch struct {
	asked bool // for the revision, or whether it is an installation
	shown bool // as a whole, as nothing but a map can be
}

func (w *watch) release(r Request) watchedRelease {
	return watchedRelease{Name: r.ReleaseName, Namespace: r.Namespace, Service: "Helm", watch: w}
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
