package git

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// entity is an OpenPGP key, older than the commits that spec describes.
type entity struct {
	*openpgp.Entity
	config *packet.Config
}

func newEntity(t testing.TB, kind string) entity {
	t.Helper()
	created := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	config := &packet.Config{Time: func() time.Time { return created }, RSABits: 2048, Algorithm: packet.PubKeyAlgoRSA}
	switch kind {
	case "ed25519":
		config.Algorithm = packet.PubKeyAlgoEdDSA
	case "ecdsa":
		config.Algorithm, config.Curve = packet.PubKeyAlgoECDSA, packet.CurveNistP256
	}
	e, err := openpgp.NewEntity("tokenward bot", "", "bot@example.org", config)
	if err != nil {
		t.Fatal(err)
	}
	return entity{e, config}
}

func armored(t testing.TB, kind string, serialize func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}

func (e entity) private(t testing.TB) []byte {
	t.Helper()
	return armored(t, openpgp.PrivateKeyType, func(w io.Writer) error { return e.SerializePrivateWithoutSigning(w, e.config) })
}

func (e entity) public(t testing.TB) []byte {
	t.Helper()
	return armored(t, openpgp.PublicKeyType, e.Serialize)
}

// encrypted locks the key, for good.
func (e entity) encrypted(t testing.TB, passphrase string) []byte {
	t.Helper()
	if err := e.EncryptPrivateKeys([]byte(passphrase), e.config); err != nil {
		t.Fatal(err)
	}
	return e.private(t)
}

// gnupg is a home of gpg's. Its agent's socket needs a short path.
type gnupg struct{ home string }

func newGnuPG(t *testing.T) gnupg {
	t.Helper()
	need(t, "gpg")
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	// What gpg does to make passphrases slow to guess would take half a minute.
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("s2k-count 65536\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gnupg{home}
	t.Cleanup(func() {
		cmd := exec.Command("gpgconf", "--kill", "gpg-agent")
		cmd.Env = g.env()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("end gpg's agent: %v: %s", err, out)
		}
		if err := os.RemoveAll(home); err != nil {
			t.Log(err)
		}
	})
	return g
}

func (g gnupg) env() []string {
	return []string{"GNUPGHOME=" + g.home, "HOME=" + g.home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
}

func (g gnupg) run(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(testContext(t), "gpg", append([]string{"--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback"}, args...)...)
	cmd.Env, cmd.Stdin = g.env(), bytes.NewReader(in)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, words.String())
	}
	return out
}

// checkOpenPGP verifies a commit with the library and, where it is installed, with
// git and gpg.
func (r *repository) checkOpenPGP(t *testing.T, hash string, public []byte) {
	t.Helper()
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(public))
	if err != nil {
		t.Fatal(err)
	}
	message, signature := r.signature(t, hash)
	config := &packet.Config{Time: func() time.Time { return spec(nil).Committer.When }}
	if _, err := openpgp.CheckArmoredDetachedSignature(ring, bytes.NewReader(message), bytes.NewReader(signature), config); err != nil {
		t.Errorf("%v\n%s", err, signature)
	}
	if _, err := openpgp.CheckArmoredDetachedSignature(ring, bytes.NewReader(append(message, '.')), bytes.NewReader(signature), config); err == nil {
		t.Error("another commit has the same signature")
	}
	t.Run("git", func(t *testing.T) {
		g := newGnuPG(t)
		if out, err := r.verify(t, hash, g.env()); err == nil {
			t.Errorf("verified without the key: %s", out)
		}
		g.run(t, public, "--import")
		if out, err := r.verify(t, hash, g.env()); err != nil || !strings.Contains(out, `Good signature from "tokenward bot`) || !strings.Contains(out, "Feb  3 03:05:06 2025") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

func TestCommitsSignedWithOpenPGP(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e := newEntity(t, kind)
			r, hash := pushSigned(t, signerOf(t, e.private(t), ""))
			r.checkOpenPGP(t, hash, e.public(t))
		})
		t.Run(kind+" encrypted", func(t *testing.T) {
			t.Parallel()
			e := newEntity(t, kind)
			public := e.public(t)
			r, hash := pushSigned(t, signerOf(t, e.encrypted(t, "opens it"), "opens it"))
			r.checkOpenPGP(t, hash, public)
		})
	}
	t.Run("subkey", func(t *testing.T) {
		t.Parallel()
		e := newEntity(t, "ed25519")
		if err := e.AddSigningSubkey(e.config); err != nil {
			t.Fatal(err)
		}
		r, hash := pushSigned(t, signerOf(t, e.private(t), ""))
		r.checkOpenPGP(t, hash, e.public(t))
	})
}

// TestKeysOfGnuPG signs with what gpg exports: whole keys, and subkeys whose
// primary key stays at home.
func TestKeysOfGnuPG(t *testing.T) {
	t.Parallel()
	for kind, passphrase := range map[string]string{"ed25519": "opens it", "rsa2048": ""} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := newGnuPG(t)
			gpg := func(args ...string) []byte {
				return g.run(t, nil, append([]string{"--passphrase", passphrase, "--faked-system-time", "20250101T000000!"}, args...)...)
			}
			gpg("--quick-generate-key", "tokenward bot <bot@example.org>", kind, "sign,cert", "never")
			r, hash := pushSigned(t, signerOf(t, gpg("--armor", "--export-secret-keys"), passphrase))
			r.checkOpenPGP(t, hash, gpg("--armor", "--export"))

			_, fingerprint, _ := strings.Cut(string(gpg("--with-colons", "--list-keys")), "\nfpr:")
			gpg("--quick-add-key", strings.Split(fingerprint, ":")[8], kind, "sign", "never")
			r, hash = pushSigned(t, signerOf(t, gpg("--armor", "--export-secret-subkeys"), passphrase))
			r.checkOpenPGP(t, hash, gpg("--armor", "--export"))
		})
	}
}

func TestOpenPGPKeyMustBeValidAtTheTime(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	expired := newEntity(t, "ed25519")
	lifetime := *expired.config
	lifetime.KeyLifetimeSecs = 3600
	short, err := openpgp.NewEntity("tokenward bot", "", "bot@example.org", &lifetime)
	if err != nil {
		t.Fatal(err)
	}
	revoked := newEntity(t, "ed25519")
	if err := revoked.RevokeKey(packet.KeyRetired, "", revoked.config); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  entity
		when time.Time
	}{
		"newer":   {expired, time.Date(2024, 12, 31, 0, 0, 0, 0, time.UTC)},
		"expired": {entity{short, &lifetime}, spec(nil).Committer.When},
		"revoked": {revoked, spec(nil).Committer.When},
	} {
		signed := spec(map[string]string{"a": "1"})
		signed.Signer, signed.Committer.When = signerOf(t, c.key.private(t), ""), c.when
		if hash, err := s.Commit(testContext(t), base, signed); err == nil || !strings.Contains(err.Error(), "is not valid at the commit's time, 202") {
			t.Errorf("%s: %q, %v", name, hash, err)
		}
	}
	if _, err := signerOf(t, expired.private(t), "").Sign(strings.NewReader("not a commit")); err == nil {
		t.Error("signed what has no time")
	}
}
