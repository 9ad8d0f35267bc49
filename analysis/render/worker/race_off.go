//go:build !race

package worker

// memoryLimited tells that limits on memory are set.
const memoryLimited = true
