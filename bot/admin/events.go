package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// events tells a page that watches when the state has changed; the page then reads
// itself anew. Without a script the page does so by the clock.
func (h *Handler) events(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	// A stream outlives the server's limit for answers.
	if err := control.SetWriteDeadline(time.Time{}); err != nil {
		h.config.Log.Debug("keep a stream open", "reason", err.Error())
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	every := time.NewTicker(h.config.Every)
	defer every.Stop()
	last := ""
	for {
		now, err := h.fingerprint(r.Context())
		if err != nil {
			return
		}
		text := ": still here\n\n"
		if now != last {
			text = "data: " + now + "\n\n"
		}
		last = now
		if _, err := fmt.Fprint(w, text); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-h.closing:
			return
		case <-every.C:
		}
	}
}

// fingerprint stands for everything that the pages show.
func (h *Handler) fingerprint(ctx context.Context) (string, error) {
	units, err := h.config.Work.Units(ctx)
	if err != nil {
		return "", err
	}
	runs, err := h.config.Work.Runs(ctx, latestRuns)
	if err != nil {
		return "", err
	}
	away, err := h.config.Work.Away(ctx)
	if err != nil {
		return "", err
	}
	var at []time.Time
	for _, u := range h.config.Board.Umbrellas() {
		at = append(at, u.At)
	}
	raw, err := json.Marshal([]any{units, runs, away, at})
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), err
}
