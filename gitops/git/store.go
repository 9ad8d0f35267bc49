// Package git is the one place that knows go-git. It reads repositories over
// https, http, ssh and file, shallow and into memory, and hands them out as
// fs.FS; it builds commits beside what was read, signs them with an OpenPGP or
// ssh key, and pushes them with a lease.
//
// It refuses to push to a repository's default branch or to the branch that a
// snapshot came from, to follow symbolic links and redirects to other hosts,
// to ask hosts that its configuration does not name, to use credentials that
// stand in a URL, and to read more than its limits allow.
package git

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	defaultMaxBytes    = 256 << 20
	defaultMaxUnpacked = 256 << 20
	defaultMaxTime     = 5 * time.Minute
)

// Config says how a Store reaches remotes. The zero value reaches public ones.
type Config struct {
	// InsteadOf rewrites URLs before they are used, as git's
	// url.<To>.insteadOf does; the longest matching From wins.
	InsteadOf []Rewrite
	// Places are where repositories may be, after rewriting: hosts (a name or an
	// address, with :PORT where it is not the scheme's own), and folders of this
	// machine as file:///path. Nil means anywhere.
	Places []string
	// Credentials answers for the URL that will really be asked (rewritten,
	// without user information); nil, nil means none. It is called for every
	// connection over http and https, so that a rotated token is picked up.
	Credentials func(url string) (*Credential, error)

	// SSHKeyFile holds the private key for ssh, read at every connection.
	// Without it the agent at SSHAgentSocket is asked.
	SSHKeyFile     string
	SSHAgentSocket string
	// SSHKeyPassphrase answers if that key is encrypted, and again when the
	// file holds another one; nil means that there is no passphrase.
	SSHKeyPassphrase func() ([]byte, error)
	// KnownHostsFiles hold the host keys to trust; empty means the user's and
	// the system's files. An unknown host key is always an error.
	KnownHostsFiles []string

	// CAFile and CA add certificate authorities in PEM form to the system's.
	CAFile string
	CA     []byte

	// Keeper keeps the objects of commits that were fetched; nil keeps nothing.
	Keeper Keeper

	// ResponseTimeout bounds how long a server may take to begin an answer over https
	// and http, 2 min if zero.
	ResponseTimeout time.Duration

	// MaxBytes bounds what one operation may receive, 256 MiB if zero.
	// MaxUnpacked bounds the size of the objects in it, and of the files that they
	// stand for, 256 MiB if zero; MaxTime how long it takes, 5 minutes if zero.
	MaxBytes    int64
	MaxUnpacked int64
	MaxTime     time.Duration
}

// Store fetches from and pushes to remote repositories. It keeps nothing
// between calls but connections, the ssh key, decrypted, and what a Keeper has. It may
// be used concurrently.
type Store struct {
	config   Config
	rewrites []Rewrite
	places   []place
	http     *http.Client
	sshKey   sshKey
	// handshakes has room for those with each ssh server, a chan struct{} by its address.
	handshakes sync.Map
}

// New checks config and returns a Store. It contacts nobody. It fails when a
// rewrite has no From or when a certificate authority cannot be read.
func New(config Config) (*Store, error) {
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultMaxBytes
	}
	if config.MaxUnpacked == 0 {
		config.MaxUnpacked = defaultMaxUnpacked
	}
	if config.MaxTime == 0 {
		config.MaxTime = defaultMaxTime
	}
	if config.ResponseTimeout == 0 {
		config.ResponseTimeout = defaultResponseTimeout
	}
	for _, r := range config.InsteadOf {
		if r.From == "" {
			return nil, fmt.Errorf("rewrite to %s: the URL prefix to replace is empty", redactURL(r.To))
		}
	}
	var places []place
	if config.Places != nil {
		var err error
		if places, err = parsePlaces(config.Places); err != nil {
			return nil, fmt.Errorf("read the places of repositories: %w", err)
		}
	}
	ca := config.CA
	if config.CAFile != "" {
		pem, err := os.ReadFile(config.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities: %w", err)
		}
		ca = append(append([]byte{}, ca...), pem...)
	}
	client, err := newHTTPClient(ca, config.ResponseTimeout)
	if err != nil {
		return nil, err
	}
	return &Store{config: config, rewrites: sortRewrites(config.InsteadOf), places: places, http: client}, nil
}
