package forge

import "io"

// What an answer may hold beside its bytes: "{}," is three of them, and a merge request in
// memory a thousand.
const (
	maxObjects = 200_000
	maxValues  = 2_000_000
)

// cutBody ends early, as if there were no more.
type cutBody struct {
	io.Reader
	io.Closer
}

// cappedBody fails once more than left bytes, or more JSON objects or values than that,
// were read. A compressed answer is counted as what it unpacks to.
type cappedBody struct {
	io.ReadCloser
	left            int64
	objects, values int
	inString, after bool // in a string; after a backslash in it
}

func (b *cappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	b.count(p[:n])
	if b.left < 0 || b.objects < 0 || b.values < 0 {
		return 0, errTooLarge
	}
	return n, err
}

func (b *cappedBody) count(text []byte) {
	for _, c := range text {
		switch {
		case b.after:
			b.after = false
		case c == '"':
			b.inString = !b.inString
		case b.inString:
			b.after = c == '\\'
		case c == '{':
			b.objects--
		case c == ',':
			b.values--
		}
	}
}
