package redact

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// Handler hands records on without secrets, and without characters that could
// steer a terminal, end a line or turn the reading direction.
type Handler struct {
	next slog.Handler
	set  *Set
}

// NewHandler wraps a handler.
func NewHandler(next slog.Handler, set *Set) *Handler { return &Handler{next, set} }

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, h.clean(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return &Handler{h.next.WithAttrs(clean), h.set}
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(name), h.set}
}

func (h *Handler) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: h.clean(a.Key), Value: h.value(a.Value.Resolve())}
}

// value cleans text wherever it stands; what is no number, time or group is written
// as text first.
func (h *Handler) value(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(h.clean(v.String()))
	case slog.KindGroup:
		group := v.Group()
		clean := make([]slog.Attr, len(group))
		for i, a := range group {
			clean[i] = h.attr(a)
		}
		return slog.GroupValue(clean...)
	case slog.KindAny:
		if list, ok := v.Any().([]string); ok {
			clean := make([]string, len(list))
			for i, s := range list {
				clean[i] = h.clean(s)
			}
			return slog.AnyValue(clean)
		}
		return slog.StringValue(h.clean(fmt.Sprint(v.Any())))
	default:
		return v
	}
}

func (h *Handler) clean(s string) string { return OneLine(h.set.Text(s)) }

// OneLine turns control characters into spaces and leaves out those that turn the
// reading direction.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Writer strikes secrets from everything that is written through it. A secret that
// is split over two writes is not found, so it belongs under writers of whole lines.
type Writer struct {
	next io.Writer
	set  *Set
}

// NewWriter wraps a writer.
func NewWriter(next io.Writer, set *Set) *Writer { return &Writer{next, set} }

// Unwrap returns the writer below, to ask whether it is a terminal.
func (w *Writer) Unwrap() io.Writer { return w.next }

// Write implements io.Writer; it reports p as written whole.
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.next, w.set.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
