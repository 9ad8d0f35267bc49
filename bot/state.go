package bot

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
)

// state is what the bot must know to recognise its own merge request. It stands in
// the description as a comment that GitLab does not show.
type state struct {
	Unit   string `json:"unit"`
	Role   string `json:"role"`
	Digest string `json:"digest"` // of the lines that the request adds
	Head   string `json:"head"`   // the commit that the bot pushed last
}

const (
	beginMark = "<!-- tokenward:begin -->"
	endMark   = "<!-- tokenward:end -->"
)

var stateComment = regexp.MustCompile(`<!-- tokenward:v1 ([A-Za-z0-9_-]+) -->`)

// encode writes the state as one comment without "--" inside.
func (s state) encode() string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic("encode a struct of strings: " + err.Error()) // cannot happen
	}
	return "<!-- tokenward:v1 " + base64.RawURLEncoding.EncodeToString(raw) + " -->"
}

// readState finds the state in a description; ok is false if there is none that
// can be read, whoever broke it.
func readState(description string) (s state, ok bool) {
	m := stateComment.FindStringSubmatch(description)
	if m == nil {
		return state{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(m[1])
	if err != nil {
		return state{}, false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// enclose puts our text between the marks inside which alone it is rewritten later.
func enclose(text string) string {
	return beginMark + "\n" + strings.TrimSpace(text) + "\n" + endMark
}

// replaceOurs puts our text in the place of the one that stands between the marks
// of a description; what people wrote around them stays. Without marks, the
// description belongs to people and is returned as it is.
func replaceOurs(current, ours string) string {
	begin := strings.Index(current, beginMark)
	end := strings.LastIndex(current, endMark)
	if begin < 0 || end < begin {
		return current
	}
	return current[:begin] + enclose(ours) + current[end+len(endMark):]
}

// digest identifies the content of a change by the lines that it adds, so that a
// target branch that moves on does not make it another change.
func digest(unit, role string, c *FileChange) string {
	h := sha256.New()
	h.Write([]byte(unit + "\x00" + role + "\x00" + c.Path + "\x00"))
	for line := range strings.Lines(c.Diff) {
		if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++ ") {
			h.Write([]byte(line))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
