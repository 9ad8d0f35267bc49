package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Signer signs commits, as go-git's interface of the same name does. Sign
// gets the commit as git stores it, without a signature, and returns the text
// for its gpgsig header.
type Signer interface {
	Sign(message io.Reader) ([]byte, error)
}

// sshNamespace tells git's signatures from others that a key makes.
const sshNamespace = "git"

// NewSigner reads a private key and returns what signs commits with it:
// OpenPGP's in armored form, or one for SSH in OpenSSH's or PEM form (ed25519,
// ecdsa, rsa). passphrase is asked, once and before NewSigner returns, only if
// the key is encrypted; nil means that there is none. The Signer may be used
// concurrently and prints as its kind and fingerprint.
//
// Signatures by SSH keys, and by OpenPGP keys but ecdsa and dsa, depend on
// nothing but the key and the commit: an OpenPGP signature is as old as the
// commit says it is, so the key must be valid then.
//
// It fails if key is empty, no private key or damaged, if it cannot sign, or
// if the passphrase is missing or wrong. Neither key nor passphrase is ever
// part of the error.
func NewSigner(key []byte, passphrase func() ([]byte, error)) (Signer, error) {
	signer, err := readSigner(key, passphrase)
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	return signer, nil
}

func readSigner(text []byte, passphrase func() ([]byte, error)) (Signer, error) {
	kind, key, err := findPrivateKey(text)
	if err != nil {
		return nil, err
	}
	if kind == openPGPKey {
		return newOpenPGPSigner(key, passphrase)
	}
	signer, err := parseSSHKey(key, passphrase)
	if err != nil {
		return nil, err
	}
	if kind := signer.PublicKey().Type(); kind == ssh.InsecureKeyAlgoDSA {
		return nil, fmt.Errorf("%s keys cannot sign commits, use ed25519, ecdsa or rsa", kind)
	}
	return &sshSigner{key: signer}, nil
}

// sshSigner makes signatures in OpenSSH's SSHSIG format.
type sshSigner struct{ key ssh.Signer }

// Sign implements Signer. Without a source of randomness ecdsa signs as RFC
// 6979 says, always the same; the other kinds need none.
func (s *sshSigner) Sign(message io.Reader) ([]byte, error) {
	signature, err := sshsig.SignWithRand(message, nil, s.key, sshsig.HashSHA512, sshNamespace)
	if err != nil {
		return nil, err
	}
	return sshsig.Armor(signature), nil
}

// String returns the key's kind and fingerprint, as ssh-keygen writes them.
func (s *sshSigner) String() string {
	return s.key.PublicKey().Type() + " " + ssh.FingerprintSHA256(s.key.PublicKey())
}

// sign puts signer's signature into commit.
func sign(commit *gitobject.Commit, signer Signer) error {
	obj := &plumbing.MemoryObject{}
	if err := commit.EncodeWithoutSignature(obj); err != nil {
		return err
	}
	message, err := obj.Reader()
	if err != nil {
		return err
	}
	signature, err := signer.Sign(message)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(signature)) == 0 || bytes.IndexByte(signature, 0) >= 0 {
		return errors.New("the signature is empty or holds a zero byte")
	}
	commit.PGPSignature = string(signature)
	return nil
}
