package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// serveFetch answers a fetch. What is fetched by the names of commits alone, as version 0 of
// the protocol does, is asked of git once.
func (s *Server) serveFetch(rec *recorder, r *http.Request, p *project) error {
	if strings.Contains(r.Header.Get("Git-Protocol"), "version=2") {
		return s.exchange(rec, r, p, uploadPack, nil)
	}
	body, err := requestBody(r)
	if err != nil {
		return err
	}
	start, err := io.ReadAll(io.LimitReader(body, longestWish))
	if err != nil {
		return fmt.Errorf("read fetch: %w", err)
	}
	refs, err := readRefs(r.Context(), p.git())
	if err != nil {
		return err
	}
	if len(start) == longestWish || !wantsTips(start, refs) {
		return s.exchange(rec, r, p, uploadPack, io.MultiReader(bytes.NewReader(start), body))
	}
	key := question("send", r.Header.Get("Git-Protocol"), string(start))
	if known, ok := p.memory.get(key); ok {
		noCache(rec, "application/x-"+uploadPack+"-result")
		_, err := rec.Write(known.out)
		return err
	}
	copied := &copying{ResponseWriter: rec.ResponseWriter}
	rec.ResponseWriter = copied
	if err := s.exchange(rec, r, p, uploadPack, bytes.NewReader(start)); err != nil {
		return err
	}
	p.memory.put(key, remembered{out: copied.text})
	return nil
}

// longestWish is how long a request may be that is answered from memory.
const longestWish = 64 << 10

// wantsTips says whether a request of version 0 wants only what refs hold, and tells
// nothing of what the caller has.
func wantsTips(body []byte, refs refs) bool {
	wants := 0
	for line := range bytes.Lines(body) {
		_, want, found := strings.Cut(string(line), "want ")
		if !found && !bytes.Contains(line, []byte("have ")) {
			continue
		}
		if len(want) < len(zeroSHA) || !refs.holds(want[:len(zeroSHA)]) {
			return false
		}
		wants++
	}
	return wants > 0
}

// copying keeps what is answered, up to a little more than a memory takes.
type copying struct {
	http.ResponseWriter
	text []byte
}

func (c *copying) Write(b []byte) (int, error) {
	c.text = append(c.text, b[:min(len(b), mostAnswer+1-len(c.text))]...)
	return c.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what is below.
func (c *copying) Unwrap() http.ResponseWriter { return c.ResponseWriter }
