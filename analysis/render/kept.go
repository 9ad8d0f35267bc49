package render

import (
	"container/list"
	"sync"
)

// kept holds what was made of texts, of those that were used last, within a bound. What is kept
// of one text is never given for another. It must not be changed. The zero value is empty.
type kept[T any] struct {
	mu      sync.Mutex
	entries map[string]*list.Element // of byUse
	byUse   list.List                // of keptEntry[T], what was used last in front
	cost    uint64                   // of all of them
}

type keptEntry[T any] struct {
	text  string
	value T
	cost  uint64
}

func (k *kept[T]) get(text []byte) (value T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entries[string(text)]
	if e == nil {
		return value, false
	}
	k.byUse.MoveToFront(e)
	return e.Value.(keptEntry[T]).value, true
}

// keptOverhead is about what an entry takes beside its text and its value.
const keptOverhead = 250

// put keeps a value of a cost in bytes, and lets those go that were not used for the longest
// time, so that all together cost no more than most.
func (k *kept[T]) put(text []byte, value T, cost, most uint64) {
	cost += uint64(len(text)) + keptOverhead
	if cost > most {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.entries[string(text)] != nil {
		return
	}
	for k.cost+cost > most {
		k.drop()
	}
	if k.entries == nil {
		k.entries = map[string]*list.Element{}
	}
	k.cost += cost
	key := string(text)
	k.entries[key] = k.byUse.PushFront(keptEntry[T]{key, value, cost})
}

// drop forgets the entry that was not used for the longest time.
func (k *kept[T]) drop() {
	e := k.byUse.Remove(k.byUse.Back()).(keptEntry[T])
	k.cost -= e.cost
	delete(k.entries, e.text)
}
