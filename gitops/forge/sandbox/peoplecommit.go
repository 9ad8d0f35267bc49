package sandbox

import (
	"context"
	"fmt"
	"strings"
)

// Commit is what a person commits to a branch.
type Commit struct {
	Branch  string // created from the default branch where it does not exist
	Message string
	// Files maps paths to contents; all other files stay.
	Files map[string]string
	// Author is a username; empty means the first maintainer.
	Author string
	// Amend makes the commit take the place of the branch's last one, and forces
	// the branch to it.
	Amend bool
}

// Commit writes a commit as a person would by a push that no rule refuses, and
// returns its name. In an empty repository it makes the first one.
func (s *Server) Commit(ctx context.Context, path string, commit Commit) (string, error) {
	author := s.accounts.maintainer()
	if commit.Author != "" {
		if author = s.accounts.find(commit.Author); author == nil {
			return "", fmt.Errorf("find user %s: no token has this username", commit.Author)
		}
	}
	p, err := s.enterPath(ctx, path)
	if err != nil {
		return "", err
	}
	defer p.mu.Unlock()
	sha, err := s.writeCommit(ctx, p, commit, author)
	if err != nil {
		return "", fmt.Errorf("commit to %s of %s: %w", commit.Branch, path, err)
	}
	return sha, s.sync(ctx, p, author)
}

// writeCommit has one command write the files, the commit and the branch.
func (s *Server) writeCommit(ctx context.Context, p *project, commit Commit, author *user) (string, error) {
	git, now := p.git(), s.cfg.Now()
	base := p.heads[commit.Branch]
	if base == "" {
		base = p.heads[p.defaultBranch]
	}
	var in strings.Builder
	who := fmt.Sprintf("%s <%s> %d +0000", author.name, author.email(), now.Unix())
	message := commit.Message + "\n"
	fmt.Fprintf(&in, "commit refs/heads/%s\nmark :1\nauthor %s\ncommitter %s\ndata %d\n%s\n", commit.Branch, who, who, len(message), message)
	switch {
	case base != "" && commit.Amend:
		tree, err := git.settledLine(ctx, "rev-parse", base+"^{tree}")
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&in, "from %s^\nM 040000 %s \n", base, tree)
	case base != "":
		fmt.Fprintf(&in, "from %s\n", base)
	}
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for _, file := range sortedKeys(commit.Files) {
		content := commit.Files[file]
		fmt.Fprintf(&in, "M 100644 inline \"%s\"\ndata %d\n%s\n", quote.Replace(file), len(content), content)
	}
	in.WriteString("\nget-mark :1\n")
	git.stdin = strings.NewReader(in.String())
	args := []string{"fast-import", "--quiet", "--date-format=raw"}
	if commit.Amend {
		args = append(args, "--force")
	}
	return git.line(ctx, args...)
}
