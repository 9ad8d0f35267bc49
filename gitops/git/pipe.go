package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// pipe speaks git's protocol with a git process, here or behind ssh. It ends
// with the context it was opened with. It serves one operation.
type pipe struct {
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  *tail
	receive bool
	begun   bool         // a request was sent after the advertisement
	stop    func() error // lets go of what the process may still write
	wait    func() error // waits for the process, called once
	ended   sync.Once
	endErr  error
}

// processError is what the process on the other side said before it ended.
type processError struct{ text string }

func (e *processError) Error() string { return e.text }

// AdvertisedReferencesContext reads the advertisement that the process begins
// with.
func (p *pipe) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	ar := packp.NewAdvRefs()
	err := ar.Decode(p.reader(ctx))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs):
		err = nil
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, p.failure(err)
	case err != nil:
		return nil, p.orContext(ctx, err)
	}
	if ar.IsEmpty() && !p.receive {
		return nil, transport.ErrEmptyRemoteRepository
	}
	transport.FilterUnsupportedCapabilities(ar.Capabilities)
	return ar, nil
}

// UploadPack asks for a pack and returns the answer up to where it begins.
func (p *pipe) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	p.begun = true
	if err := req.Validate(); err != nil {
		return nil, err
	}
	var request bytes.Buffer
	if err := req.UploadRequest.Encode(&request); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&request).EncodeString("done\n"); err != nil {
		return nil, err
	}
	if err := p.send(&request); err != nil {
		return nil, p.orContext(ctx, err)
	}
	response := packp.NewUploadPackResponse(req)
	if err := response.Decode(io.NopCloser(p.reader(ctx))); err != nil {
		return nil, p.orContext(ctx, err)
	}
	return response, nil
}

// ReceivePack sends commands and a pack and reads the report on them.
func (p *pipe) ReceivePack(ctx context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	p.begun = true
	var request bytes.Buffer
	if err := req.Encode(&request); err != nil {
		return nil, err
	}
	if err := p.send(&request); err != nil {
		return nil, p.orContext(ctx, err)
	}
	out := p.reader(ctx)
	if req.Capabilities.Supports(capability.Sideband64k) {
		demuxer := sideband.NewDemuxer(sideband.Sideband64k, out)
		demuxer.Progress = req.Progress
		out = demuxer
	}
	report := packp.NewReportStatus()
	if err := report.Decode(out); err != nil {
		return nil, p.orContext(ctx, err)
	}
	return report, report.Error()
}

// reader returns what the process writes, counted against the budget.
func (p *pipe) reader(ctx context.Context) io.Reader {
	if b := budgetFrom(ctx); b != nil {
		return b.reader(p.out)
	}
	return p.out
}

func (p *pipe) send(request *bytes.Buffer) error {
	if _, err := p.in.Write(request.Bytes()); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return p.in.Close()
}

// Close ends the conversation and the process.
func (p *pipe) Close() error {
	p.end()
	return nil
}

// maxRest is how much of what nobody asked for is read, so that a process may
// end by itself.
const maxRest = 1 << 20

// end tells the process that nothing more is wanted, and waits for it. A
// process that is still writing a pack then is cut off; one that receives, or
// has only listed its refs, may end by itself.
func (p *pipe) end() {
	p.ended.Do(func() {
		if !p.begun {
			// The process may be gone already; what it said counts, not this.
			_, _ = p.in.Write(pktline.FlushPkt)
			_ = p.in.Close()
		}
		if p.receive || !p.begun {
			_, _ = io.CopyN(io.Discard, p.out, maxRest)
		}
		p.endErr = errors.Join(p.stop(), p.wait())
	})
}

// orContext prefers the context's reason, then what the process said, to err,
// which is often no more than a broken pipe.
func (p *pipe) orContext(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var line *pktline.ErrorLine
	if errors.As(err, &line) {
		return &processError{text: line.Text}
	}
	if b := budgetFrom(ctx); b != nil && b.spent.Load() {
		return err
	}
	return p.failure(err)
}

// failure ends the process and returns what it wrote to standard error, or
// err if that is nothing.
func (p *pipe) failure(err error) error {
	p.end()
	if text := p.stderr.String(); text != "" {
		return &processError{text: text}
	}
	if p.endErr != nil {
		return fmt.Errorf("%w: %w", err, p.endErr)
	}
	return err
}

// tail keeps the last few KiB of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - maxTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// String returns what was kept as one line, see sentence.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return sentence(string(t.buf))
}

// escapes are the terminal sequences that servers colour their messages with.
var escapes = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// sentence makes one line of a server's message: control characters, empty
// and purely decorative lines and the prefixes that git adds are dropped.
func sentence(text string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(escapes.ReplaceAllString(text, ""), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, line)
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "remote:"))
		if strings.Trim(line, "=-* ") != "" {
			lines = append(lines, line)
		}
	}
	joined := strings.ToValidUTF8(strings.Join(lines, " "), "?")
	if len(joined) > 1000 {
		joined = strings.ToValidUTF8(joined[:1000], "") + " [...]"
	}
	return joined
}
