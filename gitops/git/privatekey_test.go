package git

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshKeygen makes a key file as people do.
func sshKeygen(t *testing.T, args ...string) []byte {
	t.Helper()
	need(t, "ssh-keygen")
	path := filepath.Join(t.TempDir(), "key")
	cmd := exec.CommandContext(testContext(t), "ssh-keygen", append([]string{"-q", "-a", "1", "-C", "test", "-f", path}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyFilesOfSSHKeygen(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"-t ed25519", "-t rsa -b 2048", "-t rsa -b 2048 -m PEM", "-t rsa -b 2048 -m PKCS8", "-t ecdsa", "-t ecdsa -b 521 -m PEM", "-t ecdsa -m PKCS8"} {
		for _, passphrase := range []string{"", "opens it"} {
			if strings.HasSuffix(kind, "PKCS8") && passphrase != "" {
				continue // see TestNewSignerRefuses
			}
			t.Run(kind+" "+passphrase, func(t *testing.T) {
				t.Parallel()
				key := sshKeygen(t, append(strings.Fields(kind), "-N", passphrase)...)
				before := bytes.Clone(key)
				for name, form := range map[string][]byte{
					"as it is":            key,
					"without a final end": bytes.TrimSpace(key),
					"with CRLF":           bytes.ReplaceAll(key, []byte("\n"), []byte("\r\n")),
					"after other text":    append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), key...),
				} {
					signature, err := signerOf(t, form, passphrase).Sign(strings.NewReader("x"))
					if err != nil || !bytes.HasPrefix(signature, []byte("-----BEGIN SSH SIGNATURE-----\n")) {
						t.Errorf("%s: %v, %s", name, err, signature)
					}
				}
				if !bytes.Equal(key, before) {
					t.Error("the caller's key was changed")
				}
				if passphrase == "" {
					return
				}
				// PEM's encryption lets some wrong passphrases pass.
				tries := 3
				if strings.HasSuffix(kind, "PEM") {
					tries = 2000
				}
				for i := range tries {
					_, err := NewSigner(key, func() ([]byte, error) { return fmt.Appendf(nil, "guess %d", i), nil })
					if !errors.Is(err, errWrongPassphrase) {
						t.Fatalf("guess %d: %v", i, err)
					}
				}
			})
		}
	}
}

func TestNewSignerRefuses(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	pgp, certifier := newEntity(t, "ed25519"), newEntity(t, "ed25519")
	for _, identity := range certifier.Identities {
		identity.SelfSignature.FlagSign = false
		if err := identity.SelfSignature.SignUserId(identity.Name, certifier.PrimaryKey, certifier.PrivateKey, certifier.config); err != nil {
			t.Fatal(err)
		}
	}
	private, encrypted := openSSHForm(t, key, ""), openSSHForm(t, key, "opens it")
	pgpPublic, pgpPrivate := pgp.public(t), pgp.private(t)
	pgpEncrypted := pgp.encrypted(t, "opens it")
	given := func(passphrase string) func() ([]byte, error) {
		return func() ([]byte, error) { return []byte(passphrase), nil }
	}
	unreadable := func() ([]byte, error) { return nil, errors.New("open passphrase: no such file") }
	block := func(kind string, data []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
	}
	const (
		needed  = "read signing key: this is a public key, and the private key is needed"
		neither = "read signing key: this is neither an SSH private key nor an armored OpenPGP private key"
		damaged = "read signing key: the key is damaged, or of a kind or cipher that is not supported"
		missing = "read signing key: the key is encrypted, and no passphrase is given"
		wrong   = "read signing key: the passphrase is wrong"
		ends    = "read signing key: the key stands on one line, and its line ends are needed"
	)
	for name, c := range map[string]struct {
		key        []byte
		passphrase func() ([]byte, error)
		want       string
	}{
		"nothing":                  {nil, nil, "read signing key: the key is empty"},
		"blanks":                   {[]byte("\n \r\n"), nil, "read signing key: the key is empty"},
		"prose":                    {[]byte("hunter2hunter2"), nil, neither},
		"binary":                   {private[40:90], nil, neither},
		"a certificate":            {block("CERTIFICATE", pkix), nil, neither},
		"SSH public":               {ssh.MarshalAuthorizedKey(public), nil, needed},
		"SSH2 public":              {[]byte("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n"), nil, needed},
		"PEM public":               {block("PUBLIC KEY", pkix), nil, needed},
		"OpenPGP public":           {pgpPublic, nil, needed},
		"OpenPGP public as other":  {bytes.ReplaceAll(pgpPublic, []byte("PUBLIC"), []byte("PRIVATE")), nil, "read signing key: the OpenPGP key holds no secret that may sign"},
		"OpenPGP for certifying":   {certifier.private(t), nil, "read signing key: the OpenPGP key holds no secret that may sign"},
		"SSH on one line":          {bytes.ReplaceAll(private, []byte("\n"), []byte(" ")), nil, ends},
		"SSH with escaped ends":    {bytes.ReplaceAll(private, []byte("\n"), []byte(`\n`)), nil, ends},
		"OpenPGP on one line":      {bytes.ReplaceAll(pgpPrivate, []byte("\n"), []byte(" ")), nil, ends},
		"half of an SSH key":       {private[:len(private)/2], nil, damaged},
		"half of an OpenPGP key":   {pgpPrivate[:len(pgpPrivate)/2], nil, damaged},
		"no OpenPGP at all":        {block("PGP PRIVATE KEY BLOCK", []byte("hunter2")), nil, damaged},
		"another's encryption":     {block("ENCRYPTED PRIVATE KEY", pkix), given("opens it"), "read signing key: the key is encrypted in PKCS #8 form, which is not supported; ssh-keygen -p writes it anew in OpenSSH's form"},
		"SSH, no passphrase":       {encrypted, nil, missing},
		"SSH, empty passphrase":    {encrypted, given(""), missing},
		"SSH, wrong passphrase":    {encrypted, given("hunter2"), wrong},
		"SSH, no file":             {encrypted, unreadable, "read signing key: read the passphrase: open passphrase: no such file"},
		"OpenPGP, no passphrase":   {pgpEncrypted, nil, missing},
		"OpenPGP, empty":           {pgpEncrypted, given(""), missing},
		"OpenPGP, wrong":           {pgpEncrypted, given("hunter2"), wrong},
		"OpenPGP, no file":         {pgpEncrypted, unreadable, "read signing key: read the passphrase: open passphrase: no such file"},
		"passphrase without a key": {nil, given("hunter2"), "read signing key: the key is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signer, err := NewSigner(c.key, c.passphrase)
			if err == nil || signer != nil || err.Error() != c.want {
				t.Errorf("%v, %v, want %s", signer, err, c.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "hunter2") {
				t.Errorf("the secret is in the error: %s", text)
			}
		})
	}
}

func TestNewSignerRefusesDSA(t *testing.T) {
	t.Parallel()
	need(t, "ssh-keygen")
	path := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(testContext(t), "ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path, "-m", "PEM").CombinedOutput(); err != nil {
		t.Skipf("ssh-keygen makes no dsa keys any more: %s", out)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSigner(key, nil); err == nil || err.Error() != "read signing key: ssh-dss keys cannot sign commits, use ed25519, ecdsa or rsa" {
		t.Error(err)
	}
}

// TestPassphraseIsAskedWhenNeeded asks for none if the key is open, and once
// if it is not.
func TestPassphraseIsAskedWhenNeeded(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pgp := newEntity(t, "ed25519")
	for want, keys := range [][][]byte{
		{openSSHForm(t, key, ""), pgp.private(t)},
		{openSSHForm(t, key, "opens it"), pgp.encrypted(t, "opens it")},
	} {
		for _, key := range keys {
			asked := 0
			if _, err := NewSigner(key, func() ([]byte, error) {
				asked++
				return []byte("opens it"), nil
			}); err != nil || asked != want {
				t.Errorf("asked %d times, want %d, %v", asked, want, err)
			}
		}
	}
}

// FuzzNewSigner changes keys and expects an answer that quotes none of it.
func FuzzNewSigner(f *testing.F) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("OPENSSH PRIVATE KEY", decoded(openSSHForm(f, key, "")))
	f.Add("OPENSSH PRIVATE KEY", decoded(openSSHForm(f, key, "opens it")))
	f.Add("PRIVATE KEY", pkcs8)
	f.Add("ENCRYPTED PRIVATE KEY", pkcs8)
	f.Add("PGP PRIVATE KEY BLOCK", decoded(newEntity(f, "ed25519").private(f)))
	f.Add("PGP PUBLIC KEY BLOCK", decoded(newEntity(f, "ecdsa").public(f)))
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
		signer, err := NewSigner(text, nil)
		if (signer == nil) == (err == nil) {
			t.Fatalf("%v and %v", signer, err)
		}
		if err == nil {
			_, _ = signer.Sign(strings.NewReader("x")) // must not panic
			return
		}
		for _, line := range strings.Split(base64.StdEncoding.EncodeToString(data), "\n") {
			if len(line) > 20 && strings.Contains(err.Error(), line[:20]) {
				t.Errorf("the error quotes the key: %v", err)
			}
		}
		if len(err.Error()) > 200 {
			t.Errorf("the error is long: %v", err)
		}
	})
}

// decoded returns what an armored block holds.
func decoded(text []byte) []byte {
	var data []byte
	for _, line := range strings.Split(string(text), "\n") {
		if part, err := base64.StdEncoding.DecodeString(line); err == nil {
			data = append(data, part...)
		}
	}
	return data
}
