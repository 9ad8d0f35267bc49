//go:build !unix

package queue

import "context"

// lockFile does nothing where there is no flock: there, see to it that one process uses the file.
func lockFile(context.Context, string, func()) (unlock func() error, err error) {
	return func() error { return nil }, nil
}
