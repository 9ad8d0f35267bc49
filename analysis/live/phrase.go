package live

import "bytes"

// phrase appends the call in words: "get secrets", "update deployments/status",
// "get /version". False means that the event does not say, or says something that
// no API server would.
func (e *event) phrase(b []byte) ([]byte, bool) {
	what := e.resource
	if len(what) == 0 {
		what, _, _ = bytes.Cut(e.uri, []byte("?"))
		if i := bytes.IndexByte(what[min(1, len(what)):], '/'); i >= 0 {
			what = what[:i+1]
		}
	}
	if !plain(e.verb, 32) || !plain(what, 120) || len(e.subresource) > 0 && !plain(e.subresource, 80) {
		return nil, false
	}
	b = append(append(append(b, e.verb...), ' '), what...)
	if len(e.resource) > 0 && len(e.subresource) > 0 {
		b = append(append(b, '/'), e.subresource...)
	}
	return b, true
}

// plain tells whether b is a name as Kubernetes has them, safe to be shown anywhere.
func plain(b []byte, longest int) bool {
	if len(b) == 0 || len(b) > longest {
		return false
	}
	for _, c := range b {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '/', c == '_':
		default:
			return false
		}
	}
	return true
}
