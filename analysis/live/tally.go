package live

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// tally counts the calls of one account or of one pod.
type tally struct {
	count, refused, unbound int
	first, last             int64
	done                    []phraseCount
	moreDone                bool
}

type phraseCount struct {
	phrase uint32
	count  int
}

type account struct {
	tally
	pods     map[string]*tally
	stems    map[string]struct{} // what the kept pods are called without their tails
	morePods bool
}

// record takes one event of a ServiceAccount in. A call is counted at the first
// of its stages that the log shows, since audit policies differ in which they omit.
func (o *Observations) record(e *event) {
	a := o.account(e.namespace, e.account)
	if a == nil {
		return
	}
	p := o.pod(a, e)
	fresh := o.begins(e)
	phrase, known := o.phrase(e)
	for _, t := range [...]*tally{&a.tally, p} {
		if t == nil {
			continue
		}
		t.saw(e)
		if !fresh {
			continue
		}
		t.count++
		if len(e.pod) == 0 {
			t.unbound++
		}
		t.did(phrase, known, o.limits.verbs)
	}
	if fresh {
		o.calls++
	}
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

// pod returns the tally of an account's pod, nil if its name is unknown or not
// kept. An account with many pods keeps at least one of each looks.
func (o *Observations) pod(a *account, e *event) *tally {
	name := e.pod
	if len(name) == 0 {
		return nil
	}
	if t := a.pods[string(name)]; t != nil {
		return t
	}
	stem := Stem("Pod", string(name))
	if _, alike := a.stems[stem]; alike && len(a.pods) >= o.limits.accountPods {
		a.morePods = true
		return nil
	}
	key := string(e.namespace) + "/" + string(name)
	t := o.pods[key]
	if t == nil {
		if len(o.pods) >= o.limits.pods {
			a.morePods = true
			o.crowd(fmt.Sprintf("the audit log names more than %s pods; further ones were counted for their ServiceAccount only", thousands(o.limits.pods)))
			return nil
		}
		t = &tally{}
		o.pods[key] = t
	}
	if a.pods == nil {
		a.pods, a.stems = map[string]*tally{}, map[string]struct{}{}
	}
	a.pods[string(name)] = t
	a.stems[stem] = struct{}{}
	return t
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

func (t *tally) saw(e *event) {
	if e.code == 401 || e.code == 403 {
		t.refused++
	}
	if e.at.IsZero() {
		return
	}
	at := e.at.UnixMicro()
	if t.first == 0 || at < t.first {
		t.first = at
	}
	if t.last == 0 || at > t.last {
		t.last = at
	}
}

// did counts what was asked for. When there is no room for more, the rarest makes
// room and passes its count on, so that what is frequent comes in at any time.
func (t *tally) did(phrase uint32, known bool, limit int) {
	if !known {
		t.moreDone = true
		return
	}
	rarest := 0
	for i := range t.done {
		if t.done[i].phrase == phrase {
			t.done[i].count++
			return
		}
		if t.done[i].count < t.done[rarest].count {
			rarest = i
		}
	}
	if len(t.done) < limit {
		t.done = append(t.done, phraseCount{phrase, 1})
		return
	}
	t.moreDone = true
	t.done[rarest] = phraseCount{phrase, t.done[rarest].count + 1}
}

func (o *Observations) export(t *tally) Calls {
	done := slices.Clone(t.done)
	slices.SortFunc(done, func(a, b phraseCount) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(o.names[a.phrase], o.names[b.phrase]))
	})
	c := Calls{
		Count: t.count, Refused: min(t.refused, t.count), Unbound: t.unbound,
		First: moment(t.first), Last: moment(t.last), MoreVerbs: t.moreDone,
	}
	for _, d := range done {
		c.Verbs = append(c.Verbs, o.names[d.phrase])
	}
	return c
}

// crowd notes once that a limit was reached.
func (o *Observations) crowd(sentence string) {
	if !slices.Contains(o.problems, sentence) {
		o.problems = append(o.problems, sentence)
	}
}
