package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	sessionCookie = "tokenward-session"
	sessionLength = 12 * time.Hour
)

// CheckListen refuses an address that others can reach while nothing says who they are.
func CheckListen(address string, protected bool) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("must be HOST:PORT or :PORT: %w", err)
	}
	if protected || loopback(host) {
		return nil
	}
	return errors.New("must be a loopback address such as 127.0.0.1:8081 unless a token or an authenticating proxy protects the page: set admin.tokenFile or admin.userHeader with admin.proxies")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// signedIn lets through who may look, and sends others to the login form.
func (h *Handler) signedIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		ok, err := h.allowed(r)
		switch {
		case err != nil:
			h.fail(w, r, http.StatusInternalServerError, "The token cannot be read.", err)
		case ok:
			next(w, r)
		case h.config.Token == nil:
			h.fail(w, r, http.StatusForbidden, "This page is open to the authenticating proxy, or by a loopback name such as localhost.", nil)
		case r.Method == http.MethodGet && r.URL.Path != "/events":
			http.Redirect(w, r, "/login?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			h.fail(w, r, http.StatusUnauthorized, "Sign in first.", nil)
		}
	}
}

// allowed says whether a request comes from somebody who may look.
func (h *Handler) allowed(r *http.Request) (bool, error) {
	if h.proxyUser(r) != "" {
		return true, nil
	}
	if h.config.Token == nil {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		// Another site's name that resolves to this machine is not ours.
		return h.config.UserHeader == "" && loopback(host), nil
	}
	token, err := h.token()
	if err != nil {
		return false, err
	}
	if given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return same(given, token), nil
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return false, nil
	}
	expiry, _, _ := strings.Cut(c.Value, ".")
	at, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || h.config.Now().Unix() >= at {
		return false, nil
	}
	return same(c.Value, h.session(token, at)), nil
}

// proxyUser is the name that the proxy gives, "" if the request does not come through it.
func (h *Handler) proxyUser(r *http.Request) string {
	if h.config.UserHeader == "" {
		return ""
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	for _, p := range h.config.Proxies {
		if p.Contains(from.Addr().Unmap()) {
			return r.Header.Get(h.config.UserHeader)
		}
	}
	return ""
}

func (h *Handler) token() (string, error) {
	token, err := h.config.Token()
	if err == nil && token == "" {
		err = errors.New("it is empty")
	}
	return token, err
}

// session is a cookie's value: until when it is good, signed with the token, so that
// a rotated token ends all sessions.
func (h *Handler) session(token string, expiry int64) string {
	text := strconv.FormatInt(expiry, 10)
	mac := hmac.New(sha256.New, []byte("tokenward session "+token))
	mac.Write([]byte(text))
	return text + "." + hex.EncodeToString(mac.Sum(nil))
}

// same compares in a time that tells nothing, not even the length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func (h *Handler) loginPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if ok, err := h.allowed(r); h.config.Token == nil || err == nil && ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	h.show(w, http.StatusOK, "login", view{Title: "Sign in", To: back(r.FormValue("to"))})
}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if h.config.Token == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !h.logins.Allow() {
		h.show(w, http.StatusTooManyRequests, "login", view{Title: "Sign in", To: back(r.FormValue("to")), Error: "Too many attempts. Wait a moment."})
		return
	}
	token, err := h.token()
	if err != nil {
		h.fail(w, r, http.StatusInternalServerError, "The token cannot be read.", err)
		return
	}
	if !same(r.PostFormValue("token"), token) {
		h.config.Log.Warn("admin login refused", "from", r.RemoteAddr)
		h.show(w, http.StatusUnauthorized, "login", view{Title: "Sign in", To: back(r.FormValue("to")), Error: "This is not the token."})
		return
	}
	expiry := h.config.Now().Add(sessionLength)
	h.cookie(w, r, h.session(token, expiry.Unix()), int(sessionLength.Seconds()))
	http.Redirect(w, r, back(r.FormValue("to")), http.StatusSeeOther)
}

func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	h.cookie(w, r, "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (h *Handler) cookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"})
}

// back is where to go after the login: a path of ours, never another site.
func back(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
