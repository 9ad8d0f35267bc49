package service

import (
	"context"
	"encoding/json"
	"fmt"

	"tokenward/bot"
	"tokenward/bot/queue"
)

// Sites returns where each configured umbrella and its packages are, as the last scan
// of any replica found them. An umbrella that was never scanned is missing.
func (s *Service) Sites(ctx context.Context) (map[string]bot.Site, error) {
	out := map[string]bot.Site{}
	for _, name := range s.config.Load().names() {
		site, known, err := s.site(ctx, name)
		if err != nil {
			return nil, err
		}
		if known {
			out[name] = site
		}
	}
	return out, nil
}

// site is Sites for one umbrella.
func (s *Service) site(ctx context.Context, umbrella string) (site bot.Site, known bool, err error) {
	raw, err := s.queue.Site(ctx, umbrella)
	if err != nil || raw == nil {
		return site, false, err
	}
	if err := json.Unmarshal(raw, &site); err != nil {
		return site, false, fmt.Errorf("read where umbrella %s is: %w", umbrella, err)
	}
	return site, true, nil
}

func (s *Service) saveSite(ctx context.Context, umbrella string, site bot.Site) error {
	raw, err := json.Marshal(site)
	if err != nil {
		return fmt.Errorf("put in words where umbrella %s is: %w", umbrella, err)
	}
	return s.queue.SaveSite(ctx, umbrella, raw)
}

// rememberSite keeps where a scan found the projects, with their ids, by which the events of
// one are known that is renamed or moved. A run over all asks for those that are missing or old.
func (s *Service) rememberSite(ctx context.Context, l *queue.Lease, e Ended) error {
	log := s.config.Load().Log.With(bot.LogUmbrella, l.Umbrella, bot.LogRun, l.Run)
	before, _, err := s.site(ctx, l.Umbrella)
	if err != nil {
		log.Warn("what was known of the umbrella is found out anew", "error", err)
		before = bot.Site{}
	}
	site := e.Bot.Site(e.Scan).WithIDs(before.IDs())
	site.IDsAsked = before.IDsAsked
	if err := s.saveSite(ctx, l.Umbrella, site); err != nil || l.Namespace != "" || !l.Whole {
		return err
	}
	site, err = e.Bot.AskIDs(ctx, site)
	if err != nil && ctx.Err() == nil {
		log.Warn("events of projects without id are passed over when they are renamed or moved", "error", err)
	}
	return s.saveSite(ctx, l.Umbrella, site)
}
