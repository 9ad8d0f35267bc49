package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/xanzy/go-gitlab"
)

// opWhoAmI is the first thing that is asked of a server.
const opWhoAmI = "read the token's user"

// What GitLab's answers mean, for errors.Is.
var (
	// ErrNotFound: it does not exist, or the token's user may not see it.
	ErrNotFound = errors.New("not found")
	// ErrConflict: it exists already, or was changed meanwhile.
	ErrConflict = errors.New("conflict")
	// ErrForbidden: it is visible, but the right is missing.
	ErrForbidden = errors.New("forbidden")
	// ErrUnauthorized: the token is missing, wrong, expired or revoked.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrRateLimited: GitLab asks to come back later; see Error.RetryAfter.
	ErrRateLimited = errors.New("rate limited")
	// ErrMoved: the project has another path now and wants to be asked there.
	ErrMoved = errors.New("project moved")
	// ErrNoToken: there is no token for the call, which was not sent.
	ErrNoToken = errors.New("read token")
	// ErrReadOnly: a dry run does not send this.
	ErrReadOnly = errors.New("dry run")
	// ErrUnavailable: no answer, a cut one, or one that says the server is in
	// trouble. Whether the request had an effect is not known.
	ErrUnavailable = errors.New("unavailable")
)

// Error is what every operation of a Client fails with.
type Error struct {
	Op      string // what was tried, such as "open merge request"
	Project string // the project's path or number, with !1 for a merge request, "" for none
	Status  int    // HTTP status, 0 without an answer
	Message string // GitLab's words, or ours if it has none
	// RetryAfter is how long GitLab asks to wait, 0 if it does not.
	RetryAfter time.Duration
	err        error
}

// Error returns one sentence.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	switch {
	case e.Project == "":
	case e.Op == opList || e.Op == opCreate:
		b.WriteString(" in " + e.Project)
	default:
		b.WriteString(" " + e.Project)
	}
	b.WriteString(": ")
	status, message := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), e.Message
	if message == status {
		message = "" // GitLab often has no words but these
	}
	if e.Status != 0 {
		b.WriteString("GitLab answers " + status)
		if message != "" {
			b.WriteString(": ")
		}
	}
	b.WriteString(message)
	if hint := e.hint(); hint != "" {
		b.WriteString(" (" + hint + ")")
	}
	return b.String()
}

// hint says which right is missing or what else to do.
func (e *Error) hint() string {
	switch {
	case e.Is(ErrMoved):
		return "use the project's present path"
	case e.Is(ErrUnauthorized):
		return "the token is missing, wrong, expired or revoked"
	case e.Is(ErrForbidden) && e.Op == opCreate, e.Is(ErrForbidden) && e.Op == opUpdate:
		return "the token needs the scope api and its user at least the role Developer in this project"
	case e.Is(ErrForbidden) && slices.Contains([]string{opNote, opCreateIssue, opUpdateIssue}, e.Op):
		return "the token needs the scope api and its user at least the role Reporter in this project"
	case e.Is(ErrForbidden) && slices.Contains([]string{opListHooks, opCreateHook, opUpdateHook, opDeliveries}, e.Op):
		return "webhooks need a token with the scope api whose user has the role Maintainer in the project, or Owner in the group"
	case e.Is(ErrForbidden):
		return "the token needs the scope api or read_api, and its user access to this project"
	case e.Is(ErrNotFound) && e.Project != "":
		return "it does not exist, or the token's user may not see it"
	case e.Is(ErrNotFound) && e.Op == opWhoAmI:
		return "is gitlab.url the server's base URL, without a project's path?"
	case e.Is(ErrRateLimited) && e.RetryAfter > 0:
		return "to be tried again in " + e.RetryAfter.Round(time.Second).String()
	}
	return ""
}

// Is maps the status to the sentinels.
func (e *Error) Is(target error) bool {
	moved := e.Status/100 == 3 || e.Status == http.StatusMethodNotAllowed && strings.Contains(e.Message, "moved")
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrConflict:
		return e.Status == http.StatusConflict
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrRateLimited:
		return e.Status == http.StatusTooManyRequests
	case ErrMoved:
		return moved
	case ErrUnavailable:
		return e.unknown()
	}
	return false
}

// Unwrap returns what happened below HTTP, nil if GitLab answered.
func (e *Error) Unwrap() error { return e.err }

// unknown reports whether the request may or may not have had an effect: there
// was no whole answer, or one that does not tell.
func (e *Error) unknown() bool {
	switch {
	case errors.Is(e.err, ErrReadOnly), errors.Is(e.err, errForeignHost), errors.Is(e.err, errNotSent):
		return false
	case e.Status == 0, e.Status/100 == 2, e.Status/100 == 5, e.Status == http.StatusRequestTimeout:
		return true
	}
	return false
}

// errNotSent marks requests that failed before they could be sent.
var errNotSent = errors.New("not sent")

// fail turns what go-gitlab returns into an *Error.
func (c *Client) fail(op, project string, resp *gitlab.Response, err error) *Error {
	e := &Error{Op: op, Project: project}
	if resp != nil && resp.Response != nil {
		e.Status = resp.StatusCode
		e.RetryAfter = c.retryAfter(resp.Header)
	}
	var answer *gitlab.ErrorResponse
	switch {
	case errors.As(err, &answer):
		e.Message = serverMessage(answer.Body)
	case errors.Is(err, gitlab.ErrNotFound):
	case e.Status != 0:
		e.Message, e.err = "but not in a form that can be read: "+err.Error(), err
	default:
		e.Message, e.err = cause(err).Error(), err
	}
	e.Message = short(c.transport.scrub(e.Message)) // in this order: a part of a token is not known again
	return e
}

// cause leaves out the URL and the method that net/http adds; the operation
// and the project say more.
func cause(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// serverMessage reads GitLab's error bodies: a message or error that is a
// string, a list, or a map of fields to lists; or plain text.
func serverMessage(body []byte) string {
	var answer map[string]any
	text := ""
	if err := json.Unmarshal(body, &answer); err != nil {
		if text = strings.TrimSpace(string(body)); strings.HasPrefix(text, "<") {
			text = "a web page, perhaps of a proxy"
		}
	} else {
		for _, key := range []string{"message", "error_description", "error"} {
			if text = flatten(answer[key]); text != "" {
				break
			}
		}
	}
	return text
}

// short makes one line of what a server says, fit for any terminal and not too long to be read.
// It looks at the first half of the longest: at the end of what was read a token may be cut.
func short(text string) string {
	text = text[:min(len(text), maxRefusal/2)]
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }), " ")
	if len(text) > 500 {
		text = strings.ToValidUTF8(text[:500], "") + " [...]"
	}
	return text
}

func flatten(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, flatten(item))
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		var parts []string
		for key, item := range v {
			parts = append(parts, key+" "+flatten(item))
		}
		slices.Sort(parts)
		return strings.Join(parts, "; ")
	}
	return ""
}
