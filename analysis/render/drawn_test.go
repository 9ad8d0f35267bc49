package render

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzEachWord holds that words are what the standard library cuts a text into.
func FuzzEachWord(f *testing.F) {
	for _, seed := range []string{"", "a", "-a b1-", "ö-1²x٣_y", "a\xffb", "{{ .Values.a }}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got []string
		eachWord([]byte(text), func(w []byte) { got = append(got, string(w)) })
		want := strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}

func TestNamesDrawn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 20)
	c := mustLoad(t, simple(map[string]string{
		"templates/a.yaml": "{{ $x := `some kubeAPI and Gone Upwards grün ` }} " + long,
		"values.yaml":      "port: {fromValues: 1}\n",
		"files/b.txt":      "elsewhere",
	}), "")
	r := Request{ReleaseName: "demo", Namespace: "shop", Values: map[string]any{"given": []any{map[string]any{"inner": "deepest"}}}}
	for name, want := range map[string]bool{
		"demo-shop-some-web": false, "fromValues-given-inner-deepest": false, "abc-x1": false, "grün": false, long: false,
		"demo-kubeapi": false, "fromvalues": false, "upwards": false, // as lower makes them
		"demo-gone": true, // too short to be no chance
		"demo-x8kq": true, "elsewhere": true, "kubeap": true, "kubeapi2": true, long + "x": true, "gruen": true,
	} {
		out := &Output{Objects: []*Object{{Name: "demo"}, {Name: name}, {Name: "some"}}}
		if got := namesDrawn(out, c, r); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
