package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"tokenward/bot/redact"
	"tokenward/gitops/forge/sandbox"
)

// receiver is a collector that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	paths map[string]bool
	spans []*otlp.Span
	text  strings.Builder
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{paths: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.paths[req.URL.Path] = true
		fmt.Fprintln(&r.text, sent.String())
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				r.spans = append(r.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// trace is the spans of the run of a number. Runs of namespaces may follow it, with
// spans of the same names in traces of their own.
func (r *receiver) trace(t *testing.T, run int64) (spans []*otlp.Span) {
	t.Helper()
	root := slices.IndexFunc(r.spans, func(span *otlp.Span) bool {
		return len(span.ParentSpanId) == 0 && slices.ContainsFunc(span.Attributes, func(a *common.KeyValue) bool {
			return a.Key == "tokenward.run" && a.Value.GetIntValue() == run
		})
	})
	if root < 0 {
		t.Fatalf("no span without parent is of run %d: %s", run, r.text.String())
	}
	for _, span := range r.spans {
		if string(span.TraceId) == string(r.spans[root].TraceId) {
			spans = append(spans, span)
		}
	}
	return spans
}

// A run is a trace: its steps are below it, releases and units below them, and what
// failed says why, without secrets.
func TestServeTraces(t *testing.T) {
	t.Parallel()
	r, p := newReceiver(t), newRenderingPlatform(t)
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/merge_requests") {
			return sandbox.Fault{Status: http.StatusForbidden}
		}
		return sandbox.Fault{}
	})
	s := p.serveHere(map[string]string{"TOKENWARD_TRACES_ENDPOINT": r.URL})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1`)
	s.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.paths["/v1/traces"] || len(r.paths) != 1 {
		t.Errorf("sent to %v", r.paths)
	}
	spans := r.trace(t, 1)
	byID, named := map[string]*otlp.Span{}, map[string]*otlp.Span{}
	for _, span := range spans {
		byID[string(span.SpanId)], named[span.Name] = span, span
	}
	for name, parents := range map[string][]string{"run": nil, "discover": {"run"}, "fetch bulletin-bulletin": {"fetch", "run"}, "render bulletin-bulletin": {"render", "run"}, "propose bulletin": {"propose", "run"}} {
		span := named[name]
		if span == nil {
			t.Errorf("no span is called %s", name)
			continue
		}
		for _, parent := range parents {
			if span = byID[string(span.ParentSpanId)]; span == nil || span.Name != parent {
				t.Errorf("%s is not within %s but %v", name, parent, span)
				break
			}
		}
		if parents == nil && len(span.ParentSpanId) != 0 {
			t.Errorf("%s is within something", name)
		}
	}
	failed := ""
	for _, span := range spans {
		if span.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR {
			failed += span.Name + ": " + span.Status.Message + "\n"
		}
	}
	if !strings.Contains(failed, "propose bulletin: ") {
		t.Errorf("a unit that failed is no error of a span: %s", failed)
	}
	if text := r.text.String(); !strings.Contains(text, "tokenward.run") || strings.Contains(text, developer) || strings.Contains(text, serveSecret) {
		t.Error("the traces lack the run's number, or hold a secret")
	}
}

// The standard's variables work, too; what is no URL is refused without showing it.
func TestTracesEndpoint(t *testing.T) {
	t.Parallel()
	r, p := newReceiver(t), newRenderingPlatform(t)
	s := p.serveHere(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": r.URL + "/collect"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1`)
	s.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.paths["/collect/v1/traces"] {
		t.Errorf("sent to %v", r.paths)
	}
	p.environment = map[string]string{"TOKENWARD_TRACES_ENDPOINT": "http://user:hunter2@collector"}
	if code, out, errs := p.run(developer, "scan"); code != exitUsage || strings.Contains(out+errs, "hunter2") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}

// What the standard's variables have that does not fit is said once, without the value,
// and the service runs without traces. Nothing is said where nobody asked for traces.
func TestTracesOfOthers(t *testing.T) {
	t.Parallel()
	const general = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		environment map[string]string
		says        string
	}{
		"no URL":           {map[string]string{general: "collector:4317"}, general},
		"credentials":      {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://user:hunter2@collector"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		"grpc":             {map[string]string{general: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "grpc"},
		"grpc for traces":  {map[string]string{general: "http://collector:4317", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "grpc"},
		"HTTP for traces":  {map[string]string{general: "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, ""},
		"disabled":         {map[string]string{general: "http://collector:4318", "OTEL_SDK_DISABLED": "True"}, "OTEL_SDK_DISABLED"},
		"exported nowhere": {map[string]string{general: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, "OTEL_TRACES_EXPORTER"},
		"nothing asked":    {map[string]string{"OTEL_SDK_DISABLED": "true"}, ""},
	} {
		var log strings.Builder
		around := &surroundings{environ: func(key string) string { return c.environment[key] }, secrets: &redact.Set{}}
		v := &server{surroundings: around, log: slog.New(slog.NewTextHandler(&log, nil))}
		sends := v.traces(t.Context())
		if err := sends.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if said := log.String(); (sends == nil) != (c.says != "" || name == "nothing asked") || strings.Count(said, "no traces are sent") != min(1, len(c.says)) || !strings.Contains(said, c.says) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: sends is %v, the log says %q", name, sends != nil, said)
		}
	}
}
