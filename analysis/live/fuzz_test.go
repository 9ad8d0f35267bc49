package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// plainEvent is what scan must find, read the slow way.
type plainEvent struct {
	AuditID, Stage, Verb, URI, Resource, Subresource string
	Username, Namespace, Account, Pod                string
	Code                                             int
	At                                               time.Time
}

func slowly(b []byte) (plainEvent, bool) {
	var v map[string]any
	if json.Unmarshal(b, &v) != nil || v == nil {
		return plainEvent{}, false
	}
	text := func(m map[string]any, key string) string {
		s, _ := m[key].(string)
		return s
	}
	object := func(m map[string]any, key string) map[string]any {
		o, _ := m[key].(map[string]any)
		return o
	}
	user, ref := object(v, "user"), object(v, "objectRef")
	e := plainEvent{
		AuditID: text(v, "auditID"), Stage: text(v, "stage"), Verb: text(v, "verb"), URI: text(v, "requestURI"),
		Resource: text(ref, "resource"), Subresource: text(ref, "subresource"), Username: text(user, "username"),
	}
	if code, ok := object(v, "responseStatus")["code"].(float64); ok && code == float64(int(code)) {
		e.Code = int(code)
	}
	if pods, _ := object(user, "extra")["authentication.kubernetes.io/pod-name"].([]any); len(pods) > 0 {
		if e.Pod, _ = pods[0].(string); !plain([]byte(e.Pod), 253) {
			e.Pod = ""
		}
	}
	if rest, ok := strings.CutPrefix(e.Username, accountPrefix); ok {
		namespace, name, _ := strings.Cut(rest, ":")
		if plain([]byte(namespace), 63) && plain([]byte(name), 253) {
			e.Namespace, e.Account = namespace, name
		}
	}
	for _, key := range []string{"requestReceivedTimestamp", "stageTimestamp"} {
		if at, err := time.Parse(time.RFC3339, text(v, key)); err == nil && !at.IsZero() {
			e.At = at
		}
	}
	return e, true
}

func (e *event) plain() plainEvent {
	return plainEvent{
		string(e.auditID), string(e.stage), string(e.verb), string(e.uri), string(e.resource), string(e.subresource),
		string(e.username), string(e.namespace), string(e.account), string(e.pod), e.code, e.at,
	}
}

// FuzzEvent holds the scanner to encoding/json: it reads every valid object alike,
// and never takes what is no object.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(getSecret(1, "2026-03-02T10:00:00.000000Z").String()))
	f.Add([]byte(node("2026-03-02T10:00:00Z").String()))
	for _, s := range []string{
		`{}`, `null`, `{"user":null,"stage":1}`, `{"user":{"username":"system:serviceaccount:a:b"},"user":{}}`,
		`{"verb":"\u0067et\"","auditID":"\\","x":"\\\""}`, `{"user":{"username":"system:serviceaccount:a:b:c","extra":{"authentication.kubernetes.io/pod-name":[]}}}`,
		` { "a" : [ 1 , { "]" : "}" } , -1.5e3 ] , "responseStatus" : { "code" : 403 } } `, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":tru`, `[{}]`, `{}}`,
		`{"user":{"extra":{"authentication.kubernetes.io/pod-name":["web-0",7]}},"objectRef":{"resource":"pods","subresource":"log"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e event
		err := e.scan(bytes.Clone(b))
		if !utf8.Valid(b) {
			return
		}
		want, ok := slowly(b)
		if !ok {
			if err == nil && (json.Valid(b) || b[bytes.IndexByte(b, '{')] != '{') {
				t.Fatalf("%q is taken for an object", b)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q is refused: %v", b, err)
		}
		got := e.plain()
		if odd(b) {
			got.Code, want.Code = 0, 0
		}
		got.At, want.At = sane(got.At), sane(want.At)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q\n%s", b, d)
		}
	})
}

// odd tells whether a code may be written as no API server writes it, as 2e2.
func odd(b []byte) bool {
	return bytes.ContainsAny(b, "eE.") && bytes.Contains(b, []byte("responseStatus"))
}

// sane puts aside times that the two parsers may read differently.
func sane(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// FuzzAudit reads anything as a log: it ends, keeps within its bounds and never
// shows what could hurt a terminal.
func FuzzAudit(f *testing.F) {
	a, b := getSecret(1, "2026-03-02T10:00:00Z").String(), node("2026-03-03T10:00:00Z").String()
	for _, s := range []string{
		a + "\n" + b, a[:300] + "\n" + a, `{"kind":"EventList","items":[` + a + "," + b + "]}\n" + a, "[" + a + ",\n" + b + "]", "{\n" + a[1:], packed(a), packed(a)[:40],
		"[[[[", `{"items":[`, `{"items":[}]`, "\ufeff" + a, "{\n\"items\":[1,\"\\\"", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		o := &Observations{limits: limits{accounts: 3, pods: 3, accountPods: 2, phrases: 3, verbs: 2, open: 2, hours: 2}, MinSpan: 1}
		err := ReadAudit(t.Context(), bytes.NewReader(log), "log", o)
		if len(o.accounts) > 3 || o.pods > 3 || len(o.names) > 3 || len(o.open)+len(o.oldOpen) > 4 || len(o.hours) > 2 {
			t.Fatalf("bounds are exceeded: %+v", o)
		}
		for key := range o.accounts {
			namespace, name, _ := strings.Cut(key, ":")
			c, ok := o.Calls(namespace, name)
			if ok != (c.Count > 0) || strings.ContainsFunc(c.Words()+strings.Join(c.Pods, " "), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%q: %+v", key, c)
			}
			if o.Silent(namespace, name) {
				t.Fatalf("%q was seen and is silent", key)
			}
		}
		if err != nil && !strings.HasPrefix(err.Error(), "read audit log log: ") {
			t.Fatal(err)
		}
	})
}

// FuzzDocuments holds the splitter to encoding/json: of a valid list it yields the
// objects among the elements, of any other object itself.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"items":[]}`, `{"a":{"items":[1]},"items" : [ {"a":1} , {} ],"kind":"List"}`, `{"x":"items","y":["items"],"items":{"a":[{}]}}`,
		`[1,"]",{"a":"}"},[{"b":2}],null,{}]`, `{"items":["a\\",{"c":"\"]"}]}`, `{"items":[1`, `{"a":"items`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &documents{in: bufio.NewReaderSize(bytes.NewReader(b), 16), longest: 1 << 20, line: 1}
		var got []string
		err := d.next(func(object []byte, line int) error {
			if line < 1 || line > 1+bytes.Count(b, []byte("\n")) {
				t.Fatalf("line %d", line)
			}
			got = append(got, string(object))
			return nil
		})
		var list []json.RawMessage
		switch v := bytes.TrimSpace(b); {
		case !json.Valid(b):
			return
		case v[0] == '[':
			_ = json.Unmarshal(v, &list)
		case v[0] == '{':
			items, n := itemsOf(v)
			if n > 1 {
				return
			}
			list = []json.RawMessage{v}
			if n == 1 {
				list = items
			}
		default:
			if !errors.Is(err, errNotADocument) {
				t.Fatalf("%q: %v", b, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		var want []string
		for _, one := range list {
			if one[0] == '{' {
				want = append(want, string(one))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q\n%s", b, d)
		}
	})
}

// itemsOf returns an object's items and how many arrays of that name it has.
func itemsOf(object []byte) (items []json.RawMessage, n int) {
	dec := json.NewDecoder(bytes.NewReader(object))
	_, _ = dec.Token()
	for dec.More() {
		_, _ = dec.Token()
		from := dec.InputOffset()
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, 2
		}
		key := object[:from]
		if bytes.HasSuffix(key, []byte(`"items"`)) && value[0] == '[' {
			n++
			_ = json.Unmarshal(value, &items)
		}
	}
	return items, n
}

// FuzzReports reads anything as reports and events.
func FuzzReports(f *testing.F) {
	for _, s := range []string{
		reportJSON, eventJSON, reportYAML, "items:\n- kind: PolicyReport\n", "---\n---\nkind: Event\n", "{", "[{}]", "a: &a [*a]", "items:\n  - {}\n -\n", "items:\n-\n  kind: x\nkind: List\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v := &Violations{limit: 3}
		err := ReadViolations(t.Context(), bytes.NewReader(in), "in", v)
		if err != nil && !strings.HasPrefix(err.Error(), "read policy reports from in: ") {
			t.Fatal(err)
		}
		all := v.All()
		if len(all) > 3 {
			t.Fatalf("%d violations are kept", len(all))
		}
		for _, one := range all {
			text := one.Policy + one.Rule + one.Kind + one.Namespace + one.Name
			if len(text) > 6*253 || strings.ContainsAny(text, "\x00\x1b\n\r") || !utf8.ValidString(text) {
				t.Fatalf("%+v", one)
			}
		}
		_ = Groups(all)
	})
}
