// Package traces sends what runs do as OpenTelemetry traces over OTLP and HTTP: a run is
// a trace, its steps and the releases and units inside of them are spans. It owns the
// connection to the collector. It refuses to hold a run up: what the collector does not
// take in time is lost. The log says so of what was sent in vain, and not of what found
// the queue full.
package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tokenward/bot"
)

// Config says where traces go.
type Config struct {
	// Endpoint is the collector's URL. Headers, certificates and the like come from
	// the environment, as the OTEL_EXPORTER_OTLP_ variables have it.
	Endpoint string
	Version  string
	// Redact strikes secrets from what is sent; nil strikes none.
	Redact func(string) string
	Log    *slog.Logger
}

// Run is which run the steps belong to.
type Run struct {
	Umbrella, Namespace string // Namespace is "" for the whole umbrella
	Number              int64  // as the admin page has it
}

// Traces sends traces. The nil Traces sends none.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	redact   func(string) string
}

// CheckEndpoint says what is wrong with a collector's URL.
func CheckEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be an http or https URL without credentials and query")
	}
	return nil
}

// New begins to send. It does not ask whether the collector is there.
func New(ctx context.Context, cfg Config) (*Traces, error) {
	if err := CheckEndpoint(cfg.Endpoint); err != nil {
		return nil, fmt.Errorf("traces endpoint %w", err)
	}
	client, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(signalURL(cfg.Endpoint)))
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "tokenward"), attribute.String("service.version", cfg.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe the service for traces: %w", err)
	}
	t := &Traces{redact: cfg.Redact}
	if t.redact == nil {
		t.redact = func(s string) string { return s }
	}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(told{client, cfg.Log}), sdk.WithResource(about))
	t.tracer = t.provider.Tracer("tokenward")
	return t, nil
}

// signalURL is where traces go at a collector: the path is the standard's where none is given.
func signalURL(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && strings.Trim(u.Path, "/") == "" {
		return u.JoinPath("v1", "traces").String()
	}
	return endpoint
}

// Steps listens to one run's steps.
func (t *Traces) Steps(r Run) bot.StepFunc {
	if t == nil {
		return func(ctx context.Context, _, _ string) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	return func(ctx context.Context, step, about string) (context.Context, func(error)) {
		attributes := []attribute.KeyValue{attribute.String("tokenward.umbrella", t.redact(r.Umbrella)), attribute.Int64("tokenward.run", r.Number)}
		if r.Namespace != "" {
			attributes = append(attributes, attribute.String("tokenward.namespace", t.redact(r.Namespace)))
		}
		name := step
		if about != "" {
			name += " " + t.redact(about)
			attributes = append(attributes, attribute.String("tokenward.about", t.redact(about)))
		}
		ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
		return ctx, func(err error) {
			if err != nil {
				span.SetStatus(codes.Error, t.redact(err.Error()))
			}
			span.End()
		}
	}
}

// Close sends what is left, until ctx ends.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// told logs that traces were lost, which else nobody hears of.
type told struct {
	sdk.SpanExporter
	log *slog.Logger
}

// ExportSpans implements sdk.SpanExporter.
func (e told) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Warn("traces are lost", bot.LogReason, err.Error(), "spans", len(spans))
	}
	return nil
}
