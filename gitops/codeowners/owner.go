package codeowners

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of the names and addresses that GitLab looks for.
const (
	maxLocal    = 100
	maxDomain   = 255
	maxSegment  = 256
	maxSegments = 21
)

// reference is an owner as the file names it.
type reference struct {
	kind Kind
	name string
	// at is where in its word it stands.
	at int
}

// references returns the owners that a text names, in the order they stand in it,
// each once. GitLab looks for names and addresses anywhere in the text, also next
// to other characters ("(@name)," names one) and behind a "#", and for roles as
// whole words.
func references(text string) []reference {
	var found []reference
	for word := range strings.FieldsFuncSeq(text, isSpaceRune) {
		if r, ok := role(word); ok {
			found = append(found, r)
			continue
		}
		of := append(emails(word), names(word)...)
		slices.SortStableFunc(of, func(a, b reference) int { return cmp.Compare(a.at, b.at) })
		found = append(found, of...)
	}
	seen := map[reference]bool{}
	return slices.DeleteFunc(found, func(r reference) bool {
		key := reference{kind: r.kind, name: strings.ToLower(r.name)}
		doubled := seen[key]
		seen[key] = true
		return doubled
	})
}

// role reads "@@developer", "@@maintainer" or "@@owner", or the plural, in any
// case.
func role(word string) (reference, bool) {
	name, ok := strings.CutPrefix(strings.ToLower(word), "@@")
	if !ok {
		return reference{}, false
	}
	for _, known := range []string{"developer", "maintainer", "owner"} {
		if name == known || name == known+"s" {
			return reference{kind: Role, name: known}, true
		}
	}
	return reference{}, false
}

// emails finds the addresses in a word. An address ends with a letter, a digit or
// an underscore.
func emails(word string) []reference {
	var found []reference
	for at, done := 0, 0; at < len(word); at++ {
		if word[at] != '@' {
			continue
		}
		start := tail(word, max(done, strings.LastIndexByte(word[:at], '@')+1), at, maxLocal)
		end := at + 1
		for n, i := 0, at+1; n < maxDomain && i < len(word) && word[i] != '@'; n++ {
			_, size := utf8.DecodeRuneInString(word[i:])
			i += size
			if isWord(word[i-1]) {
				end = i
			}
		}
		if start == at || end == at+1 {
			continue
		}
		found = append(found, reference{kind: Email, name: word[start:end], at: start})
		done = end
	}
	return found
}

// tail returns where the last n characters of word[start:end] begin.
func tail(word string, start, end, n int) int {
	at := end
	for ; n > 0 && at > start; n-- {
		_, size := utf8.DecodeLastRuneInString(word[start:at])
		at -= size
	}
	return at
}

// names finds the users and groups in a word: an "@" that does not follow a
// letter, a digit, an underscore or another "@", and the longest path of a group
// after it.
func names(word string) []reference {
	var found []reference
	for at := 0; at < len(word); at++ {
		if word[at] != '@' || at > 0 && (word[at-1] == '@' || isWord(word[at-1])) {
			continue
		}
		end := fullPath(word[at+1:])
		if end == 0 {
			continue
		}
		r := reference{kind: User, name: word[at+1 : at+1+end], at: at}
		if strings.Contains(r.name, "/") {
			r.kind = Group
		}
		found = append(found, r)
		at += end
	}
	return found
}

// fullPath returns the length of the longest path of a user or group that s begins
// with, 0 if there is none.
func fullPath(s string) int {
	end := 0
	for at, n := 0, 0; n < maxSegments; n++ {
		run := at
		for run < len(s) && isPathChar(s[run]) {
			run++
		}
		length := pathSegment(s[at:run])
		if length == 0 {
			break
		}
		end = at + length
		if end != run || run == len(s) || s[run] != '/' {
			break
		}
		at = run + 1
	}
	return end
}

// pathSegment returns the length of the longest name of one user or group that run
// begins with: it does not begin with a hyphen, does not end with a dot, and does
// not end with ".git" or ".atom".
func pathSegment(run string) int {
	if run == "" || run[0] == '-' {
		return 0
	}
	for n := min(len(run), maxSegment); n > 0; n-- {
		s := run[:n]
		if s[n-1] == '.' || strings.HasSuffix(s, ".git") || strings.HasSuffix(s, ".atom") {
			continue
		}
		return n
	}
	return 0
}

func isPathChar(c byte) bool { return isWord(c) || c == '-' || c == '.' }

// isWord says whether Ruby's "\w" matches c.
func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
