package render

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxComposed bounds what one Composer reads and merges, in about bytes as values take them in memory.
	maxComposed = 256 << 20
	// maxListed bounds the list items that a text for helm --set names.
	maxListed = 1 << 20
)

var errComposed = fmt.Errorf("reading and merging values takes more than %d MiB in all", maxComposed>>20)

var errListed = errors.New("it names too many items of lists")

// Composer composes the values of an umbrella's releases, or of a chart's values files. What that takes is
// bounded for all of them together: many references may name one large object. The zero value is ready.
type Composer struct{ spent uint64 }

// spend adds to what was read and merged. It is an error from the bound on.
func (c *Composer) spend(n uint64) error {
	c.spent += n
	if c.spent > maxComposed {
		return errComposed
	}
	return nil
}

// merge returns values with those of a values file over them.
func (c *Composer) merge(values map[string]any, data []byte) (map[string]any, error) {
	if err := c.spend(uint64(len(data))); err != nil {
		return nil, err
	}
	size, err := expanded(data)
	if err == nil {
		err = c.spend(uint64(size)) // also of what cannot be read
	}
	if err != nil {
		return nil, err
	}
	more, err := readValues(data)
	if err != nil {
		return nil, err
	}
	merged := MergeValues(values, more)
	return merged, c.spend(weight(merged))
}

// set sets in values what a reference with a targetPath gives. What fails half-way has made lists, too.
func (c *Composer) set(values map[string]any, ref ValuesReference, content string) error {
	if err := c.spend(uint64(len(content))); err != nil {
		return err
	}
	err := setValue(values, ref, content)
	return cmp.Or(err, c.spend(weight(values)))
}

// checkListed refuses a text for helm --set that names too many items of lists. Helm makes every item
// up to the one that is named, and reads lists in lists by recursion: each counts for some items. Digits may
// be escaped, too.
func checkListed(text string) error {
	const perList = 64
	text = strings.ReplaceAll(text, `\`, "")
	for total := 0; ; {
		_, rest, ok := strings.Cut(text, "[")
		if !ok {
			return nil
		}
		text = strings.TrimLeft(rest, "+0123456789")
		if n, err := strconv.Atoi(rest[:len(rest)-len(text)]); err == nil {
			total += min(n, maxListed) + perList
		}
		if total > maxListed {
			return errListed
		}
	}
}
