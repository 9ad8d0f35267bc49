package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestKeptWithinBounds(t *testing.T) {
	t.Parallel()
	var k kept[int]
	const most = 100 * keptOverhead
	put := func(name string, share uint64) {
		k.put([]byte(name), len(name), (share-1)*keptOverhead-uint64(len(name)), most)
	}
	want := func(names string) {
		t.Helper()
		if got := strings.Join(slices.Sorted(maps.Keys(k.entries)), " "); got != names {
			t.Errorf("kept %s, want %s", got, names)
		}
		if k.cost > most {
			t.Errorf("all cost %d", k.cost)
		}
	}
	for i, share := range []uint64{30, 20, 50, 101} {
		put(fmt.Sprint("n", i), share)
	}
	want("n0 n1 n2")
	if v, ok := k.get([]byte("n0")); v != 2 || !ok {
		t.Errorf("got %d, %v", v, ok)
	}
	if _, ok := k.get([]byte("n")); ok {
		t.Error("there is a value for another text")
	}
	put("new", 25)
	want("n0 new") // n1 and n2 were used before n0
	put("", 70)
	want(" new")
	put("", 70)
	put("all", 100)
	want("all")
}
