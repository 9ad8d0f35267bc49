package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tokenward/bot/service"
)

type serveConfig struct {
	Listen      string   `yaml:"listen" doc:"Address on which webhooks and health checks are answered."`
	Schedules   []string `yaml:"schedules" doc:"Cron expressions, as 0 6 * * Mon-Fri or CRON_TZ=Europe/Berlin 30 5 * * *, at which all umbrellas are run as a whole; in the environment with semicolons between them." separator:";"`
	Timezone    string   `yaml:"timezone" doc:"IANA zone of schedules that name none."`
	Jitter      string   `yaml:"jitter" doc:"By how much a tick of a schedule is put off at most, as 10m."`
	Workers     int      `yaml:"workers" doc:"How many units each replica of the service runs at once." min:"1"`
	Attempts    int      `yaml:"attempts" doc:"After how many failures in a row a unit is parked." min:"1"`
	GracePeriod string   `yaml:"gracePeriod" doc:"How long runs may go on after SIGTERM before they are handed back."`
}

func defaultServe() serveConfig {
	return serveConfig{Listen: ":8080", Schedules: []string{"0 5 * * *"}, Timezone: "UTC", Jitter: "10m", Workers: 2, Attempts: 8, GracePeriod: "25s"}
}

// check names the first key whose value cannot be used.
func (c serveConfig) check() (key string, err error) {
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		return "timezone", fmt.Errorf("must be an IANA zone such as Europe/Berlin: %w", err)
	}
	if _, err := duration(c.GracePeriod); err != nil {
		return "gracePeriod", err
	}
	if _, err := duration(c.Jitter); err != nil {
		return "jitter", err
	}
	if _, err := c.schedules(); err != nil {
		return "schedules", err
	}
	return "", nil
}

func (c serveConfig) schedules() ([]service.Schedule, error) {
	jitter, err := duration(c.Jitter)
	if err != nil {
		return nil, err
	}
	var out []service.Schedule
	for _, text := range c.Schedules {
		s, err := service.ParseSchedule(text, c.Timezone, jitter)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("must be a duration such as 90s or 10m (got %q)", text)
	}
	return d, nil
}

// worksOn tells whether the configuration lets the service work on a namespace.
func (c config) worksOn(namespace string) bool {
	return len(c.Namespaces) == 0 || slices.Contains(c.Namespaces, namespace)
}

// allUmbrellas are the umbrellas of the service, each with a name.
func (c config) allUmbrellas() ([]umbrellaConfig, error) {
	var all []umbrellaConfig
	if c.Umbrella.URL != "" {
		all = append(all, c.Umbrella)
	}
	all = append(all, c.Umbrellas...)
	names := map[string]bool{}
	for i := range all {
		all[i].Name = all[i].called()
		if names[all[i].Name] {
			return nil, usageError{fmt.Errorf("config: umbrellas[%d].name: two umbrellas are called %q: name them", i-(len(all)-len(c.Umbrellas)), all[i].Name)}
		}
		names[all[i].Name] = true
	}
	return all, nil
}

// called is the umbrella's name, which is its repository's where it has none of its own.
func (u umbrellaConfig) called() string {
	return cmp.Or(u.Name, strings.TrimSuffix(path.Base(strings.TrimRight(u.URL, "/")), ".git"))
}

func names(umbrellas []umbrellaConfig) []string {
	var out []string
	for _, u := range umbrellas {
		out = append(out, u.Name)
	}
	return out
}

// hasUmbrella tells whether one of the service's umbrellas is called so.
func (c config) hasUmbrella(name string) bool {
	all, err := c.allUmbrellas()
	return err == nil && slices.Contains(names(all), name)
}
