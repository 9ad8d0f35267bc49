//go:build !linux

package worker

func runIfProbe() {}
