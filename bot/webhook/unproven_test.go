package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// held is a body that stops before its end until it is let go.
type held struct {
	left    int
	reached chan<- bool
	release <-chan struct{}
}

func (h *held) Read(p []byte) (int, error) {
	if h.left == 0 {
		h.reached <- true
		<-h.release
		return 0, io.EOF
	}
	n := min(h.left, len(p))
	h.left -= n
	return n, nil
}

// Strangers who claim to have signed cannot make the process hold any number of large bodies.
func TestUnprovenBodiesAreBoundedTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	b.signing, b.BodyLimit = []string{signingToken('a')}, 25<<20
	call := func(body io.Reader, signature string) int {
		r := httptest.NewRequest("POST", "/webhooks/gitlab", body)
		r.Header = http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {"1"}, "Webhook-Timestamp": {strconv.FormatInt(noon.Unix(), 10)}, "Webhook-Signature": {signature}}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w.Code
	}
	reached, release, answers := make(chan bool), make(chan struct{}), make(chan int, 4)
	stranger := func(size int) {
		go func() { answers <- call(&held{size, reached, release}, "v1,AAAA") }()
		<-reached
	}
	for range 3 {
		stranger(20 << 20)
	}
	large := strings.Repeat(" ", 20<<20) + "{}"
	if got := call(strings.NewReader(large), signature('a', "1", noon, large)); got != http.StatusServiceUnavailable {
		t.Errorf("a fourth large body is answered with %d", got)
	}
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	if got := call(strings.NewReader(push), signature('a', "1", noon, push)); got != http.StatusOK {
		t.Errorf("a delivery beside them is answered with %d", got)
	}
	stranger(int(maxUnproven-b.unproven.Load()) + smallBody) // all the room that is left
	push = pushed("push", "refs/heads/main", "3", 1, 2)
	if got := call(strings.NewReader(push), signature('a', "1", noon, push)); got != http.StatusOK {
		t.Errorf("a delivery without room beside them is answered with %d", got)
	}
	close(release)
	for range 4 {
		if got := <-answers; got != http.StatusUnauthorized {
			t.Errorf("a stranger's is answered with %d", got)
		}
	}
	if got := call(strings.NewReader(large), signature('a', "1", noon, large)); got != http.StatusOK || b.unproven.Load() != 0 {
		t.Errorf("afterwards a large body is answered with %d, and %d bytes count", got, b.unproven.Load())
	}
}
