package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Why GitLab turns a push down, in its own words.
const (
	textProtectedPush   = "You are not allowed to push code to protected branches on this project."
	textProtectedForce  = "You are not allowed to force push code to a protected branch on this project."
	textProtectedCreate = "You are not allowed to create protected branches on this project."
	textProtectedDelete = "You are not allowed to delete protected branches from this project. " +
		"Only a project maintainer or owner can delete a protected branch."
	textWebDelete     = "You can only delete protected branches using the web interface."
	textDefaultDelete = "The default branch of a project cannot be deleted."
	textHexBranch     = "You cannot create a branch with a 40-character hexadecimal branch name."
	textNoDefault     = "A default branch (e.g. %s) does not yet exist for %s\n" +
		"Ask a project Owner or Maintainer to create a default branch"
)

// refusal returns why somebody with this access may not push one of the
// commands, empty if nothing forbids them. It needs no objects of the push.
func (p *project) refusal(commands []command, access int) string {
	for _, c := range commands {
		branch, isBranch := c.branch()
		if !isBranch {
			continue
		}
		if text := p.branchRefusal(c, branch, access); text != "" {
			return text
		}
	}
	return ""
}

func (p *project) branchRefusal(c command, branch string, access int) string {
	protected := p.protected(branch)
	switch {
	case c.deletes() && branch == p.defaultBranch:
		return textDefaultDelete
	case c.deletes() && protected && access < Maintainer:
		return textProtectedDelete
	case c.deletes() && protected:
		return textWebDelete
	case c.deletes():
		return ""
	case isSHA(branch):
		return textHexBranch
	case p.empty() && access < Maintainer:
		return fmt.Sprintf(textNoDefault, p.defaultBranch, p.path)
	case c.creates() && protected && !p.canMerge(branch, access):
		return textProtectedCreate
	case !c.creates() && !p.canPush(branch, access):
		return textProtectedPush
	}
	return ""
}

// guarded returns the commands that must not rewrite history.
func (p *project) guarded(commands []command) []command {
	var list []command
	for _, c := range commands {
		branch, isBranch := c.branch()
		if isBranch && !c.creates() && !c.deletes() && !p.canForcePush(branch) {
			list = append(list, c)
		}
	}
	return list
}

// aside unpacks the objects of a push into a folder of their own, so that a
// refused push leaves nothing behind, and lets look see the repository with
// them. pack is read to its end.
func aside(ctx context.Context, git gitRun, pack io.Reader, look func(gitRun) (string, error)) (string, error) {
	dir, err := os.MkdirTemp("", "sandbox-push-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the push: %w", err)
	}
	defer os.RemoveAll(dir)
	git.env = []string{"GIT_OBJECT_DIRECTORY=" + dir, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + filepath.Join(git.dir, "objects")}
	unpack := git
	unpack.stdin = pack
	if _, err := unpack.run(ctx, "index-pack", "--stdin", "--fix-thin"); err != nil {
		return "", err
	}
	return look(git)
}

// rewrites says whether one of the commands drops commits from its branch.
func rewrites(ctx context.Context, git gitRun, commands []command) (bool, error) {
	for _, c := range commands {
		kept, err := git.isAncestor(ctx, c.old, c.new)
		if err != nil {
			return false, err
		}
		if !kept {
			return true, nil
		}
	}
	return false, nil
}
