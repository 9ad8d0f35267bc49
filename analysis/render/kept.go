package render

import "sync"

// kept holds what was made of texts, of those that were used last, within a bound. What is kept
// of one text is never given for another. It must not be changed. The zero value is empty.
type kept[T any] struct {
	mu      sync.Mutex
	entries map[string]*keptEntry[T]
	cost    uint64 // of all of them
	uses    uint64
}

type keptEntry[T any] struct {
	value T
	cost  uint64
	used  uint64 // which use of the whole was the last of this
}

func (k *kept[T]) get(text []byte) (value T, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entries[string(text)]
	if e == nil {
		return value, false
	}
	k.uses++
	e.used = k.uses
	return e.value, true
}

// keptOverhead is about what an entry takes beside its text and its value.
const keptOverhead = 200

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
		k.entries = map[string]*keptEntry[T]{}
	}
	k.uses++
	k.cost += cost
	k.entries[string(text)] = &keptEntry[T]{value, cost, k.uses}
}

// drop forgets the entry that was used first.
func (k *kept[T]) drop() {
	oldest := ""
	for text, e := range k.entries {
		if first := k.entries[oldest]; first == nil || e.used < first.used {
			oldest = text
		}
	}
	k.cost -= k.entries[oldest].cost
	delete(k.entries, oldest)
}
