package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// undeployed says which namespaces of the configuration no umbrella deploys anything into, "" for none. A run sees
// one umbrella, for which that is no fault where there are several: they are judged together by what is
// remembered, once all of them were looked at. Of a single umbrella its runs say so.
func (s *Service) undeployed(ctx context.Context, c *Config) (string, error) {
	if len(c.Umbrellas) < 2 || len(c.Namespaces) == 0 {
		return "", nil
	}
	deployed := map[string]bool{}
	for _, u := range c.Umbrellas {
		site, known, err := s.site(ctx, u.Name)
		if err != nil || !known {
			return "", err
		}
		for _, p := range site.Packages {
			deployed[p.Namespace] = true
		}
		views, err := s.queue.Namespaces(ctx, u.Name)
		if err != nil {
			return "", err
		}
		for _, v := range views {
			deployed[v.Namespace] = true
		}
	}
	left := slices.DeleteFunc(slices.Clone(c.Namespaces), func(ns string) bool { return deployed[ns] })
	if len(left) == 0 {
		return "", nil
	}
	return fmt.Sprintf("no release of any umbrella is deployed into namespace %s of the configuration", strings.Join(left, " or ")), nil
}
