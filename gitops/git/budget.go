package git

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
)

// budget is what one operation may still receive. It remembers that it ran
// out, since readers in between may reword or lose the error.
type budget struct {
	limit atomic.Int64
	left  atomic.Int64
	spent atomic.Bool
}

// maxAdvertised bounds the list of a remote's refs, half a million of them. It is held in
// memory as a whole.
const maxAdvertised = 32 << 20

// newBudget returns the budget of an operation that begins with the list of refs.
func newBudget(limit int64) *budget {
	b := &budget{}
	b.allow(min(limit, maxAdvertised))
	return b
}

// allow sets what may be received from now on.
func (b *budget) allow(limit int64) {
	b.limit.Store(limit)
	b.left.Store(limit)
}

func (b *budget) err() error {
	kind, limit := ErrTooLarge, b.limit.Load()
	if limit == maxAdvertised {
		kind = errFixedLimit
	}
	return fmt.Errorf("%w: more than %s would be transferred", kind, size(limit))
}

// reader returns r, failing once the budget is used up.
func (b *budget) reader(r io.Reader) io.Reader { return &budgetReader{budget: b, r: r} }

type budgetReader struct {
	budget *budget
	r      io.Reader
}

func (r *budgetReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if r.budget.left.Add(-int64(n)) < 0 {
		r.budget.spent.Store(true)
		return 0, r.budget.err()
	}
	return n, err
}

// size writes a number of bytes for people.
func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

type budgetKey struct{}

func withBudget(ctx context.Context, b *budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

func budgetFrom(ctx context.Context) *budget {
	b, _ := ctx.Value(budgetKey{}).(*budget)
	return b
}
