package git

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// openSSH connects, checks the host key, authenticates and starts service on
// the other side. Everything ends when ctx does.
func (s *Store) openSSH(ctx context.Context, ep *transport.Endpoint, service string) (*pipe, error) {
	port := ep.Port
	if port == 0 {
		port = 22
	}
	addr := net.JoinHostPort(strings.Trim(ep.Host, "[]"), strconv.Itoa(port))
	client, stop, err := s.connectSSH(ctx, ep.User, addr)
	if err != nil {
		return nil, err
	}
	p, err := startRemote(client, service, ep.Path)
	if err != nil {
		stop()
		_ = client.Close()
		return nil, err
	}
	wait := p.wait
	p.wait = func() error {
		defer stop()
		return wait()
	}
	return p, nil
}

// maxHandshakes is how many connections to one server may be under way at once until they are authenticated: OpenSSH turns
// some away when there are ten (its MaxStartups).
const maxHandshakes = 8

// connectSSH connects and authenticates, when it is its turn. The connection ends with ctx, until stop is called.
func (s *Store) connectSSH(ctx context.Context, user, addr string) (client *ssh.Client, stop func() bool, err error) {
	room, _ := s.handshakes.LoadOrStore(addr, make(chan struct{}, maxHandshakes))
	turns := room.(chan struct{})
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	config, closeAgent, err := s.sshConfig(ctx, user, addr)
	if err != nil {
		return nil, nil, err
	}
	defer closeAgent()
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	// Closing the connection is what ends a handshake, a read or a write that
	// is under way; its own error adds nothing then.
	stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	if client, err = handshake(conn, addr, config); err != nil {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, err
	}
	return client, stop, nil
}

func handshake(conn net.Conn, addr string, config *ssh.ClientConfig) (*ssh.Client, error) {
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// startRemote runs service for path in a session of its own.
func startRemote(client *ssh.Client, service, path string) (*pipe, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	p := &pipe{stderr: &tail{}, receive: service == transport.ReceivePackServiceName}
	session.Stderr = p.stderr
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.Start(service + " " + quote(path)); err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReaderSize(out, 64<<10)
	p.stop, p.wait = client.Close, session.Wait
	return p, nil
}

// quote makes one word of path for the other side's shell.
func quote(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// sshConfig builds the client's configuration from the key file or the agent
// and the known host keys. The returned function lets go of the agent.
func (s *Store) sshConfig(ctx context.Context, user, addr string) (*ssh.ClientConfig, func(), error) {
	if user == "" {
		user = "git"
	}
	files := s.config.KnownHostsFiles
	if len(files) == 0 {
		files = defaultKnownHosts()
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: read known hosts: %w", ErrHostKey, err)
	}
	config := &ssh.ClientConfig{
		User:              user,
		HostKeyCallback:   db.HostKeyCallback(),
		HostKeyAlgorithms: db.HostKeyAlgorithms(addr),
		Timeout:           dialTimeout,
	}
	closeAgent := func() {}
	switch {
	case s.config.SSHKeyFile != "":
		pem, err := os.ReadFile(s.config.SSHKeyFile)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: read ssh key: %w", ErrAuth, err)
		}
		signer, err := s.sshKey.open(pem, s.config.SSHKeyPassphrase)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: read ssh key %s: %w", ErrAuth, s.config.SSHKeyFile, err)
		}
		config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signer)}
	case s.config.SSHAgentSocket != "":
		conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", s.config.SSHAgentSocket)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: reach the ssh agent: %w", ErrAuth, err)
		}
		closeAgent = func() { _ = conn.Close() }
		config.Auth = []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)}
	}
	return config, closeAgent, nil
}

// sshKey remembers the private key that was opened last: to decrypt one takes
// long by design, and a run makes many connections.
type sshKey struct {
	mu     sync.Mutex
	sum    [sha256.Size]byte // of the text that signer was read from
	signer ssh.Signer
}

// open returns the key in text, asking for the passphrase only if text is not
// what it was.
func (k *sshKey) open(text []byte, passphrase func() ([]byte, error)) (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := sha256.Sum256(text)
	if k.signer != nil && k.sum == sum {
		return k.signer, nil
	}
	signer, err := parseSSHKey(text, passphrase)
	if err != nil {
		return nil, err
	}
	k.sum, k.signer = sum, signer
	return signer, nil
}

// defaultKnownHosts returns those of ssh's usual files that exist.
func defaultKnownHosts() []string {
	candidates := []string{"/etc/ssh/ssh_known_hosts"}
	if home, err := os.UserHomeDir(); err == nil {
		candidates = append([]string{filepath.Join(home, ".ssh", "known_hosts")}, candidates...)
	}
	var files []string
	for _, f := range candidates {
		if _, err := os.Stat(f); err == nil {
			files = append(files, f)
		}
	}
	return files
}
