package live

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// account counts the calls of one ServiceAccount.
type account struct {
	count, refused, unbound int
	last                    int64 // microseconds since 1970
	done                    []phraseCount
	moreDone                bool
	pods                    map[string]struct{} // names of pods that called
	stems                   map[string]struct{} // what these are called without their tails
}

type phraseCount struct {
	phrase uint32
	count  int
}

// record takes one event of a ServiceAccount in. A call is counted at the first
// of its stages that the log shows, since audit policies differ in which they omit.
func (o *Observations) record(e *event) {
	a := o.account(e.namespace, e.account)
	if a == nil {
		return
	}
	o.keepPod(a, e)
	a.saw(e)
	if !o.begins(e) {
		return
	}
	o.calls++
	a.count++
	if len(e.pod) == 0 {
		a.unbound++
	}
	phrase, known := o.phrase(e)
	a.did(phrase, known, o.limits.verbs)
}

// mention notes an account whose event could not be read: it did call, but
// nothing else is known.
func (o *Observations) mention(namespace, account []byte) { o.account(namespace, account) }

func (o *Observations) account(namespace, name []byte) *account {
	var room [320]byte
	key := append(append(append(room[:0], namespace...), ':'), name...)
	if a := o.accounts[string(key)]; a != nil {
		return a
	}
	if len(o.accounts) >= o.limits.accounts {
		o.crowd(fmt.Sprintf("the audit log names more than %s ServiceAccounts; further ones were left out, and none is called silent", thousands(o.limits.accounts)))
		o.crowded = true
		return nil
	}
	a := &account{}
	o.accounts[string(key)] = a
	return a
}

// keepPod keeps the name of the pod that an account's call came from, where it is
// known and there is room. An account with many pods keeps at least one of each looks.
func (o *Observations) keepPod(a *account, e *event) {
	if len(e.pod) == 0 {
		return
	}
	if _, known := a.pods[string(e.pod)]; known {
		return
	}
	name := string(e.pod)
	stem := Stem("Pod", name)
	if _, alike := a.stems[stem]; alike && len(a.pods) >= o.limits.accountPods {
		return
	}
	if o.pods >= o.limits.pods {
		o.crowd(fmt.Sprintf("the audit log names more than %s pods; further ones were counted for their ServiceAccount only", thousands(o.limits.pods)))
		return
	}
	if a.pods == nil {
		a.pods, a.stems = map[string]struct{}{}, map[string]struct{}{}
	}
	o.pods++
	a.pods[name], a.stems[stem] = struct{}{}, struct{}{}
}

// begins tells whether the event is the first of its call, and remembers calls
// that will show again. The memory has two generations: when one is full, the
// older is dropped, and with it calls that never ended.
func (o *Observations) begins(e *event) bool {
	ends := len(e.stage) == 0 || string(e.stage) == "ResponseComplete" || string(e.stage) == "Panic"
	if len(e.auditID) == 0 {
		return ends
	}
	id := maphash.Bytes(o.seed, e.auditID)
	_, newer := o.open[id]
	_, older := o.oldOpen[id]
	switch {
	case ends:
		delete(o.open, id)
		delete(o.oldOpen, id)
	case !newer:
		if len(o.open) >= o.limits.open {
			o.oldOpen, o.open = o.open, make(map[uint64]struct{})
		}
		o.open[id] = struct{}{}
	}
	return !newer && !older
}

// phrase numbers what the event's call asked for.
func (o *Observations) phrase(e *event) (uint32, bool) {
	var room [256]byte
	b, ok := e.phrase(room[:0])
	if !ok {
		return 0, false
	}
	if n, ok := o.phrases[string(b)]; ok {
		return n, true
	}
	if len(o.names) >= o.limits.phrases {
		return 0, false
	}
	n := uint32(len(o.names))
	o.names = append(o.names, string(b))
	o.phrases[o.names[n]] = n
	return n, true
}

func (a *account) saw(e *event) {
	if e.code == 401 || e.code == 403 {
		a.refused++
	}
	if e.at.IsZero() {
		return
	}
	at := e.at.UnixMicro()
	if a.last == 0 || at > a.last {
		a.last = at
	}
}

// did counts what was asked for. When there is no room for more, the rarest makes
// room and passes its count on, so that what is frequent comes in at any time.
func (a *account) did(phrase uint32, known bool, limit int) {
	if !known {
		a.moreDone = true
		return
	}
	rarest := 0
	for i := range a.done {
		if a.done[i].phrase == phrase {
			a.done[i].count++
			return
		}
		if a.done[i].count < a.done[rarest].count {
			rarest = i
		}
	}
	if len(a.done) < limit {
		a.done = append(a.done, phraseCount{phrase, 1})
		return
	}
	a.moreDone = true
	a.done[rarest] = phraseCount{phrase, a.done[rarest].count + 1}
}

// export is what the account was seen doing.
func (o *Observations) export(a *account) Calls {
	done := slices.Clone(a.done)
	slices.SortFunc(done, func(x, y phraseCount) int {
		return cmp.Or(cmp.Compare(y.count, x.count), strings.Compare(o.names[x.phrase], o.names[y.phrase]))
	})
	c := Calls{
		Count: a.count, Refused: min(a.refused, a.count), Unbound: a.unbound,
		Last: moment(a.last), MoreVerbs: a.moreDone,
	}
	for _, d := range done {
		c.Verbs = append(c.Verbs, o.names[d.phrase])
	}
	for name := range a.pods {
		c.Pods = append(c.Pods, name)
	}
	slices.Sort(c.Pods)
	return c
}

// crowd notes once that a limit was reached.
func (o *Observations) crowd(sentence string) {
	if !slices.Contains(o.problems, sentence) {
		o.problems = append(o.problems, sentence)
	}
}
