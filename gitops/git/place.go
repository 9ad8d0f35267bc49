package git

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
)

// place is where repositories may be: a host with a port, or a folder of this machine.
type place struct {
	host   string // lower case, without port; "" for a folder
	port   int    // 0 for the scheme's own
	folder string
}

// parsePlaces reads Config.Places.
func parsePlaces(all []string) ([]place, error) {
	out := make([]place, 0, len(all)) // an empty list is not nil: it allows nothing
	for _, text := range all {
		p, err := parsePlace(text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckPlace tells what is wrong with an entry of Config.Places.
func CheckPlace(text string) error {
	_, err := parsePlace(text)
	return err
}

func parsePlace(text string) (place, error) {
	if folder, ok := strings.CutPrefix(text, "file://"); ok {
		if folder, err := url.PathUnescape(folder); err == nil && path.IsAbs(folder) {
			return place{folder: path.Clean(folder)}, nil
		}
		return place{}, fmt.Errorf("%w: %q is no folder of this machine: give file:// and an absolute path", ErrURL, text)
	}
	u, err := url.Parse("//" + text)
	if err != nil || u.Hostname() == "" || u.Host != text || strings.HasSuffix(text, ":") || strings.Count(text, ":") > 1 && !strings.HasPrefix(text, "[") {
		return place{}, fmt.Errorf("%w: %q is no host: give a name or an address, with :PORT if it is not the usual one", ErrURL, redactURL(text))
	}
	p := place{host: strings.ToLower(u.Hostname())}
	if u.Port() == "" {
		return p, nil
	}
	if p.port, err = strconv.Atoi(u.Port()); err != nil || p.port < 1 || p.port > 65535 {
		return place{}, fmt.Errorf("%w: %q has no usable port", ErrURL, redactURL(text))
	}
	return p, nil
}

// Place is the entry of Config.Places that allows a URL: its host, with the port where
// that is not the scheme's own, or file:// and the path. "" stands for what is no URL
// of a repository.
func Place(raw string) string {
	ep, err := endpoint(stripUserinfo(raw))
	switch {
	case err != nil:
		return ""
	case ep.Protocol == "file":
		return (&url.URL{Scheme: "file", Path: ep.Path}).String()
	case portOf(ep) == usualPort(ep.Protocol):
		return ep.Host
	}
	return net.JoinHostPort(strings.Trim(ep.Host, "[]"), strconv.Itoa(portOf(ep)))
}

func portOf(ep *transport.Endpoint) int {
	if ep.Port == 0 {
		return usualPort(ep.Protocol)
	}
	return ep.Port
}

func usualPort(scheme string) int {
	return map[string]int{"https": 443, "http": 80, "ssh": 22}[scheme]
}

func (p place) holds(ep *transport.Endpoint) bool {
	if ep.Protocol == "file" {
		return p.folder == "/" || p.folder != "" && strings.HasPrefix(path.Clean(ep.Path)+"/", p.folder+"/")
	}
	port := p.port
	if port == 0 {
		port = usualPort(ep.Protocol)
	}
	return p.host != "" && p.host == strings.ToLower(strings.Trim(ep.Host, "[]")) && port == portOf(ep)
}

// allow refuses an endpoint that is nowhere among the places.
func (s *Store) allow(ep *transport.Endpoint) error {
	if s.places == nil {
		return nil
	}
	for _, p := range s.places {
		if p.holds(ep) {
			return nil
		}
	}
	if ep.Protocol == "file" {
		return fmt.Errorf("%w: a repository of this machine is only read where the configuration names its folder", ErrPlace)
	}
	return fmt.Errorf("%w: host %s is not among those of the configuration", ErrPlace, Place(ep.String()))
}
