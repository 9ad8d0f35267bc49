package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

type commitJSON struct {
	ID             string   `json:"id"`
	ShortID        string   `json:"short_id"`
	CreatedAt      stamp    `json:"created_at"`
	ParentIDs      []string `json:"parent_ids"`
	Title          string   `json:"title"`
	Message        string   `json:"message"`
	AuthorName     string   `json:"author_name"`
	AuthorEmail    string   `json:"author_email"`
	AuthoredDate   stamp    `json:"authored_date"`
	CommitterName  string   `json:"committer_name"`
	CommitterEmail string   `json:"committer_email"`
	CommittedDate  stamp    `json:"committed_date"`
	WebURL         string   `json:"web_url"`
}

// commitFormat puts one header a line, then the message; none of the headers
// can hold a line break.
const commitFormat = "--format=%H%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B"

// log runs git log and returns its commits; url is the project's address.
func log(ctx context.Context, git gitRun, url string, args ...string) ([]commitJSON, error) {
	ask := git.settled
	if git.stdin != nil {
		ask = git.run
	}
	out, err := ask(ctx, append([]string{"log", "-z", "--no-color", "--no-show-signature", commitFormat}, args...)...)
	if err != nil {
		return nil, err
	}
	var commits []commitJSON
	for record := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if record == "" {
			continue
		}
		commit, err := parseCommit(record)
		if err != nil {
			return nil, err
		}
		commit.WebURL = url + "/-/commit/" + commit.ID
		commits = append(commits, commit)
	}
	return commits, nil
}

func parseCommit(record string) (commitJSON, error) {
	part := strings.SplitN(record, "\n", 9)
	if len(part) != 9 || len(part[0]) < 8 {
		return commitJSON{}, fmt.Errorf("read commit: strange record %q", record)
	}
	authored, err := time.Parse(time.RFC3339, part[4])
	if err != nil {
		return commitJSON{}, fmt.Errorf("read commit %s: %w", part[0], err)
	}
	committed, err := time.Parse(time.RFC3339, part[7])
	if err != nil {
		return commitJSON{}, fmt.Errorf("read commit %s: %w", part[0], err)
	}
	title, _, _ := strings.Cut(part[8], "\n")
	return commitJSON{
		ID: part[0], ShortID: part[0][:8], ParentIDs: append([]string{}, strings.Fields(part[1])...),
		Title: title, Message: part[8], CreatedAt: stamp(committed),
		AuthorName: part[2], AuthorEmail: part[3], AuthoredDate: stamp(authored),
		CommitterName: part[5], CommitterEmail: part[6], CommittedDate: stamp(committed),
	}, nil
}

func (c *call) projectURL() string { return c.base + "/" + c.project.path }

// commitsOf returns the commits with these names, in this order.
func (c *call) commitsOf(ctx context.Context, shas []string) ([]commitJSON, error) {
	if len(shas) == 0 {
		return nil, nil
	}
	git := c.project.git()
	git.stdin = strings.NewReader(strings.Join(shas, "\n") + "\n")
	found, err := log(ctx, git, c.projectURL(), "--no-walk=unsorted", "--stdin")
	if err != nil {
		return nil, err
	}
	byID := map[string]commitJSON{} // git names a commit once, however often it is asked
	for _, commit := range found {
		byID[commit.ID] = commit
	}
	var commits []commitJSON
	for _, sha := range shas {
		commits = append(commits, byID[sha])
	}
	return commits, nil
}

func (c *call) getCommit(ctx context.Context) (*reply, error) {
	sha, err := c.project.resolve(ctx, c.request.PathValue("sha"))
	if err != nil {
		return nil, err
	}
	if sha == "" {
		return nil, fail(http.StatusNotFound, "404 Commit Not Found")
	}
	commits, err := c.commitsOf(ctx, []string{sha})
	if err != nil {
		return nil, err
	}
	return ok(commits[0]), nil
}

func (c *call) listCommits(ctx context.Context) (*reply, error) {
	ref, _ := c.params.text("ref_name")
	sha, err := c.project.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if sha == "" {
		if ref == "" {
			return paged(c, []commitJSON{})
		}
		return nil, fail(http.StatusNotFound, "404 Repository Not Found")
	}
	args := []string{sha, "--"}
	if path, _ := c.params.text("path"); path != "" {
		if !fs.ValidPath(path) {
			return nil, invalid("path should be a valid file path")
		}
		args = append(args, path)
	}
	commits, err := log(ctx, c.project.git(), c.projectURL(), args...)
	if err != nil {
		return nil, err
	}
	return paged(c, commits)
}
