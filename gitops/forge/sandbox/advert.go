package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// advertisement returns the refs as git's service advertises them, or with protocol v2
// the capabilities. With a memory, git is asked once for what it can do, and the
// lines of refs are put together from what is known.
func (s *Server) advertisement(ctx context.Context, p *project, service, protocol string, refs refs, ask func() ([]byte, error)) ([]byte, error) {
	key := question("advertise", service, protocol, refs.String())
	if known, ok := p.memory.get(key); ok {
		return known.out, nil
	}
	can := question("capabilities", service, refs.head, strconv.FormatBool(refs.commits[refs.head] != ""))
	if known, ok := p.memory.get(can); ok && protocol == "" && !p.borrows() {
		out, err := composed(ctx, p.git(), service == uploadPack, refs, string(known.out))
		if err == nil && out != nil {
			p.memory.put(key, remembered{out: out})
		}
		if err != nil || out != nil {
			return out, err
		}
	}
	out, err := ask()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", service, err)
	}
	p.memory.put(key, remembered{out: out})
	first, _, _ := bytes.Cut(out, []byte("\n"))
	if _, text, found := bytes.Cut(first, []byte("\x00")); found {
		p.memory.put(can, remembered{out: text})
	}
	return out, nil
}

// composed writes an advertisement of version 0 with these capabilities; nil for a
// repository without refs, of which git speaks otherwise. Only a fetch is told of
// HEAD, and where tags lead.
func composed(ctx context.Context, git gitRun, fetch bool, refs refs, capabilities string) ([]byte, error) {
	if len(refs.commits) == 0 {
		return nil, nil
	}
	var lines []string
	if sha := refs.commits[refs.head]; sha != "" && fetch {
		lines = append(lines, sha+" HEAD")
	}
	for _, name := range sortedKeys(refs.commits) {
		sha := refs.commits[name]
		lines = append(lines, sha+" "+name)
		if !fetch || strings.HasPrefix(name, "refs/heads/") { // a branch is a commit
			continue
		}
		leadsTo, err := git.settledLine(ctx, "rev-parse", sha+"^{}")
		if err != nil {
			return nil, err
		}
		if leadsTo != sha {
			lines = append(lines, leadsTo+" "+name+"^{}")
		}
	}
	lines[0] += "\x00" + capabilities
	var out strings.Builder
	for _, line := range lines {
		out.WriteString(pktLine(line + "\n"))
	}
	return []byte(out.String() + flushPkt), nil
}

// borrows says whether the repository finds objects in another, whose refs git then
// tells those who push.
func (p *project) borrows() bool {
	_, err := os.Stat(filepath.Join(p.dir, "objects", "info", "alternates"))
	return !errors.Is(err, fs.ErrNotExist)
}
