package sandbox

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Access levels on a project, with GitLab's numbers.
const (
	NoAccess   = 0
	Guest      = 10
	Reporter   = 20
	Developer  = 30
	Maintainer = 40
	Owner      = 50
)

// Token is an access token and the user it belongs to. Two tokens with the same
// Username belong to one user.
type Token struct {
	Value    string // the secret
	Username string
	Name     string // display name; empty means the username
	// Access is the level on every project: Guest 10, Reporter 20, Developer
	// 30, Maintainer 40; NoAccess hides the projects.
	Access int
	// Bot marks the user as one, Blocked as somebody who may do nothing any more.
	// One token of the user that says so is enough.
	Bot, Blocked bool
	// ReadOnly is a token with the scopes read_api and read_repository.
	ReadOnly bool
	// Projects overrides Access for the project paths in it.
	Projects map[string]int
	// Expires is the day on which the token stops to work; zero means never.
	Expires time.Time
}

// DefaultTokens returns one token for each role: sandbox-maintainer,
// sandbox-developer and sandbox-reporter. Their values equal their names, so
// they are for play only.
func DefaultTokens() []Token {
	return []Token{
		{Value: "sandbox-maintainer", Username: "sandbox-maintainer", Name: "Sandbox Maintainer", Access: Maintainer},
		{Value: "sandbox-developer", Username: "sandbox-developer", Name: "Sandbox Developer", Access: Developer},
		{Value: "sandbox-reporter", Username: "sandbox-reporter", Name: "Sandbox Reporter", Access: Reporter},
	}
}

// user is an account; the same user may hold several tokens.
type user struct {
	id       int
	username string
	name     string
	bot      bool
	blocked  bool
	tokens   []Token
}

// level is the user's own on the project at path, by the best token; 0 says no member.
func (u *user) level(path string) int {
	best := NoAccess
	for _, t := range u.tokens {
		best = max(best, t.level(path))
	}
	return best
}

// level is what the token gives on the project at path.
func (t Token) level(path string) int {
	if own, ok := t.Projects[path]; ok {
		return own
	}
	return t.Access
}

func (u *user) email() string { return u.username + "@noreply.sandbox.example" }

// identity is a user seen through one token; nil is somebody without a token.
type identity struct {
	user  *user
	token Token
}

func (i *identity) username() string {
	if i == nil {
		return ""
	}
	return i.user.username
}

func (i *identity) readOnly() bool { return i == nil || i.token.ReadOnly }

// access returns the level on the project at path.
func (i *identity) access(path string, publicRead bool) int {
	level := NoAccess
	if i != nil {
		level = i.token.level(path)
	}
	if publicRead {
		level = max(level, Reporter)
	}
	return level
}

// accounts knows the tokens and their users; it never changes.
type accounts struct {
	now     func() time.Time
	users   []*user
	byToken map[[sha256.Size]byte]*identity // by digest, so that a look-up tells nothing about a secret
}

func newAccounts(tokens []Token, now func() time.Time) (*accounts, error) {
	a := &accounts{now: now, byToken: map[[sha256.Size]byte]*identity{}}
	levels := []int{NoAccess, Guest, Reporter, Developer, Maintainer, Owner}
	for n, t := range tokens {
		if t.Value == "" || t.Username == "" {
			return nil, fmt.Errorf("read tokens[%d]: value and username must not be empty", n)
		}
		if !slices.Contains(levels, t.Access) {
			return nil, fmt.Errorf("read tokens[%d]: access %d is none of %v", n, t.Access, levels)
		}
		key := sha256.Sum256([]byte(t.Value))
		if a.byToken[key] != nil {
			return nil, fmt.Errorf("read tokens[%d]: the value is used twice", n)
		}
		u := a.find(t.Username)
		if u == nil {
			u = &user{id: len(a.users) + 1, username: t.Username, name: t.Name}
			if u.name == "" {
				u.name = t.Username
			}
			a.users = append(a.users, u)
		}
		u.bot, u.blocked, u.tokens = u.bot || t.Bot, u.blocked || t.Blocked, append(u.tokens, t)
		a.byToken[key] = &identity{user: u, token: t}
	}
	return a, nil
}

func (a *accounts) find(username string) *user {
	for _, u := range a.users {
		if u.username == username {
			return u
		}
	}
	return nil
}

func (a *accounts) byEmail(email string) *user {
	for _, u := range a.users {
		if strings.EqualFold(u.email(), email) {
			return u
		}
	}
	return nil
}

func (a *accounts) byID(id int) *user {
	if id < 1 || id > len(a.users) {
		return nil
	}
	return a.users[id-1]
}

// check returns the identity behind a secret, nil if there is none or not any more.
func (a *accounts) check(secret string) *identity {
	i := a.behind(secret)
	if i == nil || i.token.expired(a.now()) {
		return nil
	}
	return i
}

func (a *accounts) behind(secret string) *identity { return a.byToken[sha256.Sum256([]byte(secret))] }

// expired says whether the token's last day is over.
func (t Token) expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// scopes are GitLab's words for what the token may do.
func (t Token) scopes() []string {
	if t.ReadOnly {
		return []string{"read_api", "read_repository"}
	}
	return []string{"api", "write_repository"}
}

// maintainer returns the first user with a maintainer's token; people's deeds
// that name nobody are done by this user.
func (a *accounts) maintainer() *user {
	var best *identity
	for _, i := range a.byToken {
		if i.token.Access >= Maintainer && (best == nil || i.user.id < best.user.id) {
			best = i
		}
	}
	if best == nil {
		return &user{username: "sandbox", name: "Sandbox"}
	}
	return best.user
}

// username names the owner of the token in a request to the API or to git.
func (a *accounts) username(r *http.Request) string {
	if _, password, given := r.BasicAuth(); given {
		return a.check(password).username()
	}
	who, err := a.identify(r)
	if err != nil {
		return "" // the answer says so
	}
	return who.username()
}

// identify returns who calls the API: the owner of the token in PRIVATE-TOKEN
// or Authorization, nil without a token, and a 401 for an unknown one.
func (a *accounts) identify(r *http.Request) (*identity, error) {
	secret := r.Header.Get("PRIVATE-TOKEN")
	if secret == "" {
		scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if ok && strings.EqualFold(scheme, "Bearer") {
			secret = strings.TrimSpace(value)
		} else if ok {
			return nil, errUnauthorized
		}
	}
	if secret == "" {
		return nil, nil
	}
	who := a.behind(secret)
	switch {
	case who == nil:
		return nil, errUnauthorized
	case who.token.expired(a.now()):
		return nil, errExpired
	case who.user.blocked:
		return nil, fail(http.StatusForbidden, "403 Forbidden - Your account has been blocked.")
	}
	return who, nil
}
