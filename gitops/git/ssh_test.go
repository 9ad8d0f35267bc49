package git

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// sshServer runs git for whoever holds the right key.
type sshServer struct {
	addr    string
	config  *ssh.ServerConfig
	user    ssh.Signer
	keyFile string // of the user
	known   string // known hosts file
}

func newSigner(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return signer, key
}

func writeKey(t *testing.T, key ed25519.PrivateKey) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "test")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func serveSSH(t *testing.T) *sshServer {
	t.Helper()
	host, _ := newSigner(t)
	user, key := newSigner(t)
	s := &sshServer{user: user, keyFile: writeKey(t, key)}
	s.config = &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() == "git" && bytes.Equal(k.Marshal(), user.PublicKey().Marshal()) {
			return nil, nil
		}
		return nil, errors.New("unknown key")
	}}
	s.config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.addr = l.Addr().String()
	s.known = filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{s.addr}, host.PublicKey()) + "\n"
	if err := os.WriteFile(s.known, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *sshServer) serve(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, s.config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		for req := range requests {
			if req.Type != "exec" {
				_ = req.Reply(false, nil)
				continue
			}
			_ = req.Reply(true, nil)
			go s.exec(channel, string(req.Payload[4:]))
		}
	}
}

// exec runs the command as git's shell would: the two services alone.
func (s *sshServer) exec(channel ssh.Channel, command string) {
	service, path, _ := strings.Cut(command, " ")
	cmd := exec.Command("git", strings.TrimPrefix(service, "git-"), strings.Trim(path, "'"))
	cmd.Env = gitEnv(os.TempDir())
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	status := make([]byte, 4)
	in, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(in, channel)
		_ = in.Close()
	}()
	if err := cmd.Run(); err != nil {
		binary.BigEndian.PutUint32(status, 1)
	}
	_, _ = channel.SendRequest("exit-status", false, status)
	_ = channel.Close()
}

func TestSSH(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serveSSH(t)
	s := newStore(t, Config{SSHKeyFile: server.keyFile, KnownHostsFiles: []string{server.known}})
	url := "ssh://git@" + server.addr + r.path
	base := fetch(t, s, url, Ref{Tag: "1.2.0"})
	if data, err := fs.ReadFile(base.FS(), "chart/values.yaml"); err != nil || string(data) != "a: 2\n" {
		t.Errorf("%q, %v", data, err)
	}
	if refs, err := s.RemoteRefs(testContext(t), url); err != nil || refs["refs/heads/main"] != base.Commit {
		t.Errorf("%v, %v", refs, err)
	}
	hash := commit(t, s, base, map[string]string{"a": "1"})
	if err := s.Push(testContext(t), base, hash, "tokenward/x", ""); err != nil {
		t.Fatal(err)
	}
	if got := r.rev(t, "tokenward/x"); got != hash {
		t.Errorf("branch at %s", got)
	}
	r.hook(t, "pre-receive", "echo 'GitLab: no' >&2; exit 1")
	other := commit(t, s, base, map[string]string{"a": "2"})
	if err := s.Push(testContext(t), base, other, "tokenward/x", hash); !errors.Is(err, ErrRejected) || !strings.Contains(err.Error(), "GitLab: no") {
		t.Errorf("%v", err)
	}
	if _, err := s.Fetch(testContext(t), url+".none", Ref{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing repository: %v", err)
	}
	if _, err := s.Fetch(testContext(t), url, Ref{Tag: "none"}); !errors.Is(err, ErrRefNotFound) {
		t.Errorf("missing tag: %v", err)
	}
}

func TestSSHRefusals(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serveSSH(t)
	url := "ssh://git@" + server.addr + r.path
	_, key := newSigner(t)
	empty := filepath.Join(t.TempDir(), "known_hosts")
	otherHost, _ := newSigner(t)
	changed := filepath.Join(t.TempDir(), "known_hosts")
	for path, text := range map[string]string{empty: "", changed: knownhosts.Line([]string{server.addr}, otherHost.PublicKey()) + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		config Config
		want   error
	}{
		"wrong key":         {Config{SSHKeyFile: writeKey(t, key), KnownHostsFiles: []string{server.known}}, ErrAuth},
		"no key":            {Config{KnownHostsFiles: []string{server.known}}, ErrAuth},
		"key file missing":  {Config{SSHKeyFile: empty + ".none", KnownHostsFiles: []string{server.known}}, ErrAuth},
		"unknown host":      {Config{SSHKeyFile: server.keyFile, KnownHostsFiles: []string{empty}}, ErrHostKey},
		"changed host":      {Config{SSHKeyFile: server.keyFile, KnownHostsFiles: []string{changed}}, ErrHostKey},
		"known host absent": {Config{SSHKeyFile: server.keyFile, KnownHostsFiles: []string{empty + ".none"}}, ErrHostKey},
	} {
		if _, err := newStore(t, c.config).Fetch(testContext(t), url, Ref{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEncryptedSSHKey(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serveSSH(t)
	url := "ssh://git@" + server.addr + r.path
	text, err := os.ReadFile(server.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParseRawPrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	encrypted := openSSHForm(t, key.(crypto.Signer), "opens it")
	write(encrypted)
	asked, passphrase := 0, "hunter2"
	config := Config{SSHKeyFile: path, KnownHostsFiles: []string{server.known}, SSHKeyPassphrase: func() ([]byte, error) {
		asked++
		return []byte(passphrase), nil
	}}
	s := newStore(t, config)
	_, err = s.Fetch(testContext(t), url, Ref{})
	if !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), "read ssh key "+path+": the passphrase is wrong") || strings.Contains(err.Error(), passphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	passphrase = "opens it"
	for range 3 {
		fetch(t, s, url, Ref{})
	}
	if asked != 2 {
		t.Errorf("asked %d times for the passphrase of the same file", asked)
	}
	write(openSSHForm(t, key.(crypto.Signer), "opens it")) // with another salt
	fetch(t, s, url, Ref{})
	if asked != 3 {
		t.Errorf("asked %d times after the file has changed", asked)
	}
	config.SSHKeyPassphrase = nil
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"no passphrase": {encrypted, "the key is encrypted, and no passphrase is given"},
		"public key":    {ssh.MarshalAuthorizedKey(server.user.PublicKey()), "this is a public key, and the private key is needed"},
		"OpenPGP key":   {newEntity(t, "ed25519").private(t), "this is an OpenPGP key, and an SSH key is needed"},
	} {
		write(c.text)
		_, err := newStore(t, config).Fetch(testContext(t), url, Ref{})
		if !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), "read ssh key "+path+": "+c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"a b", "it's", "$(id)", "a!b", "`x`"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(path)).Output()
		if want := path; err != nil || string(out) != want {
			t.Errorf("%q became %q, %v", path, out, err)
		}
	}
	if got := fmt.Sprint(quote("x")); got != "'x'" {
		t.Error(got)
	}
}

// A server turns away who begins too many connections at once, which many questions at once are over ssh.
func TestFewSSHConnectionsAreBegunAtOnce(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var now, most atomic.Int32
	begun, answer := make(chan bool, 4*maxHandshakes), make(chan bool)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			most.Store(max(most.Load(), now.Add(1)))
			begun <- true
			go func() {
				<-answer
				now.Add(-1)
				_ = conn.Close()
			}()
		}
	}()
	defer func() { _ = l.Close() }()
	server := serveSSH(t)
	s := newStore(t, Config{SSHKeyFile: server.keyFile, KnownHostsFiles: []string{server.known}})
	var all sync.WaitGroup
	for range 4 * maxHandshakes {
		all.Go(func() {
			if _, err := s.RemoteRefs(testContext(t), "ssh://git@"+l.Addr().String()+"/r.git"); err == nil {
				t.Error("a server that says nothing has answered")
			}
		})
	}
	for range maxHandshakes {
		<-begun
	}
	close(answer)
	all.Wait()
	if most.Load() != maxHandshakes {
		t.Errorf("%d connections were begun at once, want %d", most.Load(), maxHandshakes)
	}
}
