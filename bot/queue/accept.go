package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenward/bot"
)

const (
	// batch bounds how many acceptances share one transaction, keptReasons how much
	// text of reasons a unit keeps.
	batch       = 512
	keptReasons = 2000
	// commitLimit is how long a batch may take: GitLab gives up after ten seconds.
	commitLimit = 8 * time.Second
)

// acceptance is a delivery that waits to be stored.
type acceptance struct {
	ctx      context.Context
	delivery string
	triggers []bot.Trigger
	answer   chan<- accepted // with room for one
}

type accepted struct {
	fresh bool
	err   error
}

// Accept stores a delivery and its triggers in one transaction and returns when they
// are safe. A delivery whose id was seen before changes nothing and is not fresh. The
// id "" is always fresh: that is for triggers that nobody sends twice. Acceptances
// that wait at the same time share a transaction.
func (q *Queue) Accept(ctx context.Context, deliveryID string, triggers []bot.Trigger) (fresh bool, err error) {
	answer := make(chan accepted, 1)
	select {
	case q.accepting <- acceptance{ctx, storable(deliveryID), triggers, answer}:
	case <-ctx.Done():
		return false, fmt.Errorf("store the delivery: %w", ctx.Err())
	case <-q.closing:
		return false, errors.New("store the delivery: the store is closed")
	}
	select {
	case a := <-answer:
		return a.fresh, a.err
	case <-ctx.Done():
		return false, fmt.Errorf("store the delivery: %w", ctx.Err())
	}
}

// Enqueue stores triggers that came without a delivery.
func (q *Queue) Enqueue(ctx context.Context, triggers ...bot.Trigger) error {
	_, err := q.Accept(ctx, "", triggers)
	return err
}

// commitLoop stores whatever waits, together.
func (q *Queue) commitLoop() {
	defer q.loops.Done()
	for {
		var waiting []acceptance
		select {
		case a := <-q.accepting:
			waiting = append(waiting, a)
		case <-q.closing:
			return
		}
		for more := true; more && len(waiting) < batch; {
			select {
			case a := <-q.accepting:
				waiting = append(waiting, a)
			default:
				more = false
			}
		}
		q.commit(waiting)
		q.kick()
	}
}

// commit stores a batch; if that fails, each by itself, so that none pays for another.
func (q *Queue) commit(waiting []acceptance) {
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	fresh, err := q.store(ctx, waiting)
	if err != nil && len(waiting) > 1 {
		for _, a := range waiting {
			q.commit([]acceptance{a})
		}
		return
	}
	for i, a := range waiting {
		if err != nil {
			a.answer <- accepted{err: fmt.Errorf("store the delivery: %w", err)}
			continue
		}
		a.answer <- accepted{fresh: fresh[i]}
	}
}

func (q *Queue) store(ctx context.Context, waiting []acceptance) (fresh []bool, err error) {
	// One order for all replicas: transactions that wait for each other in a ring are lost.
	order := make([]int, len(waiting))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(waiting[a].delivery, waiting[b].delivery) })
	fresh = make([]bool, len(waiting))
	err = q.db.within(ctx, func(tx *sql.Tx) error {
		now := q.db.millis()
		var triggers []bot.Trigger
		for _, i := range order {
			a := waiting[i]
			if fresh[i] = true; a.delivery != "" {
				if fresh[i], err = changed(tx.ExecContext(ctx, `INSERT INTO tokenward_delivery (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, a.delivery, now)); err != nil {
					return err
				}
			}
			if fresh[i] {
				triggers = append(triggers, a.triggers...)
			}
		}
		return q.want(ctx, tx, now, triggers)
	})
	return fresh, err
}

// wish is what the triggers of one unit ask together.
type wish struct {
	umbrella, namespace string
	count               int64
	whole               bool
	wakes               bool // the unit, if it is parked
	reasons             []string
}

// want raises the count of what is wanted, one statement for each unit. A unit that
// is parked gets one more attempt, unless all are guesses, and one whose run was lost keeps its place.
func (q *Queue) want(ctx context.Context, tx *sql.Tx, now int64, triggers []bot.Trigger) error {
	for _, w := range wishes(triggers) {
		whole := int64(0)
		if w.whole {
			whole = w.count
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO tokenward_unit AS u (umbrella, namespace, wanted, whole, wanted_at, reasons) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (umbrella, namespace) DO UPDATE SET
	wanted = u.wanted + excluded.wanted,
	whole = CASE WHEN excluded.whole > 0 THEN u.wanted + excluded.wanted ELSE u.whole END,
	wanted_at = CASE WHEN u.wanted = u.done OR u.wanted = u.running AND u.owner <> '' AND u.lease > $9 THEN excluded.wanted_at ELSE u.wanted_at END,
	reasons = substr(excluded.reasons || u.reasons, 1, $7),
	failures = CASE WHEN u.parked_at > 0 AND $10 > 0 THEN $8 ELSE u.failures END,
	not_before = CASE WHEN u.parked_at > 0 AND $10 > 0 THEN 0 ELSE u.not_before END,
	parked_at = CASE WHEN $10 > 0 THEN 0 ELSE u.parked_at END`,
			w.umbrella, w.namespace, w.count, whole, now, strings.Join(w.reasons, ""), keptReasons, q.cfg.Attempts-1, now, boolean(w.wakes))
		if err != nil {
			return fmt.Errorf("want %s %s: %w", w.umbrella, w.namespace, err)
		}
	}
	return nil
}

// wishes puts triggers of the same unit together, the latest reason first.
func wishes(triggers []bot.Trigger) []*wish {
	var out []*wish
	for _, t := range triggers {
		umbrella, namespace := storable(t.Umbrella), storable(t.Namespace)
		i := slices.IndexFunc(out, func(w *wish) bool { return w.umbrella == umbrella && w.namespace == namespace })
		if i < 0 {
			i = len(out)
			out = append(out, &wish{umbrella: umbrella, namespace: namespace})
		}
		w := out[i]
		w.count++
		w.wakes = w.wakes || !t.Guess
		w.whole = w.whole || namespace == "" && !t.Changed
		reason := strings.Join(strings.Fields(storable(t.Reason)), " ") + "\n"
		if len(w.reasons) < 10 && !slices.Contains(w.reasons, reason) {
			w.reasons = slices.Insert(w.reasons, 0, reason)
		}
	}
	slices.SortFunc(out, func(a, b *wish) int {
		return cmp.Or(cmp.Compare(a.umbrella, b.umbrella), cmp.Compare(a.namespace, b.namespace))
	})
	return out
}

// changed tells whether a statement changed anything.
func changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
