package git

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"

	"golang.org/x/crypto/ssh"
)

var (
	errNoPassphrase    = errors.New("the key is encrypted, and no passphrase is given")
	errWrongPassphrase = errors.New("the passphrase is wrong")
	// errDamagedKey stands for whatever reason a library has: of a damaged key
	// it could quote the wrong part.
	errDamagedKey = errors.New("the key is damaged, or of a kind or cipher that is not supported")
)

// privateKeyLine and publicKeyLine are the first lines of keys in text form;
// the first group says what the key is for.
var (
	privateKeyLine = regexp.MustCompile(`(?m)^-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY(?: BLOCK)?-----[ \t\r]*$`)
	publicKeyLine  = regexp.MustCompile(`(?m)^-----? ?BEGIN ((?:[A-Z0-9]+ )*)PUBLIC KEY(?: BLOCK)? ?----`)
)

const (
	openPGPKey      = "PGP "
	encryptedPKCS8  = "ENCRYPTED "
	beginOfTextForm = "-----BEGIN "
)

// findPrivateKey returns the first private key in text, what comes before it
// cut off, and what kind it is. Its errors say what text is instead, and quote
// nothing of it.
func findPrivateKey(text []byte) (kind string, key []byte, err error) {
	if at := privateKeyLine.FindSubmatchIndex(text); at != nil {
		return string(text[at[2]:at[3]]), text[at[0]:], nil
	}
	text = bytes.TrimSpace(text)
	_, _, _, _, notPublic := ssh.ParseAuthorizedKey(text)
	switch {
	case len(text) == 0:
		return "", nil, errors.New("the key is empty")
	case notPublic == nil || publicKeyLine.Match(text):
		return "", nil, errors.New("this is a public key, and the private key is needed")
	case bytes.HasPrefix(text, []byte(beginOfTextForm)) && bytes.IndexByte(text, '\n') < 0:
		return "", nil, errors.New("the key stands on one line, and its line ends are needed")
	}
	return "", nil, errors.New("this is neither an SSH private key nor an armored OpenPGP private key")
}

// parseSSHKey reads a private key in OpenSSH's or PEM form, asking for the
// passphrase if it is encrypted. Its errors quote nothing of either.
func parseSSHKey(text []byte, passphrase func() ([]byte, error)) (ssh.Signer, error) {
	kind, key, err := findPrivateKey(text)
	switch {
	case err != nil:
		return nil, err
	case kind == openPGPKey:
		return nil, errors.New("this is an OpenPGP key, and an SSH key is needed")
	case kind == encryptedPKCS8:
		return nil, errors.New("the key is encrypted in PKCS #8 form, which is not supported; ssh-keygen -p writes it anew in OpenSSH's form")
	}
	signer, err := ssh.ParsePrivateKey(key)
	var locked *ssh.PassphraseMissingError
	if err == nil {
		return signer, nil
	} else if !errors.As(err, &locked) {
		return nil, errDamagedKey
	}
	secret, err := ask(passphrase)
	if err != nil {
		return nil, err
	}
	signer, err = ssh.ParsePrivateKeyWithPassphrase(key, secret)
	switch {
	case err == nil:
		return signer, nil
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, errWrongPassphrase
	case locked.PublicKey == nil:
		// PEM's encryption has no reliable check: a wrong passphrase can look
		// right and give noise.
		return nil, fmt.Errorf("%w, or %w", errWrongPassphrase, errDamagedKey)
	}
	return nil, errDamagedKey
}

// ask asks for the passphrase of an encrypted key.
func ask(passphrase func() ([]byte, error)) ([]byte, error) {
	if passphrase == nil {
		return nil, errNoPassphrase
	}
	secret, err := passphrase()
	if err != nil {
		return nil, fmt.Errorf("read the passphrase: %w", err)
	}
	if len(secret) == 0 {
		return nil, errNoPassphrase
	}
	return secret, nil
}
