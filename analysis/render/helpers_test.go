package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// asFields compares manifests by what they hold.
var asFields = cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })

func TestMain(m *testing.M) {
	RedirectHelmLog(io.Discard)
	os.Exit(m.Run())
}

// tree makes a repository of paths and contents.
func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

// simple makes a repository whose folder chart holds a chart called web with the given files.
func simple(files map[string]string) fstest.MapFS {
	all := map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"}
	for name, content := range files {
		all["chart/"+name] = content
	}
	return tree(all)
}

func mustLoad(t *testing.T, fsys fstest.MapFS, ignore string) *Chart {
	t.Helper()
	c, err := LoadChart(fsys, "chart", ignore)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustRender renders the chart in folder chart as release demo in namespace shop.
func mustRender(t *testing.T, fsys fstest.MapFS, r Request) *Output {
	t.Helper()
	out, err := tryRender(fsys, r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryRender(fsys fstest.MapFS, r Request) (*Output, error) {
	c, err := LoadChart(fsys, "chart", "")
	if err != nil {
		return nil, err
	}
	if r.ReleaseName == "" {
		r.ReleaseName, r.Namespace = "demo", "shop"
	}
	return Render(context.Background(), c, r)
}

// ids lists objects as "Kind namespace/name".
func ids(objects []*Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, o.ID())
	}
	return out
}

// archive packs files as helm package does, below a folder called root.
func archive(t *testing.T, root string, files map[string]string) string {
	t.Helper()
	return string(packed(t, func(w *tar.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			content := files[name]
			if err := w.WriteHeader(&tar.Header{Name: root + "/" + name, Mode: 0o644, Size: int64(len(content))}); err != nil {
				return err
			}
			if _, err := w.Write([]byte(content)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// packed is a compressed archive of what is written to it.
func packed(t *testing.T, write func(*tar.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	if err := errors.Join(write(w), w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wantError checks that an error says all of the words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}
