// Package storetest gives tests a store of their own. Only tests import it.
package storetest

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// SQLite returns the URL of a file that does not exist yet.
func SQLite(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "store.db") }

// Postgres makes a schema on the server that TOKENWARD_TEST_POSTGRES names and drops it
// after the test. Without a server the test is skipped.
func Postgres(t testing.TB) (store, password string) {
	t.Helper()
	if os.Getenv("TOKENWARD_TEST_POSTGRES") == "" {
		t.Skip("needs TOKENWARD_TEST_POSTGRES, the URL of a PostgreSQL server")
	}
	server, err := url.Parse(os.Getenv("TOKENWARD_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", server.String())
	if err != nil {
		t.Fatal(err)
	}
	schema := "t" + strings.ToLower(rand.Text()[:12])
	if _, err := db.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	password, _ = server.User.Password()
	server.User = url.User(server.User.Username())
	q := server.Query()
	q.Set("search_path", schema)
	server.RawQuery = q.Encode()
	return server.String(), password
}
