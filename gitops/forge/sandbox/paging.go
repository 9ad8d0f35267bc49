package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPage = 20
	largestPage = 100
)

// pagingParams are understood by every route.
var pagingParams = []string{"page", "per_page"}

// paged answers one page of all, with GitLab's headers.
func paged[T any](c *call, all []T) (*reply, error) {
	page, err := c.params.number("page", 1)
	if err != nil {
		return nil, err
	}
	size, err := c.params.number("per_page", defaultPage)
	if err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, invalid("per_page does not have a valid value")
	}
	page, size = max(page, 1), min(size, largestPage)
	pages := max((len(all)+size-1)/size, 1)
	from := min((page-1)*size, len(all))
	items := slices.Clone(all[from:min(from+size, len(all))])
	if items == nil {
		items = []T{}
	}
	answer := ok(items)
	answer.header = c.pageHeader(page, size, pages, len(all))
	return answer, nil
}

func (c *call) pageHeader(page, size, pages, total int) http.Header {
	link := func(page int, rel string) string {
		query := c.request.URL.Query()
		query.Set("page", strconv.Itoa(page))
		query.Set("per_page", strconv.Itoa(size))
		return fmt.Sprintf("<%s%s?%s>; rel=%q", c.base, c.request.URL.EscapedPath(), query.Encode(), rel)
	}
	next, prev := "", ""
	var links []string
	if page > 1 {
		prev = strconv.Itoa(page - 1)
		links = append(links, link(page-1, "prev"))
	}
	if page < pages {
		next = strconv.Itoa(page + 1)
		links = append(links, link(page+1, "next"))
	}
	links = append(links, link(1, "first"), link(pages, "last"))
	header := http.Header{}
	for name, value := range map[string]string{
		"X-Page": strconv.Itoa(page), "X-Next-Page": next, "X-Prev-Page": prev, "X-Per-Page": strconv.Itoa(size),
		"X-Total": strconv.Itoa(total), "X-Total-Pages": strconv.Itoa(pages), "Link": strings.Join(links, ", "),
	} {
		header.Set(name, value)
	}
	return header
}
