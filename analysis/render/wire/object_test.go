package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenward/analysis/render"
)

// What a worker renders arrives whole.
func TestOutputArrivesWhole(t *testing.T) {
	t.Parallel()
	values := map[string]any{"a": int64(1)}
	want := &render.Output{ReadValues: func() map[string]any { return values }, Objects: []*render.Object{{
		APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Own: "own", Name: "migrate-1", Later: "migrate-2", Source: "chart/templates/job.yaml",
		Line: 2, Hook: []string{"pre-upgrade"}, ReadFields: render.Held(map[string]any{"kind": "Job"}),
	}}}
	message, err := Output(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadOutput(message)
	if err != nil {
		t.Fatal(err)
	}
	fields := cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })
	if diff := cmp.Diff(want, got, fields, cmpopts.IgnoreFields(render.Output{}, "Message", "ReadValues")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(values, got.Values()); diff != "" {
		t.Error(diff)
	}
}

// What ConfigMaps hold arrives as it was packed, and what is kept of a message is the message.
func TestTextsStayPacked(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"kind": "ConfigMap", "data": map[string]any{"a": "1", "b": "2"}, "metadata": map[string]any{"name": "c"}}
	message, err := Output(&render.Output{Objects: []*render.Object{
		{APIVersion: "v1", Kind: "ConfigMap", Name: "c", ReadFields: render.Held(fields)}, {Kind: "Service", ReadFields: render.Held(map[string]any{"data": "d"})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadOutput(message)
	if err != nil {
		t.Fatal(err)
	}
	if o := got.Objects[0]; len(o.Packed) != 1 || len(o.Fields()) != 2 {
		t.Errorf("got %+v", o)
	}
	if diff := cmp.Diff(fields, got.Objects[0].Whole()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"data": "d"}, got.Objects[1].Fields()); diff != "" {
		t.Error(diff)
	}
	if again, err := Output(got); err != nil || &again[0] != &message[0] {
		t.Errorf("the message is written anew: %v", err)
	}
	again, err := Output(&render.Output{Objects: got.Objects})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = ReadOutput(again); err != nil || cmp.Diff(fields, got.Objects[0].Whole()) != "" {
		t.Errorf("written anew it is %v, %v", got, err)
	}
	at := bytes.LastIndex(message, []byte("\x01a\x011"))
	if at < 0 {
		at = bytes.LastIndex(message, []byte("\x01b\x012"))
	}
	message[at] = 9
	if _, err := ReadOutput(message); err == nil {
		t.Error("damaged texts are read")
	}
}

// A chart arrives whole, whether its files are copied into the message or stand apart in it.
func TestChartArrivesWhole(t *testing.T) {
	t.Parallel()
	want := &render.Chart{Dir: "chart", Name: "web", Files: []render.File{
		{Name: "Chart.yaml", Data: []byte("name: web"), Source: "chart/Chart.yaml"},
		{Name: "a", Data: bytes.Repeat([]byte("a"), worthApart-1)}, {Name: "b", Data: bytes.Repeat([]byte("b"), worthApart)},
		{Name: "c", Data: bytes.Repeat([]byte("c"), 3*worthApart)}, {Name: "d", Data: []byte("d")},
	}}
	request := render.Request{ReleaseName: "web", Values: map[string]any{"a": "b"}}
	message, err := Chart(want, request)
	if err != nil {
		t.Fatal(err)
	}
	got, asked, err := ReadChart(bytes.Join(message, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(render.Chart{})); diff != "" || asked.ReleaseName != "web" || asked.Values["a"] != "b" {
		t.Error(diff, asked)
	}
	if &message[1][0] != &want.Files[2].Data[0] {
		t.Error("a large file was copied")
	}
}

// What is known of a chart stays so, however little that is.
func TestFactsArriveWhole(t *testing.T) {
	t.Parallel()
	for _, want := range []render.Facts{{Digest: "d"}, {Digest: "d", Bytes: 1 << 40, Asks: []string{"a/v1", "b/v1"}, AsksOpenly: true, Words: "\na.b\n", MentionsCRDs: true}} {
		message := Facts(want)
		if got, err := ReadFacts(message); err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%v %s", err, cmp.Diff(want, got))
		}
		if got, err := ReadFacts(message[:len(message)-1]); err == nil {
			t.Errorf("cut short they are %+v", got)
		}
	}
	if got, err := ReadFacts(Facts(render.Facts{Bytes: 1})); err == nil {
		t.Errorf("without a digest they are %+v", got)
	}
}

// Values that cannot be read are none, and what else there is stays.
func TestDamagedValuesAreNone(t *testing.T) {
	t.Parallel()
	message, err := Output(&render.Output{ReadValues: func() map[string]any { return map[string]any{"a": "b"} }})
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []byte{0xff, tagInt} {
		at := bytes.LastIndexByte(message, tagString)
		damaged := bytes.Clone(message)
		damaged[at] = damage
		if got, err := ReadOutput(damaged); err != nil || got.Values() != nil {
			t.Errorf("%#x: %v, %v", damage, got.Values(), err)
		}
	}
}

func FuzzReadFacts(f *testing.F) {
	f.Add(Facts(render.Facts{Digest: "d", Bytes: 3, Asks: []string{"a/v1"}, Words: "\na.b\n"}))
	f.Fuzz(func(t *testing.T, message []byte) {
		facts, err := ReadFacts(message)
		if err != nil {
			return
		}
		if again, err := ReadFacts(Facts(facts)); err != nil || cmp.Diff(facts, again) != "" {
			t.Errorf("read again: %v %s", err, cmp.Diff(facts, again))
		}
	})
}

// TestElementsAreBounded reads a message of nothing but lengths and empty elements, from a worker that is not to be trusted.
func TestElementsAreBounded(t *testing.T) {
	t.Parallel()
	const many = maxValues + 1
	for name, build := range map[string]func(w *writer){
		"objects": func(w *writer) { w.len(many) },
		"invalid": func(w *writer) { w.len(0); w.len(many) },
		"CRDs":    func(w *writer) { w.len(0); w.len(0); w.len(many) },
	} {
		var w writer
		build(&w)
		if _, err := ReadOutput(append(w.buf, make([]byte, 4*many)...)); !errors.Is(err, errMany) {
			t.Errorf("%s: %v, want %v", name, err, errMany)
		}
	}
}
