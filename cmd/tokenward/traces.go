package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tokenward/bot"
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
// variables, name a collector; nil sends none. The standard's variables may be meant for
// other programs: what is wrong with them costs the traces and a warning, not the start.
func (v *server) traces(ctx context.Context) *traces.Traces {
	env, endpoint := v.surroundings.environ, v.config.Traces.Endpoint
	var err error
	if endpoint == "" {
		endpoint, err = standardEndpoint(env)
	}
	if endpoint == "" {
		return nil
	}
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		v.surroundings.secrets.Add(headerValues(env(variable))...)
	}
	switch {
	case strings.EqualFold(env("OTEL_SDK_DISABLED"), "true"):
		err = errors.New("OTEL_SDK_DISABLED is true")
	case env("OTEL_TRACES_EXPORTER") == "none":
		err = errors.New("OTEL_TRACES_EXPORTER is none")
	}
	var t *traces.Traces
	if err == nil {
		t, err = traces.New(ctx, traces.Config{Endpoint: endpoint, Version: version(), Redact: v.surroundings.secrets.Text, Log: v.log})
	}
	if err != nil {
		v.log.Warn("no traces are sent", bot.LogReason, err.Error())
		return nil
	}
	return t
}

// standardEndpoint is where the standard's variables send traces, "" for nowhere. The
// error says why they cannot be sent there, without showing the value.
func standardEndpoint(env func(string) string) (string, error) {
	key, protocol := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	endpoint := env(key)
	if endpoint == "" {
		key = "OTEL_EXPORTER_OTLP_ENDPOINT"
		if endpoint = env(key); endpoint != "" {
			endpoint = strings.TrimRight(endpoint, "/") + "/v1/traces"
		}
	}
	if endpoint == "" {
		return "", nil
	}
	if err := traces.CheckEndpoint(endpoint); err != nil {
		return endpoint, fmt.Errorf("%s: %w", key, err)
	}
	if cmp.Or(protocol, env("OTEL_EXPORTER_OTLP_PROTOCOL")) == "grpc" {
		return endpoint, fmt.Errorf("%s: the protocol is grpc, and traces go over HTTP alone", key)
	}
	return endpoint, nil
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
