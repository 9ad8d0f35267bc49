package analysis

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestLiterals(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`KUBE_PING`:                    {"kube_ping"},
		`(?i)^\s*in_?cluster\s*:`:      {"cluster"},
		`a(bcd|efg+)h?`:                {"bcd", "ef"},
		`(abc|d*)`:                     nil,
		`x?\d+`:                        nil,
		`(?:one){2,3}a*`:               {"one"},
		`(?:one){0,3}`:                 nil,
		`discovery\.(kubernetes|kube)`: {"discovery."},
		`größe`:                        nil,
	} {
		re, err := syntax.Parse(expression, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, literals(re)); d != "" {
			t.Errorf("%s (-want +got):\n%s", expression, d)
		}
	}
}

// TestLiteralsHideNothing makes up texts that the signs match: none may be passed over.
func TestLiteralsHideNothing(t *testing.T) {
	t.Parallel()
	signs, err := loadSigns()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range signs.Configs {
		if len(s.literals) == 0 {
			t.Errorf("%s: nothing to look for", s.Match)
		}
		re, err := syntax.Parse(s.Match, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		matched := 0
		for range 300 {
			text := "x: y\n" + madeUp(re, random) + "\n"
			if !s.match.MatchString(text) {
				continue // a boundary that it has not
			}
			if matched++; !holdsAny(fold(text), s.literals) {
				t.Errorf("%s: passes over %q", s.Match, text)
			}
		}
		if matched == 0 {
			t.Errorf("%s: matches nothing that was made up for it", s.Match)
		}
	}
	for _, text := range []string{"LEADER-ELECT: true", "inclu\u017fter: true", "\xff\n\u212aubernetes"} {
		if !holdsAny(fold(text), []string{"leader", "cluster", "kubernetes"}) || !regexp.MustCompile("(?i)leader|cluster|kubernetes").MatchString(text) {
			t.Errorf("%q: not seen", text)
		}
	}
}

// madeUp is a text for an expression; anchors and boundaries are left to luck.
func madeUp(re *syntax.Regexp, random *rand.Rand) string {
	var out strings.Builder
	times := func(least, most int) {
		for range least + random.IntN(most-least+1) {
			out.WriteString(madeUp(re.Sub[0], random))
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 && random.IntN(2) == 0 {
				r = unicode.SimpleFold(r)
			}
			out.WriteRune(r)
		}
	case syntax.OpCharClass:
		at := 2 * random.IntN(len(re.Rune)/2)
		out.WriteRune(re.Rune[at] + rune(random.IntN(int(min(20, re.Rune[at+1]-re.Rune[at]))+1)))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte(' ')
	case syntax.OpCapture:
		return madeUp(re.Sub[0], random)
	case syntax.OpStar:
		times(0, 2)
	case syntax.OpPlus:
		times(1, 2)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		times(re.Min, re.Min+2)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			out.WriteString(madeUp(sub, random))
		}
	case syntax.OpAlternate:
		return madeUp(re.Sub[random.IntN(len(re.Sub))], random)
	}
	return out.String()
}
