package main

import (
	"strings"

	"tokenward/gitops/git"
)

// places are where repositories may be, derived from the configuration: the umbrella
// names the URLs of packages, and must not turn this program into a probe of the
// network that it runs in. Packages on this machine are read beside an umbrella that is
// on it, and where a rewrite leads there.
func (c config) places() []string {
	out := append(append([]string{}, c.Git.Allowed...), c.Git.Hosts...)
	add := func(place string) {
		if place != "" {
			out = append(out, place)
		}
	}
	if c.GitLab.URL != "" {
		add(git.Place(c.GitLab.URL + "/x"))
	}
	if umbrella, err := umbrellaURL(c.Umbrella.URL); err == nil {
		place := git.Place(umbrella)
		if strings.HasPrefix(place, "file:") {
			place = "file:///"
		}
		add(place)
	}
	for _, r := range c.Git.InsteadOf {
		_, to, _ := strings.Cut(r, "=")
		if strings.HasPrefix(to, "file:") {
			add(to[:strings.LastIndexByte(to, '/')+1]) // the rest of a prefix need not be a folder
			continue
		}
		add(git.Place(to + "/x"))
	}
	return out
}
