package git

import (
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// What is a version for Flux: three parts, each of which may begin with zeros, and all of semver behind them.
func TestTagsThatAreVersions(t *testing.T) {
	t.Parallel()
	for tag, found := range map[string]bool{
		"1.2.3": true, "v1.2.3": true, "1.2.3-bb.4": true, "1.2.3+build": true, "2024.01.05": true, "v2024.01.05": true,
		"1.2": false, "v1": false, "vv1.2.3": false, "1.2.3.4": false, "release-1.2.3": false, "1.2.3-bb.04": false,
	} {
		ar := packp.NewAdvRefs()
		ar.References[tagPrefix+tag] = plumbing.NewHash("0123456789012345678901234567890123456789")
		got, err := resolve(ar, Ref{Semver: ">=0.0.0-0"})
		if (err == nil) != found || found && got.name != tagPrefix+tag {
			t.Errorf("%s: %q, %v", tag, got.name, err)
		}
	}
}
