package render

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/klauspost/compress/gzip"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// readArchive reads the files of a chart's archive as Helm's loader does, but once and
// without room to spare. It reads no more than limit bytes of what the archive unpacks to,
// and makes no more of it (a sparse file is larger than what stands in the archive); n is how
// many there were, more than limit where there are more.
func readArchive(data []byte, limit int64) (files []File, n int64, err error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, 0, err
	}
	all := &io.LimitedReader{R: unzipped, N: limit + 1}
	archive := tar.NewReader(all)
	var made int64
	for {
		entry, err := archive.Next()
		if err == nil {
			made += entry.Size
		}
		if n = max(made, limit+1-all.N); n > limit {
			return nil, limit + 1, nil
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, n, err
		}
		if entry.FileInfo().IsDir() || entry.Typeflag == tar.TypeXGlobalHeader || entry.Typeflag == tar.TypeXHeader {
			continue
		}
		name, err := nameInArchive(entry.Name)
		if err != nil {
			return nil, n, err
		}
		if entry.Size > loader.MaxDecompressedFileSize {
			return nil, n, fmt.Errorf("its file %q has more than %d MB", entry.Name, loader.MaxDecompressedFileSize>>20)
		}
		content := make([]byte, entry.Size)
		if _, err := io.ReadFull(archive, content); err != nil {
			return nil, max(made, limit+1-all.N), err
		}
		files = append(files, File{Name: name, Data: trimBOM(content)})
	}
	if _, err := io.Copy(io.Discard, all); err != nil { // to its checksum
		return nil, n, err
	}
	n = max(made, limit+1-all.N)
	if len(files) == 0 {
		return nil, n, errors.New("there are no files in it")
	}
	return files, n, nil
}

// drive is how a path begins that leaves its folder on Windows.
var drive = regexp.MustCompile(`^[a-zA-Z]:/`)

// nameInArchive is a file's path inside the folder that holds the whole chart.
func nameInArchive(entry string) (string, error) {
	delimiter := "/"
	if strings.Contains(entry, `\`) {
		delimiter = `\` // written on Windows
	}
	folder, rest, _ := strings.Cut(entry, delimiter)
	name := path.Clean(strings.ReplaceAll(rest, delimiter, "/"))
	if folder == "Chart.yaml" || path.IsAbs(name) || name == "." || strings.HasPrefix(name, "..") || drive.MatchString(name) {
		return "", fmt.Errorf("its file %q is in no folder of the chart", entry)
	}
	return name, nil
}
