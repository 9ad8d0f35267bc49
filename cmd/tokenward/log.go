package main

import (
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
	level, ok := c.level()
	if !ok {
		return slog.New(slog.DiscardHandler)
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(s.stderr, options)
	if c.Format == "json" {
		handler = slog.NewJSONHandler(s.stderr, options)
	}
	return slog.New(redact.NewHandler(handler, s.secrets))
}
