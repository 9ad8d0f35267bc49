package bot

import (
	"slices"
	"sync"
	"sync/atomic"

	"tokenward/analysis/render"
)

// maxShelf is how many bytes of charts' files stay in memory between two who need them.
const maxShelf = 32 << 20

// shelf holds the charts that were used last, so that few are read twice while a platform
// of any size takes no more memory than that.
type shelf struct {
	mu    sync.Mutex
	books []book // the one used last at the end
	bytes int

	missed atomic.Bool // whether somebody needed a chart that could not be read again
}

type book struct {
	key   string
	chart *render.Chart
	bytes int
}

// get returns a chart that is on the shelf, nil where it is not.
func (s *shelf) get(key string) *render.Chart {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.books, func(b book) bool { return b.key == key })
	if i < 0 {
		return nil
	}
	b := s.books[i]
	s.books = append(slices.Delete(s.books, i, i+1), b)
	return b.chart
}

// drop takes a chart off the shelf.
func (s *shelf) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.books, func(b book) bool { return b.key == key }); i >= 0 {
		s.bytes -= s.books[i].bytes
		s.books = slices.Delete(s.books, i, i+1)
	}
}

// put adds a chart, and lets go those that were used longest ago where there are too many.
func (s *shelf) put(key string, c *render.Chart, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.books, func(b book) bool { return b.key == key }) {
		return
	}
	s.books, s.bytes = append(s.books, book{key, c, bytes}), s.bytes+bytes
	for s.bytes > maxShelf && len(s.books) > 0 {
		s.bytes -= s.books[0].bytes
		s.books = slices.Delete(s.books, 0, 1)
	}
}
