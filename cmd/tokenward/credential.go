package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"tokenward/gitops/git"
)

// credential gives a token of GitLab to GitLab's own host, the one for the project that
// the URL names, and the git password to the hosts that the configuration names; to
// nobody else.
func (s *surroundings) credential(c config, remote string) (*git.Credential, error) {
	u, err := url.Parse(remote)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, nil
	}
	if server, err := url.Parse(c.GitLab.URL); err == nil && c.GitLab.URL != "" && u.Host == server.Host && u.Scheme == server.Scheme {
		project := strings.TrimSuffix(strings.Trim(strings.TrimPrefix(u.Path, strings.TrimSuffix(server.Path, "/")), "/"), ".git")
		if tokenFile(c, project) == "" && !s.hasMainToken(c) {
			return nil, nil
		}
		token, err := s.tokenFor(c, project)
		return &git.Credential{Username: "oauth2", Password: token}, err
	}
	if !slices.Contains(c.Git.Hosts, u.Host) {
		return nil, nil
	}
	password, err := s.secret("TOKENWARD_GIT_PASSWORD", c.Git.PasswordFile, "git.passwordFile")
	return &git.Credential{Username: c.Git.Username, Password: password}, err
}

func (s *surroundings) hasToken(c config) bool { return s.hasMainToken(c) || len(c.GitLab.Tokens) > 0 }

func (s *surroundings) hasMainToken(c config) bool {
	return s.environ("TOKENWARD_GITLAB_TOKEN") != "" || c.GitLab.TokenFile != ""
}

// gitlabToken reads the token for calls that are about no project, or about one that has
// none of its own. It is read anew each time, so that a rotated file is noticed.
func (s *surroundings) gitlabToken(c config) (string, error) {
	return s.needed("TOKENWARD_GITLAB_TOKEN", c.GitLab.TokenFile, "gitlab.tokenFile")
}

// tokenFor reads the token for a project, by its path.
func (s *surroundings) tokenFor(c config, project string) (string, error) {
	if file := tokenFile(c, project); file != "" {
		return s.needed("", file, "gitlab.tokens for "+project)
	}
	if len(c.GitLab.Tokens) == 0 {
		return s.gitlabToken(c)
	}
	switch {
	case !strings.Contains(project, "/"):
		return "", fmt.Errorf("project %s: its path is not known, so that no token can be chosen", project)
	case !s.hasMainToken(c):
		return "", fmt.Errorf("there is none for project %s: name one in gitlab.tokens, or set gitlab.tokenFile", project)
	}
	return s.gitlabToken(c)
}

// tokenFile is the file of gitlab.tokens with the longest path that is the project's or
// a group's around it, "" if there is none. GitLab's paths do not tell cases apart.
func tokenFile(c config, project string) string {
	best, file := "", ""
	for _, t := range c.GitLab.Tokens {
		prefix, f, _ := strings.Cut(t, "=")
		prefix = strings.ToLower(strings.Trim(prefix, "/")) + "/"
		if strings.HasPrefix(strings.ToLower(strings.Trim(project, "/"))+"/", prefix) && len(prefix) > len(best) {
			best, file = prefix, f
		}
	}
	return file
}

// needed is a secret that must not be empty.
func (s *surroundings) needed(variable, file, key string) (string, error) {
	text, err := s.secret(variable, file, key)
	if err == nil && text == "" {
		return "", usageError{fmt.Errorf("read %s: %s is empty", key, file)}
	}
	return text, err
}

// secret reads a secret from the environment or else from a file; key names the file in
// the configuration, which is wrong where it cannot be read: nobody goes on without it, who
// might find less than they think.
func (s *surroundings) secret(variable, file, key string) (string, error) {
	if v := s.secretVariable(variable); v != "" {
		return v, nil
	}
	if file == "" {
		return "", usageError{fmt.Errorf("no secret: set %s or %s", variable, key)}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{fmt.Errorf("read %s: %w", key, err)}
	}
	s.secrets.Add(string(raw))
	return strings.TrimSpace(string(raw)), nil
}

// secretVariable reads a secret from the environment and has it struck from all output.
func (s *surroundings) secretVariable(name string) string {
	v := s.environ(name)
	s.secrets.Add(v)
	return v
}
