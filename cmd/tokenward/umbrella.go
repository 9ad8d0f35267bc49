package main

import (
	"context"
	"errors"
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

// withUmbrella narrows the configuration to one of the umbrellas that it names.
func (c config) withUmbrella(u umbrellaConfig, all []umbrellaConfig) config {
	c.Umbrella, c.beside = u, all
	return c
}

// eachUmbrella gives do the bot of every umbrella of the configuration in turn, with the
// umbrella's name. The bots write nothing. What fails with one is told with its name and costs no
// other; a configuration that no bot can be built from ends it.
func eachUmbrella(ctx context.Context, s *surroundings, c config, do func(name string, b *bot.Bot) error) error {
	all, err := c.allUmbrellas()
	if err != nil {
		return err
	}
	var errs []error
	for _, u := range all {
		p := newProgress(s.stderr)
		a, err := newApp(ctx, s, c.withUmbrella(u, all), p, func(b *bot.Config) { b.DryRun = true })
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		err = do(u.Name, a.bot)
		p.finish()
		a.close()
		if err != nil {
			errs = append(errs, fmt.Errorf("umbrella %s: %w", u.Name, err))
		}
	}
	return errors.Join(errs...)
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
			return nil, usageError{fmt.Errorf("umbrella.valuesFiles or --values %s: %w", f, err)}
		}
		values, err := render.ParseValues(raw)
		if err != nil {
			return nil, usageError{fmt.Errorf("umbrella.valuesFiles or --values %s: %w", f, err)}
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
