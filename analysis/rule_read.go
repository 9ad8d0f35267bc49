package analysis

import (
	"fmt"
	"sync/atomic"
)

const (
	// maxRead bounds what the pods of a release run and read, a text as often as it is read: charts come from whoever
	// can push to a package, and rules run outside of the render workers. A ConfigMap holds at most a mebibyte.
	maxRead = 256 << 20
	// readCost is what each text counts beside its bytes.
	readCost = 1 << 10
)

// meter is what the pods of a release may still read.
type meter struct{ left atomic.Int64 }

// take tells whether a text may be read, too.
func (m *meter) take(text string) bool { return m.left.Add(-int64(len(text)+readCost)) >= 0 }

// read gathers what the subjects' pods run and read. Where those of a release read more than they may, all of them are
// unreadable: which of them came first is chance.
func (ix *index) read() {
	meters := map[string]*meter{}
	for _, s := range ix.subjects {
		if meters[s.Release] == nil {
			meters[s.Release] = &meter{}
			meters[s.Release].left.Store(maxRead)
		}
	}
	atOnce(ix.subjects, func(_ int, s *subject) {
		s.texts, s.env = ix.snippets(s, meters[s.Release]), ix.environment(s, meters[s.Release])
	})
	for _, s := range ix.subjects {
		if meters[s.Release].left.Load() < 0 && s.err == nil {
			s.texts, s.env = nil, nil
			s.err = fmt.Errorf("not judged: the pods of its release run and read more than %d MiB of text", maxRead>>20)
		}
	}
}
