package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// deliveryTime is how long GitLab waits for a receiver.
const deliveryTime = 10 * time.Second

// Delivery is one webhook call as it was made. What failed is not sent again,
// as with GitLab.
type Delivery struct {
	Project string // path, when the event happened
	HookID  int
	URL     string
	Event   string // as in X-Gitlab-Event
	At      time.Time
	Header  http.Header
	Body    []byte
	Status  int    // of the answer, 0 without one
	Problem string // why there was none
}

// postman delivers webhooks, one after the other in the order of their events,
// while there are any.
type postman struct {
	client *http.Client

	mu      sync.Mutex
	waiting []Delivery
	made    []Delivery
	idle    chan struct{} // closed when nothing waits; nil before the first one
}

func newPostman() *postman {
	dialer := &net.Dialer{Timeout: deliveryTime, Control: loopbackOnly}
	return &postman{client: &http.Client{
		Timeout:       deliveryTime,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// loopbackOnly refuses connections to other machines.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read address of a webhook: %w", err)
	}
	if !to.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("deliver webhook: %s is not on this machine", to.Addr())
	}
	return nil
}

// add queues a delivery.
func (p *postman) add(d Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, d)
	if len(p.waiting) == 1 {
		p.idle = make(chan struct{})
		go p.work()
	}
}

// work delivers until nothing waits any more.
func (p *postman) work() {
	for {
		p.mu.Lock()
		d := p.waiting[0]
		p.mu.Unlock()
		p.send(&d)
		p.mu.Lock()
		if len(p.made) >= keptRequests {
			p.made = slices.Delete(p.made, 0, keptRequests/10)
		}
		p.made, p.waiting = append(p.made, d), p.waiting[1:]
		if len(p.waiting) == 0 {
			close(p.idle)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}

func (p *postman) send(d *Delivery) {
	req, err := http.NewRequest(http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		d.Problem = err.Error()
		return
	}
	req.Header = d.Header.Clone()
	resp, err := p.client.Do(req)
	if err != nil {
		d.Problem = err.Error()
		return
	}
	d.Status = resp.StatusCode
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		d.Problem = err.Error()
	}
}

// Deliveries returns the webhook calls that were made so far, in the order of
// their events. Of a very long run only the newest are kept.
func (s *Server) Deliveries() []Delivery {
	s.postman.mu.Lock()
	defer s.postman.mu.Unlock()
	return slices.Clone(s.postman.made)
}

// Redeliver makes a webhook call once more, as a person can in GitLab: with the
// same body and the same Idempotency-Key.
func (s *Server) Redeliver(d Delivery) {
	d.Header = d.Header.Clone()
	d.Header.Set("X-Gitlab-Webhook-UUID", newUUID())
	d.Status, d.Problem = 0, ""
	s.postman.add(d)
}

// WaitDeliveries waits until every webhook call so far was made. It fails when
// ctx ends before that.
func (s *Server) WaitDeliveries(ctx context.Context) error {
	s.postman.mu.Lock()
	idle := s.postman.idle
	s.postman.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for webhooks: %w", ctx.Err())
	}
}

// header returns the headers of one delivery. Every hook that hears of an event
// gets the event's own id.
func (h *hook) header(event, eventID, instance string, now time.Time, body []byte) http.Header {
	id, at := newUUID(), strconv.FormatInt(now.Unix(), 10)
	header := http.Header{}
	set := func(name, value string) { header[name] = []string{value} }
	set("Content-Type", "application/json")
	set("User-Agent", "GitLab/"+version)
	set("X-Gitlab-Event", event)
	set("X-Gitlab-Event-Uuid", eventID)
	set("X-Gitlab-Webhook-Uuid", newUUID())
	set("X-Gitlab-Instance", instance)
	set("Idempotency-Key", id)
	set("Webhook-Id", id)
	set("Webhook-Timestamp", at)
	if h.token != "" {
		set("X-Gitlab-Token", h.token)
	}
	if len(h.signingKey) > 0 {
		mac := hmac.New(sha256.New, h.signingKey)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return header
}

// newUUID returns a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
