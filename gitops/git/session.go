package git

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// fetchSession and pushSession are go-git's sessions, cut down to what is
// used here; a pipe to git on this or another host serves as either.
type fetchSession interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

type pushSession interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	ReceivePack(context.Context, *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	Close() error
}

// remote is one repository as an operation sees it.
type remote struct {
	effective  string
	endpoint   *transport.Endpoint
	credential *Credential
}

// remote parses the effective form of url and asks for its credential.
func (s *Store) remote(url string) (*remote, error) {
	effective := s.Effective(url)
	ep, err := endpoint(effective)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ep); err != nil {
		return nil, err
	}
	r := &remote{effective: effective, endpoint: ep}
	if isHTTP(ep) && s.config.Credentials != nil {
		if r.credential, err = s.config.Credentials(effective); err != nil {
			return nil, fmt.Errorf("%w: read credential: %w", ErrAuth, err)
		}
	}
	return r, nil
}

func isHTTP(ep *transport.Endpoint) bool { return ep.Protocol == "http" || ep.Protocol == "https" }

// auth returns the credential as go-git's HTTP client takes it. GitLab accepts
// any user name beside a token, but not an empty one.
func (r *remote) auth() transport.AuthMethod {
	if r.credential == nil {
		return nil
	}
	user := r.credential.Username
	if user == "" {
		user = "oauth2"
	}
	return &githttp.BasicAuth{Username: user, Password: r.credential.Password}
}

func (s *Store) openFetch(ctx context.Context, r *remote) (fetchSession, error) {
	if isHTTP(r.endpoint) {
		return githttp.NewClient(s.http).NewUploadPackSession(r.endpoint, r.auth())
	}
	return s.openPipe(ctx, r, transport.UploadPackServiceName)
}

func (s *Store) openPush(ctx context.Context, r *remote) (pushSession, error) {
	if isHTTP(r.endpoint) {
		return githttp.NewClient(s.http).NewReceivePackSession(r.endpoint, r.auth())
	}
	return s.openPipe(ctx, r, transport.ReceivePackServiceName)
}

func (s *Store) openPipe(ctx context.Context, r *remote, service string) (*pipe, error) {
	if r.endpoint.Protocol == "file" {
		return openLocal(ctx, r.endpoint.Path, service)
	}
	return s.openSSH(ctx, r.endpoint, service)
}
