package git

import (
	"encoding/base64"
	"log/slog"
	"strings"
)

// Credential is a user name and a password or token. Printed or logged in
// any way it shows the user name only.
type Credential struct{ Username, Password string }

// String returns the user name and a placeholder.
func (c Credential) String() string { return c.Username + ":[redacted]" }

// GoString is what %#v prints: the same as String.
func (c Credential) GoString() string { return "git.Credential{" + c.String() + "}" }

// LogValue is what slog prints: the same as String.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// scrub replaces the password, as it is and as basic authentication sends it,
// in text that a server sent.
func (c *Credential) scrub(text string) string {
	if c == nil || c.Password == "" {
		return text
	}
	basic := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password))
	return strings.NewReplacer(basic, "[redacted]", c.Password, "[redacted]").Replace(text)
}
