package forge

import (
	"context"
	"fmt"
	"strconv"

	"github.com/xanzy/go-gitlab"
)

const (
	perPage  = 100
	maxPages = 500 // GitLab's own bound for this kind of paging, 50,000 rows
)

// pages calls read for one page after the other up to the last. read returns
// how many rows the page has. An error on any page is an error of the whole.
func (c *Client) pages(ctx context.Context, op, project string,
	read func(gitlab.ListOptions, []gitlab.RequestOptionFunc) (int, *gitlab.Response, error)) error {
	for page := 1; ; page++ {
		var rows int
		var last *gitlab.Response
		err := c.call(ctx, op, project, again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
			var err error
			rows, last, err = read(gitlab.ListOptions{Page: page, PerPage: perPage}, options)
			return last, err
		})
		if err != nil {
			return err
		}
		next, said := last.Header["X-Next-Page"]
		switch {
		case said && next[0] == "", !said && rows < perPage:
			return nil
		case said && next[0] != strconv.Itoa(page+1):
			return &Error{Op: op, Project: project, Message: fmt.Sprintf("GitLab says that page %q follows on page %d", next[0], page)}
		case page == maxPages:
			return &Error{Op: op, Project: project, Message: fmt.Sprintf("the list has more than %d pages", maxPages)}
		}
	}
}
