package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"tokenward/bot/traces"
)

type tracesConfig struct {
	Endpoint string `yaml:"endpoint" doc:"URL of an OpenTelemetry collector that takes traces of the service's runs over OTLP and HTTP, as http://collector:4318; empty sends none. The standard's OTEL_EXPORTER_OTLP_ENDPOINT does the same, and its other variables hold, too."`
}

// check says what is wrong with the endpoint.
func (c tracesConfig) check() error {
	if c.Endpoint == "" {
		return nil
	}
	return traces.CheckEndpoint(c.Endpoint)
}

// traces begins to send traces where the configuration, or else the standard's
// variables, name a collector; nil sends none.
func (v *server) traces(ctx context.Context) (*traces.Traces, error) {
	env := v.surroundings.environ
	key, endpoint := "traces.endpoint", v.config.Traces.Endpoint
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		if endpoint == "" {
			key, endpoint = variable, env(variable)
		}
	}
	if endpoint == "" {
		return nil, nil
	}
	if key == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		endpoint = strings.TrimRight(endpoint, "/") + "/v1/traces"
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		v.surroundings.secrets.Add(headerValues(env(variable))...)
	}
	if err := traces.CheckEndpoint(endpoint); err != nil {
		return nil, usageError{fmt.Errorf("config: %s: %w", key, err)}
	}
	return traces.New(ctx, traces.Config{Endpoint: endpoint, Version: version(), Redact: v.surroundings.secrets.Text, Log: v.log})
}

// headerValues are the values of KEY=VALUE,KEY=VALUE, in which
// the collector's tokens may be.
func headerValues(headers string) []string {
	var out []string
	for pair := range strings.SplitSeq(headers, ",") {
		if _, value, ok := strings.Cut(pair, "="); ok {
			out = append(out, strings.TrimSpace(value))
			if plain, err := url.PathUnescape(value); err == nil {
				out = append(out, strings.TrimSpace(plain))
			}
		}
	}
	return out
}
