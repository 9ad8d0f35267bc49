package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"tokenward/analysis/render"
	"tokenward/bot"
)

// read turns an umbrella's keys into what the bot works on.
func (u umbrellaConfig) read() (bot.Umbrella, error) {
	values, err := readValues(u.ValuesFiles)
	if err != nil {
		return bot.Umbrella{}, err
	}
	repository, err := umbrellaURL(u.URL)
	if err != nil {
		return bot.Umbrella{}, err
	}
	return bot.Umbrella{
		Repository: repository, Ref: parseRef(u.Ref), ChartDir: u.Chart,
		ValuesPath: u.ValuesPaths, Values: values, ReleaseName: u.ReleaseName, Namespace: u.Namespace,
	}, nil
}

// readBeside reads the umbrellas that the service runs beside this one.
func (c config) readBeside() ([]bot.Umbrella, error) {
	var out []bot.Umbrella
	for _, u := range c.beside {
		read, err := u.read()
		if err != nil {
			return nil, err
		}
		out = append(out, read)
	}
	return out, nil
}

func readValues(files []string) ([]map[string]any, error) {
	var out []map[string]any
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, usageError{fmt.Errorf("read values: %w", err)}
		}
		values, err := render.ParseValues(raw)
		if err != nil {
			return nil, usageError{fmt.Errorf("parse values %s: %w", f, err)}
		}
		out = append(out, values)
	}
	return out, nil
}

// umbrellaURL turns a folder into a file URL and leaves URLs alone.
func umbrellaURL(given string) (string, error) {
	info, err := os.Stat(given)
	if err != nil || !info.IsDir() {
		return given, nil
	}
	path, err := filepath.Abs(given)
	if err != nil {
		return "", usageError{fmt.Errorf("umbrella %s: %w", given, err)}
	}
	return (&url.URL{Scheme: "file", Path: path}).String(), nil
}
