// Package webhook takes in what GitLab tells by webhooks and turns each event into
// the smallest work: triggers, which an Inbox stores before GitLab gets its answer.
//
// It owns who is believed, what counts as the same delivery, and what an event
// means. It does no work itself, asks GitLab nothing, and takes nothing in a
// payload for true but the name of what may have changed: the run looks for itself,
// rights of people included. A lost delivery costs time only, since the schedule
// comes round.
package webhook

import (
	"context"

	"tokenward/bot"
)

// Inbox stores triggers.
type Inbox interface {
	// Accept stores the triggers of a delivery for good before it returns. fresh is
	// false, and nothing is stored, if a delivery with this id was accepted before:
	// GitLab or a person sent it again. An error means that nothing was stored, and
	// that the same id is fresh again the next time. It is called concurrently.
	Accept(ctx context.Context, deliveryID string, triggers []bot.Trigger) (fresh bool, err error)
}

// Counter hears of every call, for metrics.
type Counter interface {
	// Delivery counts one call. event is one of a fixed set of words (push, tag_push,
	// merge_request, note, issue, ..., other; "" before the body was read), outcome
	// one of the constants below.
	Delivery(event, outcome string)
}

// What becomes of a call.
const (
	Accepted     = "accepted"     // its triggers are stored
	Duplicate    = "duplicate"    // they were stored before
	Ignored      = "ignored"      // the event means no work
	Unknown      = "unknown"      // an event of a kind that is not known
	Invalid      = "invalid"      // wrong method, content type or body
	TooLarge     = "too_large"    // the body is over the limit, or with all that are being read
	Unauthorized = "unauthorized" // no secret of ours
	Unavailable  = "unavailable"  // it could not be checked or stored
)
