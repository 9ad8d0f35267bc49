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

var errCrowded = errors.New("calls that nothing proves yet have bodies of more than 64 MiB together")

// unproven is a body on the way to its proof. It fails when there is no room for more.
type unproven struct {
	io.Reader
	all  *atomic.Int64 // bytes of all such bodies
	mine int64
}

func (u *unproven) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.mine += int64(n)
	if u.all.Add(int64(n)) > maxUnproven {
		return 0, errCrowded
	}
	return n, err
}

// settled makes room for others.
func (u *unproven) settled() { u.all.Add(-u.mine) }
