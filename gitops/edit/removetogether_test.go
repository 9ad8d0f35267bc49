package edit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGoTogetherAsOneByOne takes patterns out of random lists one after the other, alone and with those before: where
// they are said to go together, each does.
func TestGoTogetherAsOneByOne(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 6))
	together, apart := 0, 0
	for range 4000 {
		src := randomPods(random)
		rare := 2 + random.IntN(4) // of how many patterns one stays
		patterns := slices.DeleteFunc([]string{"a-*", "b-*", "c-*", "d-*", "!c-*", "!d-*"}, func(string) bool { return random.IntN(rare) == 0 })
		random.Shuffle(len(patterns), func(i, k int) { patterns[i], patterns[k] = patterns[k], patterns[i] })
		if len(patterns) == 0 {
			continue
		}
		if !removal(patterns...).GoTogether(src) {
			apart++
			continue
		}
		together++
		for i, pattern := range patterns {
			if _, changes, err := removal(pattern).Apply(src); err != nil || len(changes) == 0 {
				t.Fatalf("%s alone: %d changes, error %v\n%s", pattern, len(changes), err, src)
			}
			if _, _, err := removal(patterns[:i+1]...).Apply(src); err != nil {
				t.Fatalf("%q: %v\n%s", patterns[:i+1], err, src)
			}
		}
	}
	if together < 200 || apart < 200 {
		t.Errorf("%d go together, %d do not", together, apart)
	}
}

// randomPods is a file with lists of a namespace, in which conditions, comments and blank lines stand.
func randomPods(random *rand.Rand) []byte {
	lines := []string{"    - namespace: shop", "      pods:"}
	for _, side := range []string{"allow", "deny"} {
		lines = append(lines, "        "+side+":")
		open, words := false, []string{"a", "b", "c", "d", "e"}
		if side == "deny" {
			words = words[2:]
		}
		for _, word := range words {
			for range random.IntN(3) {
				switch random.IntN(9) {
				case 0, 1:
					lines = append(lines, "        # reads Secrets")
				case 2:
					lines = append(lines, "")
				case 3:
					lines = append(lines, "        {{- /* a comment */}}")
				case 4, 5, 6:
					lines = append(lines, "        {{- "+map[bool]string{false: "if .on", true: "end"}[open]+" }}")
					open = !open
				case 7:
					if open {
						lines = append(lines, "        {{- else }}")
					}
				}
			}
			if random.IntN(6) > 0 {
				lines = append(lines, "        - "+word+"-*")
			}
		}
		if open {
			lines = append(lines, "        {{- end }}")
		}
	}
	return []byte(listOf(append(lines, "    - namespace: web")...))
}

// TestGoTogetherOfMany holds that the stale entries of a plain list are found to go by one look at the file.
func TestGoTogetherOfMany(t *testing.T) {
	t.Parallel()
	lines := []string{"    - namespace: shop", "      pods:", "        allow:"}
	var gone []string
	for i := range 400 {
		lines = append(lines, fmt.Sprintf("        - worker-%d-*", i))
		if i%2 == 0 {
			gone = append(gone, fmt.Sprintf("worker-%d-*", i))
		}
	}
	src := []byte(listOf(lines...))
	if !removal(gone...).GoTogether(src) {
		t.Error("half of a list does not go")
	}
	if removal(append(gone, "other-*")...).GoTogether(src) {
		t.Error("what is not there goes")
	}
}
