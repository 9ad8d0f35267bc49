package bot

import (
	"fmt"
	"testing"

	"tokenward/analysis/render"
)

func TestShelfLetsGoWhatWasUsedLongestAgo(t *testing.T) {
	t.Parallel()
	s := &shelf{}
	for i := range 4 {
		s.put(fmt.Sprint(i), &render.Chart{}, maxShelf/4)
	}
	s.put("3", &render.Chart{}, maxShelf/4) // is there already
	s.get("0")
	s.put("4", &render.Chart{}, maxShelf/4)
	for i, there := range []bool{true, false, true, true, true} {
		if got := s.get(fmt.Sprint(i)) != nil; got != there {
			t.Errorf("chart %d is there: %v, want %v", i, got, there)
		}
	}
	s.put("big", &render.Chart{}, maxShelf+1)
	if s.get("big") != nil || s.bytes != 0 {
		t.Errorf("more than the shelf holds is on it: %d bytes", s.bytes)
	}
}
