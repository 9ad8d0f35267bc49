package sandbox

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	shaA = strings.Repeat("a", 40)
	shaB = strings.Repeat("b", 40)
)

func TestReadPush(t *testing.T) {
	t.Parallel()
	head := pktLine("shallow "+shaA) +
		pktLine(shaA+" "+shaB+" refs/heads/main\x00 report-status side-band-64k agent=git/2") +
		pktLine(zeroSHA+" "+shaB+" refs/heads/new\n") + flushPkt
	stream := strings.NewReader(head + "PACK...")
	got, read, err := readPush(stream)
	if err != nil {
		t.Fatal(err)
	}
	want := []command{{shaA, shaB, "refs/heads/main"}, {zeroSHA, shaB, "refs/heads/new"}}
	if diff := cmp.Diff(want, got.commands, cmp.AllowUnexported(command{})); diff != "" {
		t.Errorf("commands differ:\n%s", diff)
	}
	if !got.capable("side-band-64k") || !got.capable("agent") || got.capable("side-band") || got.commands[0].creates() || !got.commands[1].creates() {
		t.Errorf("capabilities are %q", got.capabilities)
	}
	rest, err := io.ReadAll(stream)
	if err != nil || string(read) != head || string(rest) != "PACK..." {
		t.Errorf("read %q and left %q (%v)", read, rest, err)
	}
}

func TestReadPushRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "00", "zzzz", "0001", "0003", "fff1", "0010abc", pktLine("push-cert\x00caps") + flushPkt, pktLine(shaA+" "+shaB) + flushPkt, pktLine(shaA + " " + shaB + " refs/heads/x")} {
		if _, _, err := readPush(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestDeclined(t *testing.T) {
	t.Parallel()
	p := push{commands: []command{{shaA, shaB, "refs/heads/x"}}, capabilities: []string{"report-status"}}
	const report = "000eunpack ok\n002eng refs/heads/x pre-receive hook declined\n0000"
	if got := string(declined(p, "no")); got != report {
		t.Errorf("without side-band: %q", got)
	}
	p.capabilities = append(p.capabilities, "side-band-64k")
	if got, want := string(declined(p, "no")), "0008\x02no\n"+pktLine("\x01"+report)+"0000"; got != want {
		t.Errorf("with side-band-64k: %q, want %q", got, want)
	}
}

func FuzzReadPush(f *testing.F) {
	f.Add([]byte(pktLine(shaA+" "+shaB+" refs/heads/main\x00report-status") + flushPkt + "PACK"))
	f.Add([]byte("0000"))
	f.Add([]byte("fff0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		stream := bytes.NewReader(data)
		p, read, err := readPush(stream)
		rest, _ := io.ReadAll(stream)
		if !bytes.Equal(append(read, rest...), data) {
			t.Errorf("read %q and left %q of %q", read, rest, data)
		}
		if err != nil {
			return
		}
		for _, c := range p.commands {
			if !isSHA(c.old) || !isSHA(c.new) || c.ref == "" {
				t.Errorf("command %+v", c)
			}
		}
		declined(p, "no")
	})
}
