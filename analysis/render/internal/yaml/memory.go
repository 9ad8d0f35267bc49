package yaml

import (
	"bytes"
	"sync"

	"github.com/mitchellh/copystructure"
)

// Templates that hand values on as texts read the same ones again and again: those of an umbrella
// four times each. So what is read is kept while a chart is rendered.

const (
	// minKept is the length from which a text is kept: shorter ones are read as fast as they are copied.
	minKept = 256
	// maxKept bounds the texts that are kept, in bytes. What they say takes some twenty times as much.
	maxKept = 1 << 20
)

// kept is what texts say, by the texts, and who wants it kept.
var kept struct {
	sync.Mutex
	users  int
	values map[string]map[string]any
	bytes  int
}

// Remember keeps what is read, until everybody who called it has called what it returns.
func Remember() (forget func()) {
	kept.Lock()
	defer kept.Unlock()
	kept.users++
	return sync.OnceFunc(func() {
		kept.Lock()
		defer kept.Unlock()
		if kept.users--; kept.users == 0 {
			kept.values, kept.bytes = nil, 0
		}
	})
}

// readValues is ReadPlain for Unmarshal.
func readValues(text []byte) (map[string]any, bool) {
	if len(text) < minKept || mayRepeat(text) {
		return ReadPlain(text, valueNumber)
	}
	if values := recall(text); values != nil {
		return values, true
	}
	values, ok := ReadPlain(text, valueNumber)
	if ok {
		keep(string(text), values)
	}
	return values, ok
}

// recall is a copy of what a text says, nil where that is not kept.
func recall(text []byte) map[string]any {
	kept.Lock()
	defer kept.Unlock()
	return copyOf(kept.values[string(text)])
}

// keep keeps a copy of what a text says: whoever asked for it may change it.
func keep(text string, values map[string]any) {
	kept.Lock()
	defer kept.Unlock()
	if kept.users == 0 || kept.values[text] != nil || kept.bytes+len(text) > maxKept {
		return
	}
	if kept.values == nil {
		kept.values = map[string]map[string]any{}
	}
	if c := copyOf(values); c != nil {
		kept.values[text] = c
		kept.bytes += len(text)
	}
}

// mayRepeat tells whether a text may say things by reference, and so much more than it is long.
func mayRepeat(text []byte) bool {
	return bytes.IndexByte(text, '*') >= 0 && bytes.IndexByte(text, '&') >= 0
}

// copyOf is nil for nil, and for what cannot be copied.
func copyOf(values map[string]any) map[string]any {
	c, err := copystructure.Copy(values)
	if err != nil {
		return nil
	}
	return c.(map[string]any)
}
