package webhook

import (
	"errors"
	"io"
	"sync/atomic"
)

// maxUnproven bounds what the bodies of all calls take together of which nothing says yet
// whether they are GitLab's: a signature is known to be right only at the body's end, and
// whoever can reach the address may send one. GitLab's own are far smaller than its limit.
const maxUnproven = 64 << 20

// smallBody is how much of each body does not count: else strangers with a few large ones kept
// GitLab's out. Anybody may have as much held in headers.
const smallBody = 64 << 10

var errCrowded = errors.New("calls that nothing proves yet have bodies of more than 64 MiB together")

// unproven is a body on the way to its proof. It fails when there is no room for more.
type unproven struct {
	io.Reader
	all  *atomic.Int64 // bytes of all such bodies that count
	read int64
	mine int64 // those that count
}

func (u *unproven) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.read += int64(n)
	more := max(0, u.read-smallBody) - u.mine
	u.mine += more
	if more > 0 && u.all.Add(more) > maxUnproven {
		return 0, errCrowded
	}
	return n, err
}

// settled makes room for others.
func (u *unproven) settled() { u.all.Add(-u.mine) }
