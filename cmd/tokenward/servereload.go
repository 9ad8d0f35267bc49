package main

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"
)

// reloads reads the configuration anew at every SIGHUP.
func (v *server) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.hup:
			before, _ := v.settled().allUmbrellas() // of a configuration that is in force
			if err := v.reload(); err != nil {
				v.log.Error("the new configuration is wrong: the old one stays", "error", err)
				continue
			}
			v.log.Info("configuration read again")
			if keys := v.unheeded(); len(keys) > 0 {
				v.log.Warn("the process works by the old values of some keys until it is started again", "keys", strings.Join(keys, ", "))
			}
			if err := v.service.Changed(ctx, names(v.unchanged(before))); err != nil {
				v.log.Error("cannot ask for the run of an umbrella that is new or configured otherwise", "error", err)
			}
		}
	}
}

// reload takes on what can change while runs go on: everything but startKeys.
func (v *server) reload() error {
	c, err := v.load()
	if err != nil {
		return err
	}
	settings, err := v.settings(c)
	if err != nil {
		return err
	}
	if err := v.service.Reload(settings); err != nil {
		return err
	}
	before := v.settled()
	v.current.Store(&c)
	v.events.renew()
	v.seeing.forget(before, c)
	return nil
}

// unchanged are those of the umbrellas that the configuration has as they are.
func (v *server) unchanged(before []umbrellaConfig) []umbrellaConfig {
	now, _ := v.settled().allUmbrellas() // of a configuration that is in force
	return slices.DeleteFunc(before, func(u umbrellaConfig) bool {
		return !slices.ContainsFunc(now, func(n umbrellaConfig) bool { return reflect.DeepEqual(n, u) })
	})
}

// settled is the configuration that is in force.
func (v *server) settled() config { return *v.current.Load() }

// startKeys are the keys that are read at the start alone; the name of several stands for all of them.
var startKeys = []string{"store", "storePasswordFile", "serve.listen", "serve.workers", "serve.attempts", "admin", "traces", "rendering", "cache"}

// unheeded lists the keys whose values in the configuration are not those that the process works by.
func (v *server) unheeded() []string {
	started, now := v.config, v.settled()
	var keys []string
	for i, was := range configFields(&started) {
		is := configFields(&now)[i]
		read := slices.ContainsFunc(startKeys, func(key string) bool { return was.path == key || strings.HasPrefix(was.path, key+".") })
		if read && !reflect.DeepEqual(was.value.Interface(), is.value.Interface()) {
			keys = append(keys, was.path)
		}
	}
	return keys
}

// grace is how long runs may go on when the service is told to stop.
func (v *server) grace() time.Duration {
	grace, _ := duration(v.settled().Serve.GracePeriod) // of a configuration that is in force
	return grace
}
