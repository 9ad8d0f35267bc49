package main

import (
	"errors"
	"fmt"
	"net/netip"

	"tokenward/bot/admin"
)

type adminConfig struct {
	Listen     string   `yaml:"listen" doc:"Address of the service's admin page and /metrics; empty serves neither. One that is not loopback needs a token or an authenticating proxy."`
	TokenFile  string   `yaml:"tokenFile" doc:"File with the token that opens the admin page; TOKENWARD_ADMIN_TOKEN may hold it instead. It may be exchanged without a restart."`
	UserHeader string   `yaml:"userHeader" doc:"Header in which an authenticating proxy names the user, as X-Forwarded-User; needs admin.proxies."`
	Proxies    []string `yaml:"proxies" doc:"Address ranges that the proxy comes from, as 10.0.0.0/8; the header of others is not believed."`
}

func defaultAdmin() adminConfig { return adminConfig{Listen: "127.0.0.1:8081"} }

// proxies reads the ranges.
func (c adminConfig) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("must be address ranges such as 10.0.0.0/8: %w", err)
		}
		out = append(out, p)
	}
	return out, nil
}

// check names the first key whose value cannot be used; hasToken says that a token
// stands in the environment.
func (c adminConfig) check(hasToken bool) (key string, err error) {
	if _, err := c.proxies(); err != nil {
		return "proxies", err
	}
	if c.UserHeader != "" && len(c.Proxies) == 0 {
		return "proxies", errors.New("must name where the proxy comes from, or anybody can set admin.userHeader")
	}
	if c.Listen == "" {
		return "", nil
	}
	if err := admin.CheckListen(c.Listen, hasToken || c.TokenFile != "" || c.UserHeader != ""); err != nil {
		return "listen", err
	}
	return "", nil
}
