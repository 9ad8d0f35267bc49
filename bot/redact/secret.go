// Package redact keeps secrets out of what people and machines read: by type, as a
// Secret that no formatting shows, and by value, as a Set that knows the secrets
// of this process and strikes them from text in the forms that they travel in. It
// reads no configuration and decides nothing about where text goes.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

// Placeholder stands where a secret was.
const Placeholder = "[redacted]"

// Secret is a value that no verb of fmt, no logger and no encoder shows. It is held
// behind a function, since fmt looks into unexported fields past all methods.
type Secret struct{ reveal func() string }

// NewSecret wraps a value; the empty value is the zero Secret.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return value }}
}

// Reveal returns the value, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String implements fmt.Stringer.
func (Secret) String() string { return Placeholder }

// Format implements fmt.Formatter, for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, Placeholder) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// MarshalText implements encoding.TextMarshaler, and so JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }
