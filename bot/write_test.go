package bot

import "testing"

// TestSquashFollowsTheProject: a request never asks for what its project forbids.
func TestSquashFollowsTheProject(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for option, want := range map[string]*bool{"never": &no, "always": &yes, "default_on": &yes, "default_off": nil, "": nil} {
		got := squash(option)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%q: %v, want %v", option, got, want)
		}
	}
}
