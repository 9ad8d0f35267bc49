package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
)

// state is what the bot must know to recognise its own merge request and to tell
// its own doing from people's. It stands in the description as a comment that GitLab
// does not show, signed. A lost or damaged state costs nothing but caution: the
// branch and its commits are looked at instead.
type state struct {
	Unit   string `json:"unit"`
	Role   string `json:"role"`
	Digest string `json:"digest"` // of the lines that the request asks for
	Head   string `json:"head"`   // the commit that the bot pushed last
	// Umbrella says which umbrella the request belongs to, as Bot.umbrellaID does.
	Umbrella string `json:"umbrella,omitempty"`
	// Version is the version that the request raises the chart to.
	Version string `json:"version,omitempty"`
	Title   string `json:"title,omitempty"`  // the title that the bot set last
	Target  string `json:"target,omitempty"` // the target branch that the bot set last
	Draft   bool   `json:"draft,omitempty"`  // the bot made it a draft
	Closed  bool   `json:"closed,omitempty"` // the bot itself closed it
	// Unneeded says that a complete run found the request needless; the next one that agrees closes it.
	Unneeded bool `json:"unneeded,omitempty"`
	// ClosedBy is who asked the bot to close it, "" if nobody did.
	ClosedBy string `json:"closedBy,omitempty"`
	// Notes is how many notes people and the bot had written when the bot had last done all that they ask for.
	Notes int `json:"notes,omitempty"`
	// Decided says that the branch carries decisions.
	Decided bool `json:"decided,omitempty"`
	// Members are the namespaces that the request repairs together, each with the digest of its part.
	Members map[string]string `json:"members,omitempty"`
	// Order says how the order of merging is enforced: "dependency" or "words".
	Order string `json:"order,omitempty"`
}

const (
	beginMark  = "<!-- tokenward:begin -->"
	endMark    = "<!-- tokenward:end -->"
	stateBegin = "<!-- tokenward:v1 "
)

var stateComment = regexp.MustCompile(`<!-- tokenward:v1 ([A-Za-z0-9+/]+) ([A-Za-z0-9+/]{43}) -->`)

// sealer signs and checks states.
type sealer struct{ key []byte }

// encode writes the state of a merge request as one comment.
func (s sealer) encode(st state) string { return s.seal(st) }

// read finds the state in a merge request's description; ok is false if there is
// none whose signature holds, whoever broke it.
func (s sealer) read(description string) (st state, ok bool) {
	if !s.open(description, &st) {
		return state{}, false
	}
	return st, true
}

// seal writes any state as one comment. Base64's alphabet has no dash, so that
// nothing inside can end the comment.
func (s sealer) seal(st any) string {
	raw, err := json.Marshal(st)
	if err != nil {
		panic("encode a struct of strings: " + err.Error()) // cannot happen
	}
	payload := base64.RawStdEncoding.EncodeToString(raw)
	return stateBegin + payload + " " + s.sign(payload) + " -->"
}

func (s sealer) sign(payload string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("tokenward:v1 " + payload))
	return base64.RawStdEncoding.EncodeToString(mac.Sum(nil))
}

// open decodes the first state in a description whose signature holds; what other
// text makes look like one is passed over.
func (s sealer) open(description string, st any) bool {
	for _, m := range stateComment.FindAllStringSubmatch(description, -1) {
		if !hmac.Equal([]byte(m[2]), []byte(s.sign(m[1]))) {
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(m[1])
		return err == nil && json.Unmarshal(raw, st) == nil
	}
	return false
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
