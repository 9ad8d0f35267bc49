package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// treeEntry is one entry of a folder in a commit.
type treeEntry struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
	Path string `json:"path"`
	Mode string `json:"mode"`
}

// readTree lists a folder of a commit; an absent folder is empty.
func readTree(ctx context.Context, git gitRun, sha, dir string, recursive bool) ([]treeEntry, error) {
	args := []string{"ls-tree", "-z", "--full-tree"}
	if recursive {
		args = append(args, "-r", "-t")
	}
	args = append(args, sha)
	dir = strings.Trim(dir, "/")
	if dir != "" {
		if !fs.ValidPath(dir) {
			return nil, nil
		}
		args = append(args, "--", dir+"/")
	}
	out, err := git.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	var entries []treeEntry
	for record := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if record == "" {
			continue
		}
		meta, name, tabbed := strings.Cut(record, "\t")
		fields := strings.Fields(meta)
		if !tabbed || len(fields) != 3 {
			return nil, fmt.Errorf("read tree: strange record %q", record)
		}
		if name != dir {
			entries = append(entries, treeEntry{Mode: fields[0], Type: fields[1], ID: fields[2], Path: name, Name: path.Base(name)})
		}
	}
	return entries, nil
}

// blob is a file in a commit.
type blob struct {
	id   string
	data []byte
}

// readBlob returns a file of a commit, nil if there is none.
func readBlob(ctx context.Context, git gitRun, sha, file string) (*blob, error) {
	if !fs.ValidPath(file) {
		return nil, nil
	}
	id, err := git.line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", sha+":"+file)
	if err != nil {
		if exitCode(err) > 0 {
			return nil, nil
		}
		return nil, err
	}
	if kind, err := git.line(ctx, "cat-file", "-t", id); err != nil || kind != "blob" {
		if exitCode(err) > 0 {
			err = nil // a submodule: its commit is elsewhere
		}
		return nil, err
	}
	data, err := git.run(ctx, "cat-file", "blob", id)
	if err != nil {
		return nil, err
	}
	return &blob{id: id, data: data}, nil
}

func (c *call) listTree(ctx context.Context) (*reply, error) {
	ref, _ := c.params.text("ref")
	dir, _ := c.params.text("path")
	recursive, _, err := c.params.flag("recursive")
	if err != nil {
		return nil, err
	}
	sha, err := c.project.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if sha == "" {
		return nil, fail(http.StatusNotFound, "404 Tree Not Found")
	}
	entries, err := readTree(ctx, c.project.git(), sha, dir, recursive)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 && dir != "" {
		return nil, fail(http.StatusNotFound, "404 invalid revision or path Not Found")
	}
	return paged(c, entries)
}

// pathFile returns the file that the path and the parameter ref name.
func (c *call) pathFile(ctx context.Context) (file *blob, sha, ref string, err error) {
	if ref, _ = c.params.text("ref"); ref == "" {
		ref = "HEAD"
	}
	if sha, err = c.project.resolve(ctx, ref); err != nil {
		return nil, "", "", err
	}
	if sha == "" {
		return nil, "", "", fail(http.StatusNotFound, "404 Commit Not Found")
	}
	file, err = readBlob(ctx, c.project.git(), sha, c.request.PathValue("path"))
	if err == nil && file == nil {
		err = fail(http.StatusNotFound, "404 File Not Found")
	}
	return file, sha, ref, err
}

func (c *call) getRawFile(ctx context.Context) (*reply, error) {
	file, _, _, err := c.pathFile(ctx)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	return &reply{status: http.StatusOK, bytes: append([]byte{}, file.data...), header: header}, nil
}

func (c *call) getFile(ctx context.Context) (*reply, error) {
	file, sha, ref, err := c.pathFile(ctx)
	if err != nil {
		return nil, err
	}
	name := c.request.PathValue("path")
	last, err := c.project.git().line(ctx, "log", "-1", "--format=%H", sha, "--", name)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file.data)
	return ok(map[string]any{
		"file_name": path.Base(name), "file_path": name, "size": len(file.data), "encoding": "base64",
		"content": base64.StdEncoding.EncodeToString(file.data), "content_sha256": hex.EncodeToString(sum[:]),
		"ref": ref, "blob_id": file.id, "commit_id": sha, "last_commit_id": last, "execute_filemode": false,
	}), nil
}
