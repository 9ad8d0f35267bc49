package sandbox

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
)

// Memory keeps what git answered to questions whose answer cannot change, since they
// name commits and not branches. Servers over repositories with the same history may
// share one; it is safe for concurrent use.
type Memory struct {
	mu      sync.Mutex
	size    int
	answers map[[sha256.Size]byte]remembered
}

type remembered struct {
	out  []byte
	code int // exit code
}

// NewMemory returns an empty memory.
func NewMemory() *Memory { return &Memory{answers: map[[sha256.Size]byte]remembered{}} }

// What a memory holds at most, all together and for one answer.
const (
	mostMemory = 64 << 20
	mostAnswer = 1 << 20
)

func question(parts ...string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}

// get finds an answer; a nil memory has none.
func (m *Memory) get(key [sha256.Size]byte) (remembered, bool) {
	if m == nil {
		return remembered{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.answers[key]
	return r, ok
}

// put keeps an answer. A full memory begins anew.
func (m *Memory) put(key [sha256.Size]byte, r remembered) {
	if m == nil || len(r.out) > mostAnswer {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size+len(r.out) > mostMemory {
		clear(m.answers)
		m.size = 0
	}
	m.answers[key] = r
	m.size += len(r.out)
}

// settled is run for a command that only reads and that names everything by its hash:
// git is asked once. An exit code of 1, which such commands use for no, is an
// answer, too.
func (g gitRun) settled(ctx context.Context, args ...string) ([]byte, error) {
	key := question(append([]string{"git"}, args...)...)
	if r, ok := g.memory.get(key); ok {
		if r.code != 0 {
			return r.out, &gitError{command: args[0], code: r.code}
		}
		return r.out, nil
	}
	out, err := g.run(ctx, args...)
	if code := exitCode(err); code == 0 || code == 1 {
		g.memory.put(key, remembered{out, code})
	}
	return out, err
}

// settledLine is settled for an answer that is one line.
func (g gitRun) settledLine(ctx context.Context, args ...string) (string, error) {
	out, err := g.settled(ctx, args...)
	return strings.TrimSpace(string(out)), err
}
