package git

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// fail turns whatever went wrong into an *Error: the reason as one of the
// sentinels where it is known, no credential in it, and a hint where there is
// something to do.
func (s *Store) fail(ctx context.Context, op, url, ref string, r *remote, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Repo: redactURL(url), Ref: ref}
	var credential *Credential
	if r != nil {
		credential = r.credential
		if shown := redactURL(r.effective); shown != e.Repo {
			e.Repo += " (" + shown + ")"
		}
	}
	if b := budgetFrom(ctx); b != nil && b.spent.Load() {
		err = b.err()
	}
	e.Err = scrubbed(classify(ctx, err), credential)
	e.Hint = hint(e.Err, r)
	return e
}

// known reports whether err carries one of the sentinels already.
func known(err error) bool {
	for _, sentinel := range []error{ErrNotFound, ErrRefNotFound, ErrAuth, ErrUnreachable, ErrHostKey,
		ErrRejected, ErrStale, ErrTooLarge, ErrTree, ErrEmpty, ErrURL, ErrPlace, ErrProtected} {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

func classify(ctx context.Context, err error) error {
	var said *processError
	var unexpected *plumbing.UnexpectedError
	var status *githttp.Err
	var request *url.Error
	var garbage *packp.ErrUnexpectedData
	switch {
	case known(err):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, context.Cause(ctx))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return ErrEmpty
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return withServerText(ErrNotFound, err, transport.ErrRepositoryNotFound)
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return withServerText(ErrAuth, err, transport.ErrAuthenticationRequired)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return withServerText(ErrAuth, err, transport.ErrAuthorizationFailed)
	case errors.As(err, &said):
		return classifyText(said.text)
	case errors.As(err, &status):
		return fmt.Errorf("%w: the server answers %d %s", ErrUnreachable, status.StatusCode(), http.StatusText(status.StatusCode()))
	case errors.As(err, &request):
		// The URL is in our own message already.
		return fmt.Errorf("%w: %w", ErrUnreachable, request.Err)
	case errors.As(err, &unexpected) && unexpected.Err != nil:
		return classify(ctx, unexpected.Err)
	case errors.As(err, &garbage), errors.Is(err, pktline.ErrInvalidPktLen), errors.Is(err, packp.ErrEmptyInput):
		return fmt.Errorf("%w: what answers there is no git server", ErrUnreachable)
	case strings.Contains(err.Error(), "upload-pack"):
		return classifyText(sentence(err.Error()))
	}
	return classifySSH(err)
}

// withServerText returns sentinel with what the server added to go-git's own
// words.
func withServerText(sentinel, err, prefix error) error {
	_, text, _ := strings.Cut(err.Error(), prefix.Error())
	text = sentence(strings.TrimPrefix(text, ":"))
	if text == "" || strings.HasPrefix(text, "<") {
		return sentinel
	}
	return fmt.Errorf("%w: %s", sentinel, text)
}

// classifySSH knows what an ssh connection fails with; all else is the
// network's fault.
func classifySSH(err error) error {
	var exit *ssh.ExitError
	switch {
	case knownhosts.IsHostKeyChanged(err), knownhosts.IsHostUnknown(err):
		return fmt.Errorf("%w: %w", ErrHostKey, err)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fmt.Errorf("%w: the server accepts none of our ssh keys", ErrAuth)
	case errors.As(err, &exit):
		return fmt.Errorf("%w: the command on the server failed: %w", ErrUnreachable, exit)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// classifyText knows the words of git, GitLab and GitHub for what a process on
// the other side says before it ends.
func classifyText(text string) error {
	lower := strings.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(lower, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("not our ref", "unadvertised object", "no such ref"):
		return fmt.Errorf("%w: %s", ErrRefNotFound, text)
	case has("does not appear to be a git repository", "repository not found", "project you were looking for could not be found",
		"no such repository", "not a git repository", "does not exist"):
		return fmt.Errorf("%w: %s", ErrNotFound, text)
	case has("dubious ownership"):
		return fmt.Errorf("%w: git does not trust the owner of this repository", ErrAuth)
	case has("permission denied", "access denied", "not allowed", "unauthorized", "authentication"):
		return fmt.Errorf("%w: %s", ErrAuth, text)
	}
	return fmt.Errorf("%w: %s", ErrUnreachable, text)
}

// scrubbedError keeps the chain of err for errors.Is, and shows it without the
// credential.
type scrubbedError struct {
	err        error
	credential *Credential
}

func (e *scrubbedError) Error() string        { return e.credential.scrub(e.err.Error()) }
func (e *scrubbedError) Is(target error) bool { return errors.Is(e.err, target) }

func scrubbed(err error, credential *Credential) error {
	if credential == nil || credential.scrub(err.Error()) == err.Error() {
		return err
	}
	return &scrubbedError{err: err, credential: credential}
}

func hint(err error, r *remote) string {
	overHTTP := r != nil && isHTTP(r.endpoint)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return "if the certificate comes from an authority of your own, configure that authority"
	case errors.Is(err, errForeignRedirect):
		return "use the repository's present URL, or rewrite the old one"
	case errors.Is(err, ErrAuth) && overHTTP && r.credential == nil:
		return "no credential is configured for " + r.endpoint.Host + ": gitlab.url and git.hosts say which hosts are given one"
	case errors.Is(err, ErrAuth) && overHTTP:
		return "check the token for " + r.endpoint.Host + ", its expiry and its rights: read_repository to fetch, write_repository to push"
	case errors.Is(err, ErrNotFound) && overHTTP && r.credential == nil:
		return "a private repository looks the same without a credential"
	case errors.Is(err, ErrHostKey):
		return "add the server's key to the known hosts file"
	case errors.Is(err, ErrPlace):
		return "if it should be read, add it to git.allowed or rewrite the URL with git.insteadOf"
	case errors.Is(err, errFixedLimit):
		return "limits protect the others, and this one is fixed"
	case errors.Is(err, ErrTooLarge):
		return "limits protect the others; if this size is expected, raise git.maxBytes"
	}
	return ""
}
