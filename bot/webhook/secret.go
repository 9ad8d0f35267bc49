package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Secrets are what GitLab proves itself with: plain tokens, keys that sign, or both.
// Several of a sort are all valid, so that a new one is known before GitLab uses it.
// They never print.
type Secrets struct {
	tokens [][sha256.Size]byte
	keys   [][]byte
}

// keyLength is what GitLab asks of a signing token.
const keyLength = 32

// NewSecrets takes plain tokens and signing tokens (whsec_ and 32 bytes in base64).
// Empty ones are left out. Its errors count from 1 and repeat nothing.
func NewSecrets(tokens, signingTokens []string) (Secrets, error) {
	var s Secrets
	for _, t := range tokens {
		if t != "" {
			s.tokens = append(s.tokens, sha256.Sum256([]byte(t)))
		}
	}
	for n, t := range signingTokens {
		if t == "" {
			continue
		}
		encoded, prefixed := strings.CutPrefix(t, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !prefixed || err != nil || len(key) != keyLength {
			return Secrets{}, fmt.Errorf("read signing token %d: it must be whsec_ followed by %d bytes in base64", n+1, keyLength)
		}
		s.keys = append(s.keys, key)
	}
	return s, nil
}

// Empty tells whether there is no secret at all.
func (s Secrets) Empty() bool { return len(s.tokens)+len(s.keys) == 0 }

// Format prints a word instead of the secrets.
func (Secrets) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "[secrets]") }

// LogValue logs a word instead of the secrets.
func (Secrets) LogValue() slog.Value { return slog.StringValue("[secrets]") }

// signedAge is how old a signed delivery may be, and how far ahead GitLab's clock.
const signedAge = 5 * time.Minute

// proof is what a call brings to be believed.
type proof struct {
	secrets    Secrets
	signed     bool
	prefix     string // of the signed text: id and time
	signatures [][]byte
}

// check looks at the headers. A call with a signature must be signed where there are
// keys; whether the signature is right, verify says once there is a body. Any other
// call is believed for its token. The error is for the log, never for the caller.
func (s Secrets) check(h http.Header, now time.Time) (proof, error) {
	if h.Get("Webhook-Signature") == "" || len(s.keys) == 0 {
		return proof{}, s.checkToken(h.Get("X-Gitlab-Token"))
	}
	p := proof{secrets: s, signed: true}
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if id == "" || err != nil {
		return p, errors.New("it is signed without an id or a time")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > signedAge || age < -signedAge {
		return p, fmt.Errorf("its time stamp is more than %s away: it is old, or a clock is wrong", signedAge)
	}
	p.prefix = id + "." + at + "."
	for _, part := range strings.Fields(h.Get("Webhook-Signature")) {
		version, encoded, _ := strings.Cut(part, ",")
		if signature, err := base64.StdEncoding.DecodeString(encoded); version == "v1" && err == nil {
			p.signatures = append(p.signatures, signature)
		}
	}
	return p, nil
}

// checkToken compares with every token, in the same time whatever it is given.
func (s Secrets) checkToken(given string) error {
	digest, same := sha256.Sum256([]byte(given)), 0
	for _, t := range s.tokens {
		same |= subtle.ConstantTimeCompare(digest[:], t[:])
	}
	if same == 0 {
		return errors.New("it has no token that is known")
	}
	return nil
}

// verify tells whether any key made any of the signatures of the body.
func (p proof) verify(body []byte) error {
	if !p.signed {
		return nil
	}
	for _, key := range p.secrets.keys {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, p.prefix) // never fails, says its documentation
		_, _ = mac.Write(body)
		want := mac.Sum(nil)
		for _, signature := range p.signatures {
			if hmac.Equal(want, signature) {
				return nil
			}
		}
	}
	return errors.New("no key that is known has signed it")
}
