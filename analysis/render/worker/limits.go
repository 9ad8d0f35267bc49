package worker

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limits say what one chart may cost. Zero fields take the defaults.
type Limits struct {
	// Memory bounds what a worker may have in memory, in bytes (default DefaultMemory). On Linux its last allocation
	// may go up to 256 MiB beyond.
	Memory int64
	// Time bounds the processor time of one call (default DefaultTime). On the
	// clock it may take wallFactor times as long, since others use the processors, too.
	Time time.Duration
	// Output bounds the bytes of one answer (default DefaultOutput).
	Output int64
}

// What a chart may cost where nothing else is said. The charts of a real platform
// need a tenth of it.
const (
	DefaultMemory = 1 << 30
	DefaultTime   = 30 * time.Second
	DefaultOutput = 16 << 20
)

const (
	// wallFactor is how much longer than its processor time a call may take.
	wallFactor = 4
	// maxObjects bounds what one chart may render: the rest of a run compares objects with each other.
	maxObjects = 10_000
	// maxCalls is after how many calls a worker is replaced, so that nothing builds up in it.
	maxCalls = 200
)

func (l Limits) withDefaults() Limits {
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	if l.Time <= 0 {
		l.Time = DefaultTime
	}
	if l.Output <= 0 {
		l.Output = DefaultOutput
	}
	return l
}

// encode is the form in which a worker is told its limits.
func (l Limits) encode() string {
	return fmt.Sprintf("%d,%d,%d", l.Memory, l.Time, l.Output)
}

func decodeLimits(text string) (Limits, error) {
	var n [3]int64
	parts := strings.Split(text, ",")
	if len(parts) != len(n) {
		return Limits{}, fmt.Errorf("read the limits %q: there must be %d", text, len(n))
	}
	for i, p := range parts {
		v, err := strconv.ParseInt(p, 10, 64)
		if err != nil || v <= 0 {
			return Limits{}, fmt.Errorf("read the limits %q: %q is no positive number", text, p)
		}
		n[i] = v
	}
	return Limits{Memory: n[0], Time: time.Duration(n[1]), Output: n[2]}, nil
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
