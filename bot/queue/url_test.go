package queue

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for store, want := range map[string]string{
		"sqlite:///var/lib/tokenward/store.db": "",
		"sqlite:store.db":                      "",
		"postgres://bot@db/tokenward":          "",
		"postgresql://bot@db:5432/tokenward":   "",
		"sqlite://store.db":                    "sqlite:///PATH",
		"mysql://db/x":                         "postgres://",
		"":                                     "sqlite:///PATH",
		"postgres://bot:hunter2@db/tokenward":  "password",
		"postgres://db/t?password=hunter2":     "password",
		"postgres://bot@db:notaport/tokenward": "",
	} {
		err := CheckURL(store)
		if store == "postgres://bot@db:notaport/tokenward" {
			if err == nil {
				t.Error("a port that is none passes")
			}
			continue
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", store, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", store, err)
		}
	}
}

// Two processes with one SQLite file would each take the other for dead.
func TestSQLiteIsForOneProcess(t *testing.T) {
	t.Parallel()
	store := "sqlite://" + filepath.Join(t.TempDir(), "store.db")
	q, err := Open(t.Context(), Config{URL: store})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ended, Config{URL: store}); !errors.Is(err, context.Canceled) {
		t.Errorf("a second process opens it: %v", err)
	}
	closeQueue(t, q)
	q, err = Open(t.Context(), Config{URL: store})
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	closeQueue(t, q)
}
