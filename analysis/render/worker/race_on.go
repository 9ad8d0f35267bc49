//go:build race

package worker

// memoryLimited is false under the race detector, whose own memory is beyond every limit.
const memoryLimited = false
