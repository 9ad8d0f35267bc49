package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tokenward/bot/cache"
)

// noCache as cache.dir turns the cache off.
const noCache = "off"

const minCache = 16 << 20

// openCache opens the folder of results, nil where there is none. A folder that nobody
// asked for and that cannot be made or written is no error.
func openCache(s *surroundings, c config) (*cache.Dir, error) {
	dir := c.Cache.Dir
	if dir == noCache {
		return nil, nil
	}
	if dir == "" {
		if dir = userCache(s.environ); dir == "" {
			return nil, nil
		}
	}
	size, err := byteCount("cache.maxBytes", c.Cache.MaxBytes, minCache)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: %w", err)}
	}
	// What was too much under other limits need not be under these.
	limits := fmt.Sprintf("%s %s %s", c.Rendering.Memory, c.Rendering.Time, c.Rendering.Output)
	d, err := cache.Open(dir, programID()+" "+limits, size)
	if err != nil && c.Cache.Dir != "" {
		return nil, usageError{fmt.Errorf("config: cache.dir: %w: name a folder that can be written, or off for none", err)}
	}
	return d, nil
}

// userCache is the folder that the user's programs keep such things in, "" where there is none.
func userCache(environ func(string) string) string {
	if dir := environ("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tokenward")
	}
	if home := environ("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "tokenward")
	}
	return ""
}

// programID names this program, so that another build does not take its results for
// its own: builds between two versions differ in the file's size and time.
func programID() string {
	name, err := os.Executable()
	if err != nil {
		return version()
	}
	info, err := os.Stat(name)
	if err != nil {
		return version()
	}
	return fmt.Sprintf("%s %d %d", version(), info.Size(), info.ModTime().UnixNano())
}
