package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// maxHeap is how much memory may be in use and wait to be collected together, about, as
// long as there is room for a quarter: Go's own measure, twice what is in use, is much for
// platforms of many packages, and little for a scan that is over before it has that much.
const maxHeap = 64 << 20

// maxPercent is the highest GOGC: to touch memory costs no less than to collect it.
const maxPercent = 300

// boundGarbage sets, after every collection, when the next one is due. Whoever sets GOGC
// decides otherwise.
func boundGarbage() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func(now int)
	watch = func(now int) {
		metrics.Read(live)
		next := gcPercent(live[0].Value.Uint64())
		if next != now {
			debug.SetGCPercent(next)
		}
		runtime.AddCleanup(new([64]byte), watch, next) // the next collection takes it
	}
	debug.SetGCPercent(maxPercent)
	watch(maxPercent)
}

// gcPercent is GOGC for so many bytes in use: never so low that little else is done than collecting.
func gcPercent(live uint64) int {
	return int(min(maxPercent, max(25, 100*maxHeap/max(int64(live), 1)-100)))
}
