package git

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// signerOf is NewSigner for a key that must be good.
func signerOf(t *testing.T, key []byte, passphrase string) Signer {
	t.Helper()
	signer, err := NewSigner(key, func() ([]byte, error) { return []byte(passphrase), nil })
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// sshKeys are private keys of every kind that may sign.
func sshKeys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	keys := map[string]crypto.Signer{}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys["ed25519"] = key
	if keys["rsa"], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	for name, curve := range map[string]elliptic.Curve{"ecdsa-256": elliptic.P256(), "ecdsa-384": elliptic.P384(), "ecdsa-521": elliptic.P521()} {
		if keys[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

func openSSHForm(t testing.TB, key crypto.Signer, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "test")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// pushSigned commits something with signer, pushes it to a server that checks
// objects, and returns the repository and the hash.
func pushSigned(t *testing.T, signer Signer) (*repository, string) {
	t.Helper()
	r := newRepository(t)
	run(t, r.path, "config", "receive.fsckObjects", "true")
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	signed := spec(map[string]string{"a": "1"})
	signed.Message, signed.Signer = "Harden argocd\n\nFor reasons.\n\nUnit: argocd\n", signer
	hash, err := s.Commit(testContext(t), base, signed)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Push(testContext(t), base, hash, "tokenward/argocd", ""); err != nil {
		t.Fatal(err)
	}
	return r, hash
}

// signature returns what a commit's signature is for, and the signature.
func (r *repository) signature(t *testing.T, hash string) (message, signature []byte) {
	t.Helper()
	obj := &plumbing.MemoryObject{}
	obj.SetType(plumbing.CommitObject)
	if _, err := obj.Write([]byte(run(t, r.path, "cat-file", "commit", hash) + "\n")); err != nil {
		t.Fatal(err)
	}
	if obj.Hash().String() != hash {
		t.Fatalf("the commit was read as %s", obj.Hash())
	}
	var commit gitobject.Commit
	if err := commit.Decode(obj); err != nil {
		t.Fatal(err)
	}
	unsigned := &plumbing.MemoryObject{}
	if err := commit.EncodeWithoutSignature(unsigned); err != nil {
		t.Fatal(err)
	}
	reader, err := unsigned.Reader()
	if err != nil {
		t.Fatal(err)
	}
	message, err = io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return message, []byte(commit.PGPSignature)
}

// verify runs git verify-commit and returns its words.
func (r *repository) verify(t *testing.T, hash string, env []string, config ...string) (string, error) {
	t.Helper()
	var args []string
	for _, c := range config {
		args = append(args, "-c", c)
	}
	cmd := exec.CommandContext(testContext(t), "git", append(args, "verify-commit", "-v", hash)...)
	cmd.Dir, cmd.Env = r.path, append(gitEnv(r.path), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// need skips a test where a program is not installed.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}

// allowedSigners writes git's file of the keys to trust.
func allowedSigners(t *testing.T, key crypto.Signer) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(path, append([]byte("bot@example.org "), ssh.MarshalAuthorizedKey(public)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return "gpg.ssh.allowedSignersFile=" + path
}

func TestCommitsSignedWithSSH(t *testing.T) {
	t.Parallel()
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range sshKeys(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, hash := pushSigned(t, signerOf(t, openSSHForm(t, key, ""), ""))
			message, armored := r.signature(t, hash)
			signature, err := sshsig.Unarmor(armored)
			if err != nil {
				t.Fatalf("%v\n%s", err, armored)
			}
			public, err := ssh.NewPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if err := sshsig.Verify(bytes.NewReader(message), signature, public, sshsig.HashSHA512, "git"); err != nil {
				t.Error(err)
			}
			if err := sshsig.Verify(bytes.NewReader(append(message, '.')), signature, public, sshsig.HashSHA512, "git"); err == nil {
				t.Error("another commit has the same signature")
			}
			t.Run("git", func(t *testing.T) {
				need(t, "ssh-keygen")
				if out, err := r.verify(t, hash, nil, allowedSigners(t, key)); err != nil || !strings.Contains(out, `Good "git" signature for bot@example.org`) {
					t.Errorf("%v: %s", err, out)
				}
				if out, err := r.verify(t, hash, nil, allowedSigners(t, stranger)); err == nil {
					t.Errorf("another's key verifies it too: %s", out)
				}
			})
		})
	}
}

func TestSignedCommitsAreDeterministic(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	signers := map[string]Signer{
		"OpenPGP ed25519": signerOf(t, newEntity(t, "ed25519").private(t), ""),
		"OpenPGP rsa":     signerOf(t, newEntity(t, "rsa").private(t), ""),
	}
	for name, key := range sshKeys(t) {
		signers[name] = signerOf(t, openSSHForm(t, key, ""), "")
	}
	unsigned := commit(t, s, base, map[string]string{"a": "1"})
	for name, signer := range signers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hashes := make([]string, 8)
			var wg sync.WaitGroup
			for i := range hashes {
				wg.Go(func() {
					signed := spec(map[string]string{"a": "1"})
					signed.Signer = signer
					var err error
					if hashes[i], err = s.Commit(testContext(t), base, signed); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for _, hash := range hashes {
				if hash != hashes[0] || hash == unsigned {
					t.Errorf("%s, then %s; unsigned %s", hashes[0], hash, unsigned)
				}
			}
		})
	}
}

// signerFunc is a Signer for what no key does.
type signerFunc func() ([]byte, error)

func (f signerFunc) Sign(io.Reader) ([]byte, error) { return f() }

func TestCommitNeedsTheSignature(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	for name, c := range map[string]struct {
		signer signerFunc
		want   string
	}{
		"fails":  {func() ([]byte, error) { return nil, errors.New("the card is gone") }, "sign the commit: the card is gone"},
		"empty":  {func() ([]byte, error) { return []byte("\n"), nil }, "sign the commit: the signature is empty"},
		"binary": {func() ([]byte, error) { return []byte("a\x00b"), nil }, "zero byte"},
	} {
		unsigned := spec(map[string]string{"a": "1"})
		unsigned.Signer = c.signer
		var failure *Error
		if hash, err := s.Commit(testContext(t), base, unsigned); !errors.As(err, &failure) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v", name, hash, err)
		}
	}
	nothing := spec(map[string]string{"chart/values.yaml": "a: 2\n"})
	nothing.Signer = signerFunc(func() ([]byte, error) { return nil, errors.New("asked to sign nothing") })
	if hash, err := s.Commit(testContext(t), base, nothing); err != nil || hash != base.Commit {
		t.Errorf("without a change: %q, %v", hash, err)
	}
}

func TestSignerPrintsItsFingerprint(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pgp := newEntity(t, "ed25519")
	for want, signer := range map[string]Signer{
		"ssh-ed25519 " + ssh.FingerprintSHA256(public):               signerOf(t, openSSHForm(t, key, ""), ""),
		fmt.Sprintf("OpenPGP key %X", pgp.PrimaryKey.Fingerprint[:]): signerOf(t, pgp.private(t), ""),
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("signing", "key", signer)
		for _, text := range []string{fmt.Sprint(signer), fmt.Sprintf("%+v", signer), log.String()} {
			if !strings.Contains(text, want) {
				t.Errorf("%q, want %q", text, want)
			}
		}
		if text := fmt.Sprintf("%#v", signer); len(text) > 300 {
			t.Errorf("the inside is printed: %s", text)
		}
	}
}
