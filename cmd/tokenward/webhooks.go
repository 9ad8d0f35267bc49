package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"tokenward/bot/webhook"
)

// webhookSecrets are the secrets of webhooks as the configuration has them, the
// first of each sort being the one that GitLab is to use.
type webhookSecrets struct{ tokens, signing []string }

// readWebhookSecrets reads all secrets of webhooks anew, so that rotated files are
// noticed. Its errors name files and keys, never what they hold.
func (s *surroundings) readWebhookSecrets(c config) (webhookSecrets, error) {
	var out webhookSecrets
	if v := s.secretVariable("TOKENWARD_WEBHOOK_SECRET"); v != "" {
		out.tokens = append(out.tokens, v)
	}
	for _, sort := range []struct {
		key   string
		files []string
		into  *[]string
	}{
		{"webhooks.secretFiles", c.Webhooks.SecretFiles, &out.tokens},
		{"webhooks.signingKeyFiles", c.Webhooks.SigningKeyFiles, &out.signing},
	} {
		for _, file := range sort.files {
			raw, err := os.ReadFile(file)
			if err != nil {
				return webhookSecrets{}, fmt.Errorf("read %s: %w", sort.key, err)
			}
			s.secrets.Add(string(raw))
			text := strings.TrimSpace(string(raw))
			if text == "" {
				return webhookSecrets{}, fmt.Errorf("read %s: %s is empty", sort.key, file)
			}
			*sort.into = append(*sort.into, text)
		}
	}
	if _, err := out.check(); err != nil {
		return webhookSecrets{}, fmt.Errorf("webhooks.signingKeyFiles: %w", err)
	}
	return out, nil
}

// check returns the secrets in the form in which calls are checked.
func (w webhookSecrets) check() (webhook.Secrets, error) {
	return webhook.NewSecrets(w.tokens, w.signing)
}

var errNoWebhookSecret = errors.New("no secret of webhooks: set webhooks.secretFiles, webhooks.signingKeyFiles or TOKENWARD_WEBHOOK_SECRET")
