package git

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// openPGPSigner makes detached, armored OpenPGP signatures.
type openPGPSigner struct {
	entity *openpgp.Entity
	keys   []*packet.PrivateKey // that may sign, the preferred one first
}

// newOpenPGPSigner takes the first key in an armored block that may sign. The
// primary key's secret may be missing, as in an export of subkeys.
func newOpenPGPSigner(key []byte, passphrase func() ([]byte, error)) (*openPGPSigner, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	if err != nil {
		return nil, errDamagedKey
	}
	for _, entity := range ring {
		keys := signingKeys(entity)
		if len(keys) == 0 {
			continue
		}
		return &openPGPSigner{entity: entity, keys: keys}, unlock(keys, passphrase)
	}
	return nil, errors.New("the OpenPGP key holds no secret that may sign")
}

// signingKeys returns the keys of entity that are marked for signing and whose
// secret is there: as gpg does, the newest subkey before the older ones and
// these before the primary key.
func signingKeys(entity *openpgp.Entity) []*packet.PrivateKey {
	subkeys := slices.Clone(entity.Subkeys)
	slices.SortStableFunc(subkeys, func(a, b openpgp.Subkey) int { return b.Sig.CreationTime.Compare(a.Sig.CreationTime) })
	var keys []*packet.PrivateKey
	add := func(key *packet.PrivateKey, sig *packet.Signature) {
		if key != nil && !key.Dummy() && key.PubKeyAlgo.CanSign() && sig != nil && sig.FlagsValid && sig.FlagSign {
			keys = append(keys, key)
		}
	}
	for _, subkey := range subkeys {
		add(subkey.PrivateKey, subkey.Sig)
	}
	self, _ := entity.PrimarySelfSignature()
	add(entity.PrivateKey, self)
	return keys
}

// unlock decrypts those of keys that are encrypted.
func unlock(keys []*packet.PrivateKey, passphrase func() ([]byte, error)) error {
	if !slices.ContainsFunc(keys, func(key *packet.PrivateKey) bool { return key.Encrypted }) {
		return nil
	}
	secret, err := ask(passphrase)
	if err != nil {
		return err
	}
	if err := packet.DecryptPrivateKeys(keys, secret); err != nil {
		return errWrongPassphrase
	}
	return nil
}

// Sign implements Signer. message must be a commit: its committer's time is
// the signature's, and the key must be valid then.
func (s *openPGPSigner) Sign(message io.Reader) ([]byte, error) {
	data, err := io.ReadAll(message)
	if err != nil {
		return nil, err
	}
	when, err := committed(data)
	if err != nil {
		return nil, err
	}
	randomized := false
	config := &packet.Config{
		DefaultHash: crypto.SHA512, Time: func() time.Time { return when },
		NonDeterministicSignaturesViaNotation: &randomized,
	}
	for _, key := range s.keys {
		if _, valid := s.entity.SigningKeyById(when, key.KeyId); !valid {
			continue
		}
		config.SigningKeyId = key.KeyId
		var out bytes.Buffer
		err := openpgp.ArmoredDetachSign(&out, s.entity, bytes.NewReader(data), config)
		return out.Bytes(), err
	}
	return nil, fmt.Errorf("%s is not valid at the commit's time, %s: it is newer, has expired or was revoked", s, when.UTC().Format(time.RFC3339))
}

// String returns the kind of key and the primary key's fingerprint, as gpg
// writes it.
func (s *openPGPSigner) String() string {
	return fmt.Sprintf("OpenPGP key %X", s.entity.PrimaryKey.Fingerprint)
}

// committed returns when the commit in data was committed.
func committed(data []byte) (time.Time, error) {
	obj := &plumbing.MemoryObject{}
	obj.SetType(plumbing.CommitObject)
	if _, err := obj.Write(data); err != nil {
		return time.Time{}, err
	}
	commit := &gitobject.Commit{}
	if err := commit.Decode(obj); err != nil {
		return time.Time{}, fmt.Errorf("read the commit: %w", err)
	}
	if commit.Committer.When.Unix() <= 0 {
		return time.Time{}, errors.New("what is to be signed is not a commit")
	}
	return commit.Committer.When, nil
}
