package wire

// later checks a map, and returns what reads it, each time anew: most of what is kept is looked at
// once or never, and as a map it takes many times the memory.
func (r *reader) later() func() map[string]any {
	from := r.rest
	r.skip(0)
	text := from[:len(from)-len(r.rest)]
	return func() map[string]any {
		again := reader{rest: text, keys: r.keys, known: true}
		return again.fields()
	}
}

// skip passes over a value that value would read, and fails where that would.
func (r *reader) skip(depth int) {
	switch tag := r.tag(depth); tag {
	case tagNil, tagFalse, tagTrue:
	case tagInt, tagInt64, tagUint64:
		r.uint()
	case tagFloat:
		r.float()
	case tagString:
		r.str()
	case tagTime:
		r.time()
	case tagList, tagMap:
		for n := r.len(); n > 0 && r.err == nil; n-- {
			if tag == tagMap {
				r.key()
			}
			r.skip(depth + 1)
		}
	default:
		r.fail(errDamaged)
	}
}
