package main

import (
	"context"
	"fmt"
	"log/slog"

	"tokenward/bot/redact"
)

// Log levels beside those that slog knows.
const (
	logAuto = "auto" // info for the service, off elsewhere
	logOff  = "off"
)

type logConfig struct {
	Level  string `yaml:"level" doc:"What is logged on standard error, one line per outcome: debug, info, warn, error or off; auto means info with serve and off elsewhere." oneof:"auto debug info warn error off"`
	Format string `yaml:"format" doc:"Form of log lines: text or json." oneof:"text json"`
}

func (c logConfig) validate() error {
	fail := func(key, must, got string) error {
		return usageError{fmt.Errorf("config: %s: must be %s (got %q)", key, must, got)}
	}
	if _, ok := c.level(); !ok && c.Level != logAuto && c.Level != logOff {
		return fail("log.level", "auto, debug, info, warn, error or off", c.Level)
	}
	if c.Format != "text" && c.Format != "json" {
		return fail("log.format", "text or json", c.Format)
	}
	return nil
}

// level reads the level; false means that nothing is logged.
func (c logConfig) level() (slog.Level, bool) {
	level, ok := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level]
	return level, ok
}

// logger writes to standard error what the configuration asks for, without the
// secrets that were read until then or are read later.
func (s *surroundings) logger(c logConfig) *slog.Logger {
	return s.loggerBy(func() logConfig { return c })
}

// loggerBy is logger by the configuration that is in force when something is logged.
func (s *surroundings) loggerBy(now func() logConfig) *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.LevelDebug} // logHandler has the say
	handler := logHandler{now: now, text: slog.NewTextHandler(s.stderr, all), json: slog.NewJSONHandler(s.stderr, all)}
	return slog.New(redact.NewHandler(handler, s.secrets))
}

// logHandler hands records on as the configuration asks that is in force when they come.
type logHandler struct {
	now        func() logConfig
	text, json slog.Handler
}

// Enabled implements slog.Handler.
func (h logHandler) Enabled(_ context.Context, l slog.Level) bool {
	least, ok := h.now().level()
	return ok && l >= least
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.now().Format == "json" {
		return h.json.Handle(ctx, r)
	}
	return h.text.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.now, h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.now, h.text.WithGroup(name), h.json.WithGroup(name)}
}
