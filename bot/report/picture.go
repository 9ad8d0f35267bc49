package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tokenward/bot"
)

// picture is a drawing of one namespace in four columns: workloads, the
// ServiceAccounts that their pods run as, bindings and roles. Every account has
// a lane of its own, so that no line crosses another.
type picture struct {
	Width, Height int
	Title         string
	Heads         []label
	Boxes         []box
	Lines         []line
	Rules         []int // heights of the lines between lanes
}

// box is one object. Class names its look; Mark is the shape that tells its verdict
// without colour.
type box struct {
	X, Y, W, H  int
	Class, Mark string
	Full        string // shown when pointed at
	Labels      []label
}

// Inner is where the left edge of the box ends and its corner begins.
func (b box) Inner() int { return b.H - 7 }

// MarkX is where the verdict's shape stands, in the upper right corner.
func (b box) MarkX() int { return b.W - 24 }

type label struct {
	X, Y        int
	Class, Text string
}

// line joins two boxes, with a word on it where Text is not "".
type line struct {
	Path, Class string
	Text        string
	X, Y        int
	W           int // of the plate behind the word
}

// Half is half the width of the plate.
func (l line) Half() int { return l.W / 2 }

// Measures in pixels.
const (
	boxWidth   = 268
	gapWidth   = 62
	boxPadding = 14
	rowHeight  = 16
	boxGap     = 12
	laneGap    = 26
	headHeight = 30
	nameChars  = 33 // of a monospaced name in a box
	markChars  = 3  // that the verdict's shape takes from it
	wordChars  = 36 // of a sentence
)

// draw makes a namespace's picture, nil where nothing runs in it.
func draw(n *namespace) *picture {
	if len(n.workloads) == 0 {
		return nil
	}
	p := &picture{Width: 4*boxWidth + 3*gapWidth + 2, Title: fmt.Sprintf("Namespace %s: from pods over ServiceAccounts and bindings to roles", oneLine(n.name))}
	for i, head := range []string{"Workload", "ServiceAccount", "Binding", "Role"} {
		p.Heads = append(p.Heads, label{X: column(i), Y: 14, Class: "head", Text: head})
	}
	y := headHeight
	for i, l := range lanes(n) {
		if i > 0 {
			p.Rules = append(p.Rules, y-laneGap/2)
		}
		y += p.lane(l, y) + laneGap
	}
	p.Height = y - laneGap + 2
	return p
}

func column(i int) int { return 1 + i*(boxWidth+gapWidth) }

// lane draws one ServiceAccount with its neighbours from a height on, and returns
// the lane's own height.
func (p *picture) lane(l *lane, top int) int {
	var workloads, bindings, roles []box
	for _, w := range l.workloads {
		workloads = append(workloads, workloadBox(w))
	}
	for _, g := range l.grants {
		bindings = append(bindings, bindingBox(g, l.namespace))
		roles = append(roles, roleBox(g, l.namespace))
	}
	if len(roles) == 0 {
		roles = append(roles, write(box{Class: "absent", Full: "No role is bound to this ServiceAccount"}, []string{"no role found"}, "quiet"))
	}
	account := accountBox(l)
	height := max(stackHeight(workloads), account.H, stackHeight(roles))
	stack(workloads, column(0), top+(height-stackHeight(workloads))/2)
	account = move(account, column(1), top+(height-account.H)/2)
	stack(roles, column(3), top+(height-stackHeight(roles))/2)
	for i, w := range workloads {
		class, word := "edge cut", "no token"
		if l.workloads[i].TokenAfter {
			class, word = "edge token", "token"
		}
		p.join(w, account, class, word)
	}
	p.Boxes = append(append(p.Boxes, workloads...), account)
	for i, r := range roles {
		p.Boxes = append(p.Boxes, r)
		if len(l.grants) == 0 {
			p.join(account, r, "edge faint", "")
			continue
		}
		if l.grants[i].binding == "" {
			p.join(account, r, "edge", "")
			continue
		}
		b := move(bindings[i], column(2), r.Y+(r.H-bindings[i].H)/2)
		p.join(account, b, "edge", "")
		p.join(b, r, "edge", "")
		p.Boxes = append(p.Boxes, b)
	}
	return height
}

func workloadBox(w bot.WorkloadReport) box {
	b := write(box{Class: "workload", Mark: "unknown", Full: fullText(w)}, wrap(w.Name, nameChars-markChars, 3), "name")
	switch w.Verdict {
	case needsToken:
		b.Mark = "needs"
	case noToken:
		b.Mark = "none"
	case review:
		b.Mark = "review"
	}
	b.Class += " " + b.Mark
	b = write(b, append(wrap(w.Kind, wordChars, 1), verdictWords(oneLine(w.Verdict))+"; token: "+turn(w.TokenBefore, w.TokenAfter)), "quiet")
	if s := signs(w.Evidence); len(s) > 0 && w.Verdict != noToken {
		b = write(b, wrap(s[0], wordChars, 2), "words")
	}
	return b
}

// fullText is what a reader sees who points at a workload.
func fullText(w bot.WorkloadReport) string {
	text := fmt.Sprintf("%s %s: %s", w.Kind, w.Name, verdictWords(w.Verdict))
	for _, s := range signs(w.Evidence) {
		text += "; " + s
	}
	return oneLine(text)
}

func accountBox(l *lane) box {
	state := "rendered by no release"
	if l.known {
		state = "hardened: " + l.hardened
	}
	if !l.known && l.account == "default" {
		state = "made by Kubernetes"
	}
	b := write(box{Class: "account", Full: oneLine("ServiceAccount " + l.account)}, wrap(l.account, nameChars, 3), "name")
	if n := len(l.workloads); n > 1 {
		state += ", shared by " + strconv.Itoa(n)
	}
	return write(b, []string{state}, "quiet")
}

func bindingBox(g grant, namespace string) box {
	kind, name := kindAndName(g.binding, namespace)
	b := write(box{Class: "binding", Full: oneLine(g.binding)}, wrap(name, nameChars, 3), "name")
	b = write(b, []string{oneLine(kind)}, "quiet")
	if g.group != "" {
		b = write(b, wrap("through group "+g.group, wordChars, 2), "words")
	}
	return b
}

func roleBox(g grant, namespace string) box {
	kind, name := kindAndName(g.role, namespace)
	b := write(box{Class: "role", Full: oneLine(g.role + ": " + g.words)}, wrap(name, nameChars, 3), "name")
	b = write(b, []string{oneLine(kind)}, "quiet")
	return write(b, wrap(g.words, wordChars, 3), "words")
}

// kindAndName splits an object's name for people, and leaves the picture's own
// namespace out.
func kindAndName(object, namespace string) (kind, name string) {
	kind, name, _ = strings.Cut(object, " ")
	return kind, strings.TrimPrefix(name, namespace+"/")
}

// write adds lines of text below those that the box has.
func write(b box, lines []string, class string) box {
	if b.H == 0 {
		b.W, b.H = boxWidth, 14
	}
	for _, text := range lines {
		b.Labels = append(b.Labels, label{X: boxPadding, Y: b.H + 8, Class: class, Text: text})
		b.H += rowHeight
	}
	return b
}

func move(b box, x, y int) box {
	b.X, b.Y = x, y
	return b
}

func stack(boxes []box, x, y int) {
	for i := range boxes {
		boxes[i] = move(boxes[i], x, y)
		y += boxes[i].H + boxGap
	}
}

func stackHeight(boxes []box) int {
	height := 0
	for i, b := range boxes {
		if i > 0 {
			height += boxGap
		}
		height += b.H
	}
	return height
}

// join draws a line from the right of one box to the left of another.
func (p *picture) join(from, to box, class, word string) {
	x1, y1, x2, y2 := from.X+from.W, from.Y+from.H/2, to.X, to.Y+to.H/2
	bend := min(gapWidth/2, (x2-x1)/2)
	l := line{Class: class, Text: word, Path: fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2)}
	if word != "" {
		l.W = 10 + 6*len(word)
		l.X, l.Y = x1+4+l.W/2, y1
	}
	p.Lines = append(p.Lines, l)
}

// wrap breaks text into lines of at most width characters, where words or parts
// of a name end if it can, and cuts what does not fit into the given number of lines.
func wrap(text string, width, lines int) []string {
	text = oneLine(text)
	var out []string
	for text != "" && len(out) < lines {
		if utf8.RuneCountInString(text) <= width {
			return append(out, text)
		}
		runes := []rune(text)
		at := width
		for i := width; i > width/3; i-- {
			if runes[i-1] == ' ' || runes[i-1] == '-' || runes[i-1] == '/' || runes[i-1] == '.' || runes[i-1] == ':' {
				at = i
				break
			}
		}
		if len(out) == lines-1 {
			return append(out, string(runes[:width-1])+"…")
		}
		out = append(out, strings.TrimSpace(string(runes[:at])))
		text = strings.TrimSpace(string(runes[at:]))
	}
	return out
}
