package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// flushPkt ends a list of pkt-lines.
const flushPkt = "0000"

// longestPkt is the length of the longest pkt-line, with its four digits.
const longestPkt = 65520

// commandLimit bounds the list of commands at the start of a push.
const commandLimit = 8 << 20

// pktLine frames text as git's protocol does.
func pktLine(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }

// command is the wish to move one ref in a push.
type command struct {
	old, new string // zeroSHA where there is none
	ref      string
}

func (c command) branch() (string, bool) { return strings.CutPrefix(c.ref, "refs/heads/") }
func (c command) creates() bool          { return c.old == zeroSHA }
func (c command) deletes() bool          { return c.new == zeroSHA }

// push is what a client announces before it sends its objects.
type push struct {
	commands     []command
	capabilities []string
}

// sendsObjects says whether a pack follows the commands.
func (p push) sendsObjects() bool {
	for _, c := range p.commands {
		if !c.deletes() {
			return true
		}
	}
	return false
}

func (p push) capable(name string) bool {
	for _, c := range p.capabilities {
		if c == name || strings.HasPrefix(c, name+"=") {
			return true
		}
	}
	return false
}

// readPush reads the announcement from the start of a receive-pack request, up
// to and with its flush packet. It returns the bytes read, so that git can read
// them again.
func readPush(r io.Reader) (push, []byte, error) {
	var p push
	var read bytes.Buffer
	tee := io.TeeReader(io.LimitReader(r, commandLimit), &read)
	for {
		line, err := readPkt(tee)
		if err != nil {
			return p, read.Bytes(), fmt.Errorf("read push commands: %w", err)
		}
		if line == "" {
			return p, read.Bytes(), nil
		}
		if strings.HasPrefix(line, "shallow ") {
			continue
		}
		text, capabilities, first := strings.Cut(line, "\x00")
		if first && p.commands == nil {
			p.capabilities = strings.Fields(capabilities)
		}
		c, err := parseCommand(strings.TrimSuffix(text, "\n"))
		if err != nil {
			return p, read.Bytes(), err
		}
		p.commands = append(p.commands, c)
	}
}

// readPkt returns the text of one pkt-line, empty for a flush packet.
func readPkt(r io.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	length, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil {
		return "", fmt.Errorf("strange length %q", head)
	}
	if length == 0 {
		return "", nil
	}
	if length <= 4 || length > longestPkt {
		return "", fmt.Errorf("strange length %q", head)
	}
	text := make([]byte, length-4)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", err
	}
	return string(text), nil
}

func parseCommand(text string) (command, error) {
	part := strings.SplitN(text, " ", 3)
	if len(part) != 3 || !isSHA(part[0]) || !isSHA(part[1]) || part[2] == "" {
		return command{}, errors.New("read push commands: strange line; is it a signed push?")
	}
	return command{old: part[0], new: part[1], ref: part[2]}, nil
}

func isSHA(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// declined is the answer to a push that a pre-receive hook turned down with
// this text: each line reaches the person as "remote: ...".
func declined(p push, text string) []byte {
	var report, out bytes.Buffer
	report.WriteString(pktLine("unpack ok\n"))
	for _, c := range p.commands {
		report.WriteString(pktLine("ng " + c.ref + " pre-receive hook declined\n"))
	}
	report.WriteString(flushPkt)
	if !p.capable("report-status") && !p.capable("report-status-v2") {
		report.Reset()
	}
	chunk := 0
	switch {
	case p.capable("side-band-64k"):
		chunk = longestPkt - 5
	case p.capable("side-band"):
		chunk = 995
	default:
		return report.Bytes()
	}
	band := func(number byte, data []byte) {
		for len(data) > 0 {
			n := min(len(data), chunk)
			out.WriteString(pktLine(string(number) + string(data[:n])))
			data = data[n:]
		}
	}
	band(2, []byte(text+"\n"))
	band(1, report.Bytes())
	out.WriteString(flushPkt)
	return out.Bytes()
}
