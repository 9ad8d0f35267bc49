package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"
)

// generator is an endless audit log of a seed's making: every fifth event is a node's or a
// person's, some carry whole objects, and watches show in two stages.
type generator struct {
	rand     *rand.Rand
	accounts int // 0: every call is another account's
	n        int
	at       time.Time
	left     []byte
	buf      bytes.Buffer
}

func newGenerator(accounts int) *generator {
	return &generator{rand: rand.New(rand.NewPCG(1, 2)), accounts: accounts, at: utc("2026-03-01T00:00:00Z")}
}

func (g *generator) Read(b []byte) (int, error) {
	if len(g.left) == 0 {
		g.buf.Reset()
		g.event()
		g.left = g.buf.Bytes()
	}
	n := copy(b, g.left)
	g.left = g.left[n:]
	return n, nil
}

func (g *generator) event() {
	g.n++
	g.at = g.at.Add(time.Duration(g.rand.IntN(200)) * time.Millisecond)
	user := "system:node:node-" + string(rune('a'+g.n%7))
	pod := ""
	if g.n%5 > 0 {
		account := g.n
		if g.accounts > 0 {
			account = g.rand.IntN(g.accounts)
		}
		user = fmt.Sprintf("system:serviceaccount:ns-%d:account-%d", account%40, account)
		pod = fmt.Sprintf("workload-%d-5d8f7c9b4d-%05x", account, g.rand.IntN(1<<20))
	}
	e := auditEvent{
		id: fmt.Sprintf("%08x-7c1d-4f1e-9b1a-%012x", g.rand.Uint32(), g.n), stage: "ResponseComplete", user: user, pod: pod, code: 200,
		verb: []string{"get", "list", "watch", "patch", "update"}[g.n%5], resource: []string{"secrets", "pods", "leases", "configmaps"}[g.n%4],
		uri: fmt.Sprintf("/api/v1/namespaces/ns-%d/configmaps/object-%d?timeout=10s", g.n%40, g.n), at: g.at.Format("2006-01-02T15:04:05.000000Z"),
	}
	line := e.String()
	if g.n%10 == 0 {
		object := `"requestObject":{"kind":"ConfigMap","apiVersion":"v1","data":{` + strings.Repeat(`"key\"of\"it":"some value of an object","n":[1,2,{"a":null}],`, g.rand.IntN(80)) + `"end":""}},"requestReceived`
		line = strings.Replace(line, `"requestReceived`, object, 1)
	}
	g.buf.WriteString(line)
	g.buf.WriteByte('\n')
}

func generated(accounts int, size int64) []byte {
	b, _ := io.ReadAll(io.LimitReader(newGenerator(accounts), size))
	return b
}

func BenchmarkReadAudit(b *testing.B) {
	log := generated(200, 32<<20)
	gz := []byte(packed(string(log)))
	for name, in := range map[string][]byte{"plain": log, "gzip": gz} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				if err := ReadAudit(context.Background(), bytes.NewReader(in), "log", &Observations{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadAuditList reads the same events in lists, as a webhook receives them.
func BenchmarkReadAuditList(b *testing.B) {
	var list bytes.Buffer
	for i, line := range strings.Split(strings.TrimSpace(string(generated(200, 8<<20))), "\n") {
		switch {
		case i%400 == 0 && i > 0:
			list.WriteString("]}\n")
			fallthrough
		case i == 0:
			list.WriteString(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[`)
		default:
			list.WriteByte(',')
		}
		list.WriteString(line)
	}
	b.SetBytes(int64(list.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := ReadAudit(context.Background(), bytes.NewReader(list.Bytes()), "log", &Observations{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestConstantMemory streams logs far larger than what may be kept of them: one of
// a platform's usual size of names, one in which every call is another account's.
func TestConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("streams 400 MB")
	}
	const size, allowed = 200 << 20, 24 << 20
	for name, accounts := range map[string]int{"300 accounts": 300, "every call another account's": 0} {
		o := &Observations{}
		before := heap()
		if err := ReadAudit(t.Context(), io.LimitReader(newGenerator(accounts), size), "log", o); err != nil {
			t.Fatal(err)
		}
		after := heap()
		grown := after.held - before.held
		t.Logf("%s: %d accounts and %d pods of %d calls kept in %d KiB", name, len(o.accounts), o.pods, o.calls, grown>>10)
		if grown > allowed {
			t.Errorf("%s: %d MiB are kept after %d MiB of log, more than %d MiB", name, grown>>20, size>>20, allowed>>20)
		}
		if peak := after.taken - before.taken; peak > 4*allowed {
			t.Errorf("%s: the process grew by %d MiB while reading", name, peak>>20)
		}
		runtime.KeepAlive(o)
	}
}

// memory is what live objects take, and what the process has ever taken for them.
type memory struct{ held, taken int64 }

func heap() memory {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{int64(m.HeapAlloc), int64(m.HeapSys)}
}

// BenchmarkReadViolations reads long lists of reports and events.
func BenchmarkReadViolations(b *testing.B) {
	items := reportJSON[strings.Index(reportJSON, "        {\n"):strings.Index(reportJSON, "        {\"apiVersion\": \"apps/v1\"")]
	asYAML := strings.TrimSuffix(reportYAML[strings.Index(reportYAML, "- "):], "kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	for name, in := range map[string]string{
		"json": `{"items":[` + strings.Repeat(items, 2000) + "{}]}",
		"yaml": "items:\n" + strings.Repeat(asYAML, 1000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if err := ReadViolations(context.Background(), strings.NewReader(in), "in", &Violations{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDecode compares the scanner with encoding/json on the same lines.
func BenchmarkDecode(b *testing.B) {
	log := generated(200, 4<<20)
	events := bytes.SplitAfter(log[:bytes.LastIndexByte(log, '\n')], []byte("\n"))
	type fields struct {
		AuditID, Stage, Verb, RequestURI string
		User                             struct {
			Username string
			Extra    map[string][]string
		}
		ObjectRef                                *struct{ Resource, Subresource string }
		ResponseStatus                           *struct{ Code int }
		RequestReceivedTimestamp, StageTimestamp time.Time
	}
	for name, decode := range map[string]func([]byte) error{
		"scanner":       new(event).scan,
		"encoding/json": func(line []byte) error { return json.Unmarshal(line, new(fields)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(log)))
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range events {
					if err := decode(line); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
