package worker

import (
	crand "crypto/rand"
	"crypto/sha256"
	"math/rand/v2"
	"sync"

	"github.com/google/uuid"
)

// draws is what the random functions of templates read in a worker. It begins anew for each execution, so that
// the texts that a chart draws are the same from scan to scan, and an umbrella that draws a password for one of its releases
// does not have that release rendered with every change of another. No secret is made in a worker.
type draws struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

// fixDraws puts draws in the place of the process's random numbers. randInt, shuffle, new keys and certificates take
// theirs from elsewhere.
func fixDraws() *draws {
	d := &draws{}
	d.restart("")
	crand.Reader = d
	uuid.SetRand(d)
	return d
}

// restart begins with the first of the numbers that belong to a seed.
func (d *draws) restart(seed string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.source = rand.NewChaCha8(sha256.Sum256([]byte(seed)))
}

// Read implements io.Reader; it never fails.
func (d *draws) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.Read(p)
}
