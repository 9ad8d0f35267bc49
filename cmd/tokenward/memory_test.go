package main

import "testing"

func TestGarbageIsBounded(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{0: 300, 10 << 20: 300, maxHeap / 4: 300, maxHeap / 2: 100, maxHeap * 2 / 3: 50, maxHeap: 25, 100 * maxHeap: 25} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d", live, got, want)
		}
	}
}
