package live

import "strings"

// Stem returns what is left of a name without the tail that a controller gives
// it, so that the pods of one workload fall together: "web-5d8f7c9b4d-x7k2p" and
// "web-6c9d5b7f8-qq4zl" are both "web". It is made for grouping what people read;
// which workload a pod belongs to is for the caller to find out.
func Stem(kind, name string) string {
	switch kind {
	case "Pod":
		if stem, ok := cutTail(name, random, 5, 5); ok {
			if shorter, ok := cutTail(stem, random, 6, 10); ok { // Deployment
				return shorter
			}
			if shorter, ok := cutTail(stem, digit, 1, 10); ok { // CronJob, indexed Job
				return shorter
			}
			return stem
		}
		stem, _ := cutTail(name, digit, 1, 4) // StatefulSet
		return stem
	case "ReplicaSet":
		stem, _ := cutTail(name, random, 6, 10)
		return stem
	case "Job":
		stem, _ := cutTail(name, digit, 8, 10)
		return stem
	}
	return name
}

// cutTail cuts the last part after a dash if it has that length and only such letters.
func cutTail(name string, letter func(rune) bool, shortest, longest int) (string, bool) {
	i := strings.LastIndexByte(name, '-')
	if i < 1 {
		return name, false
	}
	tail := name[i+1:]
	if len(tail) < shortest || len(tail) > longest {
		return name, false
	}
	if strings.IndexFunc(tail, func(r rune) bool { return !letter(r) }) >= 0 {
		return name, false
	}
	return name[:i], true
}

// random are the letters of Kubernetes' generated names: no vowels and no digits
// that look like letters, so that they rarely spell a word.
func random(r rune) bool { return strings.ContainsRune("bcdfghjklmnpqrstvwxz2456789", r) }

func digit(r rune) bool { return '0' <= r && r <= '9' }
