package live

import (
	"bufio"
	"bytes"
	"errors"

	"sigs.k8s.io/yaml"
)

const (
	longestLine = 1 << 20
	// longestYAML is the largest object that is read as YAML, which takes far more
	// memory to decode than JSON.
	longestYAML = 4 << 20
)

// yamlObjects splits YAML as kubectl prints it into objects small enough to be
// decoded one by one: documents between lines of "---", and the elements of a
// document's items, which it knows by their indentation.
type yamlObjects struct {
	in     *bufio.Reader
	line   int
	losses losses

	buf   []byte
	begin int  // line at which buf begins
	long  bool // buf was longer than longestYAML
	state yamlState
	dash  []byte // how an element begins: "- " behind its indentation
}

type yamlState int

const (
	inDocument yamlState = iota
	inItems
	behindItems
)

// each yields every object as JSON; what yield refuses counts as broken.
func (y *yamlObjects) each(yield func(object []byte, line int) bool) error {
	for {
		b, err := y.in.ReadSlice('\n')
		y.line++
		long := false
		for errors.Is(err, bufio.ErrBufferFull) {
			long = true
			_, err = y.in.ReadSlice('\n')
		}
		if long {
			y.tooLong()
		} else {
			y.take(b, yield)
		}
		if err != nil {
			if damaged(err) {
				y.buf = y.buf[:0] // cut in the middle
			}
			y.flush(yield)
			return err
		}
	}
}

func (y *yamlObjects) take(b []byte, yield func([]byte, int) bool) {
	bare := bytes.TrimRight(b, " \t\r\n")
	switch {
	case string(bare) == "---", bytes.HasPrefix(bare, []byte("--- ")), string(bare) == "...":
		y.flush(yield)
		y.state = inDocument
		if rest, ok := bytes.CutPrefix(bare, []byte("--- ")); ok {
			y.keep(rest)
		}
		return
	case len(bare) == 0:
	case y.state == inDocument && string(bare) == "items:":
		y.state, y.buf, y.long, y.dash = inItems, y.buf[:0], false, nil
		return
	case y.state == inItems && y.takeItem(b, bare, yield):
		return
	}
	if y.state != behindItems {
		y.keep(b)
	}
}

// takeItem looks whether a line begins an element or ends them all; false if it
// belongs to the present element.
func (y *yamlObjects) takeItem(b, bare []byte, yield func([]byte, int) bool) bool {
	if y.dash == nil {
		indent := len(bare) - len(bytes.TrimLeft(bare, " "))
		if bare[indent] == '#' {
			return true
		}
		if bare[indent] == '-' {
			y.dash = append(bytes.Repeat([]byte(" "), indent), '-')
		}
	}
	rest, ok := bytes.CutPrefix(b, y.dash)
	switch {
	case y.dash != nil && ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \r\n"), rest[0]) >= 0):
		y.flush(yield)
		y.keep(bytes.Repeat([]byte(" "), len(y.dash)))
		y.keep(rest)
		return true
	case bare[0] != ' ' && bare[0] != '#':
		y.flush(yield)
		y.state = behindItems
		return true
	}
	return false
}

func (y *yamlObjects) keep(b []byte) {
	switch {
	case y.long:
	case len(y.buf)+len(b) > longestYAML:
		y.tooLong()
	default:
		if len(y.buf) == 0 {
			y.begin = y.line
		}
		y.buf = append(y.buf, b...)
	}
}

func (y *yamlObjects) tooLong() {
	if len(y.buf) == 0 && !y.long {
		y.begin = y.line
	}
	y.long = true
}

// flush yields what was collected.
func (y *yamlObjects) flush(yield func([]byte, int) bool) {
	b, long := y.buf, y.long
	y.buf, y.long = y.buf[:0], false
	if long {
		y.losses.addLong(y.begin)
		return
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return
	}
	object, err := yaml.YAMLToJSON(b)
	if err == nil && string(object) == "null" {
		return // nothing but comments
	}
	if err != nil || !yield(object, y.begin) {
		y.losses.addBroken(y.begin)
	}
}
