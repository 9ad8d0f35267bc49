package render

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// shortWord is the length up to which words of names are not looked at: nobody draws fewer letters.
	shortWord = 3
	// plainWord is the length from which a word is known, too, where it stands in capitals, as in the name of
	// a function or a key: names are often made of these, and so many letters are not drawn by chance.
	plainWord = 6
)

// namesDrawn tells whether a word in the name of an object or of its namespace stands neither in
// the chart's templates and values nor in the request: it may be drawn, and a second render shows
// whether it is.
func namesDrawn(out *Output, c *Chart, r Request) bool {
	open := openWords{words: map[string]bool{}}
	for _, o := range out.Objects {
		eachWord([]byte(o.Name+" "+o.Own), open.add)
	}
	found := func(text []byte) { eachWord(text, open.close) }
	found([]byte(r.ReleaseName + " " + r.Namespace))
	texts(r.Values, func(text string) { found([]byte(text)) })
	mayName := func(name string) bool {
		base := path.Base(name)
		return base == "values.yaml" || base == "Chart.yaml" || inTemplates(name)
	}
	files := slices.DeleteFunc(slices.Clone(c.Files), func(f File) bool { return !mayName(f.Name) })
	// The longest are definitions of kinds, in which few words stand that stand nowhere else.
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(len(a.Data), len(b.Data)) })
	for _, f := range files {
		if len(open.words) == 0 {
			return false
		}
		found(f.Data)
	}
	return len(open.words) > 0
}

// openWords are the words of names that were found nowhere yet.
type openWords struct {
	words map[string]bool
	// begins tells of a first byte how long the words are that begin with it, a bit for each length: most words
	// of a text are none of these, which is seen so before they are looked up.
	begins [256]uint64
}

func lengthBit(word []byte) uint64 { return 1 << min(len(word), 63) }

func (o *openWords) add(word []byte) {
	if len(word) > shortWord {
		o.words[string(word)] = true
		o.begins[word[0]] |= lengthBit(word)
	}
}

func (o *openWords) close(word []byte) {
	bit := lengthBit(word)
	if o.begins[word[0]]&bit != 0 && o.words[string(word)] {
		delete(o.words, string(word))
	}
	if len(word) >= plainWord && (o.begins[word[0]]|o.begins[word[0]|0x20])&bit != 0 && slices.ContainsFunc(word, isCapital) {
		delete(o.words, strings.ToLower(string(word)))
	}
}

// isCapital tells of a byte of a word whether it may be, or be a part of, a letter that has a small form.
func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf }

// eachWord calls use for all that stands in a text without anything between that is neither letter nor digit.
func eachWord(text []byte, use func([]byte)) {
	start := -1
	for i := 0; i < len(text); {
		n, between := 1, !plainLetters[text[i]]
		if text[i] >= utf8.RuneSelf {
			var c rune
			c, n = utf8.DecodeRune(text[i:])
			between = !unicode.IsLetter(c) && !unicode.IsDigit(c)
		}
		switch {
		case between:
			if start >= 0 {
				use(text[start:i])
				start = -1
			}
		case start < 0:
			start = i
		}
		i += n
	}
	if start >= 0 {
		use(text[start:])
	}
}

// plainLetters are the letters and digits of ASCII.
var plainLetters = func() (is [256]bool) {
	for c := range byte(utf8.RuneSelf) {
		is[c] = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
	}
	return is
}()
