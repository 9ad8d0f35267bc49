package bot

import (
	"fmt"
	"net/url"
	"strings"
)

// projectPath returns the path of the GitLab project that holds a repository, ""
// if the repository is not on the configured server. The address that is really
// used counts first, so that a mirror's projects get the merge requests.
func (b *Bot) projectPath(repository string) string {
	for _, u := range []string{b.store.Effective(repository), repository} {
		if p := pathOn(b.cfg.GitLabURL, u); p != "" {
			return p
		}
	}
	return ""
}

// pathOn returns the project path of a git URL on the server with the base URL,
// for https, ssh and scp-like addresses; "" if it is elsewhere.
func pathOn(base, repository string) string {
	server, err := url.Parse(base)
	if err != nil || server.Host == "" {
		return ""
	}
	if u, err := url.Parse(repository); err == nil && u.Host != "" {
		if u.Scheme == "ssh" {
			return cleanPath(strings.EqualFold(u.Hostname(), server.Hostname()), u.Path, "")
		}
		return cleanPath(strings.EqualFold(u.Host, server.Host), u.Path, server.Path)
	}
	host, p, ok := strings.Cut(repository, ":") // git@host:group/project.git
	if !ok || strings.Contains(host, "/") {
		return ""
	}
	if _, h, ok := strings.Cut(host, "@"); ok {
		host = h
	}
	return cleanPath(strings.EqualFold(host, server.Hostname()), p, "")
}

func cleanPath(same bool, p, prefix string) string {
	prefix = strings.TrimSuffix(prefix, "/") + "/"
	p = "/" + strings.TrimPrefix(p, "/")
	if !same || !strings.HasPrefix(p, prefix) {
		return ""
	}
	return strings.TrimSuffix(strings.Trim(strings.TrimPrefix(p, prefix), "/"), ".git")
}

// blobURL is the web address of a file at a commit or branch, "" if the
// repository is not on the configured server.
func (b *Bot) blobURL(repository, ref, file string, line int) string {
	p := b.projectPath(repository)
	if p == "" || ref == "" {
		return ""
	}
	u := fmt.Sprintf("%s/%s/-/blob/%s/%s", strings.TrimSuffix(b.cfg.GitLabURL, "/"), p, escapePath(ref), escapePath(file))
	if line > 0 {
		u += fmt.Sprintf("#L%d", line)
	}
	return u
}

// escapePath escapes each segment of a path for a URL that stands in Markdown.
func escapePath(p string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = strings.ReplaceAll(strings.ReplaceAll(url.PathEscape(s), "(", "%28"), ")", "%29")
	}
	return strings.Join(segments, "/")
}
