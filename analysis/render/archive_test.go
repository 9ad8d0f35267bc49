package render

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// Archives are read as Helm's loader reads them, and refused where it refuses them.
func TestArchivesAreReadAsHelmReadsThem(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 40) + "name.yaml"
	for name, headers := range map[string][]tar.Header{
		"a chart":                {{Name: "web/Chart.yaml", Size: 5}, {Name: "web/templates/a.yaml", Size: 700}},
		"folders":                {{Name: "web/", Typeflag: tar.TypeDir}, {Name: "web/Chart.yaml", Size: 5}},
		"a long name":            {{Name: "web/" + long, Size: 5}},
		"Windows":                {{Name: `web\templates\a.yaml`, Size: 5}},
		"dots inside":            {{Name: "web/./a/../b.yaml", Size: 5}},
		"a link":                 {{Name: "web/a", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}},
		"a global header":        {{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, {Name: "web/a", Size: 1}},
		"empty":                  {},
		"nothing but a folder":   {{Name: "web/", Typeflag: tar.TypeDir}},
		"no folder":              {{Name: "Chart.yaml", Size: 5}},
		"no folder, other":       {{Name: "values.yaml", Size: 5}},
		"absolute":               {{Name: "web//etc/passwd", Size: 5}},
		"out of it":              {{Name: "web/../../a", Size: 5}},
		"Windows, partly":        {{Name: `web/templates\b.yaml`, Size: 5}},
		"the folder itself":      {{Name: "web/.", Size: 5}},
		"a drive":                {{Name: `web\c:\a`, Size: 5}},
		"a file that is too big": {{Name: "web/a", Size: loader.MaxDecompressedFileSize + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := tarred(t, headers)
			var want []File
			files, wantErr := loader.LoadArchiveFiles(bytes.NewReader(data))
			for _, f := range files {
				want = append(want, File{Name: f.Name, Data: f.Data})
			}
			got, _, err := readArchive(data, 1<<30)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, Helm says %v", err, wantErr)
			}
			if err == nil {
				if diff := cmp.Diff(want, got, cmp.Transformer("text", func(b []byte) string { return string(b) })); diff != "" {
					t.Error(diff)
				}
			}
			for cut := range len(data) { // a damaged one is an error, or what was read before
				_, _, _ = readArchive(data[:cut*7/8], 1<<30)
				if cut > 2000 {
					break
				}
			}
		})
	}
}

func TestArchiveIsReadNoFurtherThanItsLimit(t *testing.T) {
	t.Parallel()
	data := tarred(t, []tar.Header{{Name: "web/a", Size: 4 << 20}, {Name: "web/b", Size: 4 << 20}})
	for _, limit := range []int64{0, 100, 3 << 20, 6 << 20, 8 << 20} {
		if files, n, _ := readArchive(data, limit); n != limit+1 || files != nil {
			t.Errorf("limit %d: %d files, %d bytes", limit, len(files), n)
		}
	}
	if files, n, err := readArchive(data, 9<<20); err != nil || n > 9<<20 || len(files) != 2 {
		t.Errorf("%d files, %d bytes, %v", len(files), n, err)
	}
}

// A sparse file of an archive is larger than what stands in it.
func TestSparseFilesCountAsTheyUnpack(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tar"); err != nil {
		t.Skip("there is no tar")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "web"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		f, err := os.Create(filepath.Join(dir, "web", fmt.Sprint(i)))
		if err == nil {
			err = errors.Join(f.Truncate(4<<20), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := exec.Command("tar", "--sparse", "-C", dir, "-cz", "web").Output()
	if err != nil {
		t.Skipf("this tar packs no sparse files: %v", err)
	}
	if files, n, _ := readArchive(data, 10<<20); files != nil || n != 10<<20+1 {
		t.Errorf("%d files, %d bytes", len(files), n)
	}
}

func TestDamagedArchiveIsRefused(t *testing.T) {
	t.Parallel()
	data := tarred(t, []tar.Header{{Name: "web/a", Size: 700}})
	sum := bytes.Clone(data)
	sum[len(sum)-6] ^= 1
	for name, damaged := range map[string][]byte{"checksum": sum, "end": data[:len(data)-3], "more": append(bytes.Clone(data), "x"...)} {
		if _, _, err := readArchive(damaged, 1<<20); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	if _, _, err := readArchive([]byte("\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00na"), 1<<20); err != io.ErrUnexpectedEOF {
		t.Errorf("cut within its own name: %v", err)
	}
}

func tarred(t *testing.T, headers []tar.Header) []byte {
	t.Helper()
	return packed(t, func(w *tar.Writer) error {
		for _, h := range headers {
			if h.Typeflag != tar.TypeXGlobalHeader {
				h.Mode = 0o644
			}
			if err := w.WriteHeader(&h); err != nil {
				return err
			}
			if _, err := w.Write(bytes.Repeat([]byte("x"), int(h.Size))); err != nil {
				return err
			}
		}
		return nil
	})
}
