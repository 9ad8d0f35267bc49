package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bodyLimit is above GitLab's longest description with its escapes.
const bodyLimit = 16 << 20

// params are the parameters of a call, from the query and from a JSON or form
// body; the values are what JSON decodes to, with json.Number.
type params map[string]any

func readParams(r *http.Request) (params, error) {
	p := params{}
	p.add(r.URL.Query())
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyLimit))
	if err != nil {
		return nil, fail(http.StatusRequestEntityTooLarge, "413 Request Entity Too Large")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return p, nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, invalid("body is invalid")
		}
		p.add(values)
		return p, nil
	}
	if err != nil || kind != "application/json" {
		return nil, &apiError{http.StatusUnsupportedMediaType, map[string]any{"error": "The provided content-type '" + kind + "' is not supported."}}
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&p); err != nil {
		return nil, invalid("Problem parsing JSON")
	}
	return p, nil
}

func (p params) add(values url.Values) {
	for name, list := range values {
		if base, isList := strings.CutSuffix(name, "[]"); isList && base != "iids" {
			name = base
		}
		if strings.HasSuffix(name, "[]") || len(list) > 1 {
			var items []any
			for _, v := range list {
				items = append(items, v)
			}
			p[name] = items
			continue
		}
		p[name] = list[0]
	}
}

// require fails with GitLab's words unless all names are given.
func (p params) require(names ...string) error {
	var missing []string
	for _, name := range names {
		if text, _ := p.text(name); text == "" {
			missing = append(missing, name+" is missing")
		}
	}
	if len(missing) > 0 {
		return invalid(strings.Join(missing, ", "))
	}
	return nil
}

// text returns a parameter as a string, and whether it is given. null is "".
func (p params) text(name string) (string, bool) {
	value, given := p[name]
	switch v := value.(type) {
	case nil:
		return "", given
	case string:
		return v, true
	}
	return fmt.Sprint(value), given
}

// flag returns a boolean parameter, and whether it is given.
func (p params) flag(name string) (value, given bool, err error) {
	text, given := p.text(name)
	if !given || text == "" {
		return false, false, nil
	}
	value, err = strconv.ParseBool(text)
	if err != nil {
		return false, true, invalid(name + " is invalid")
	}
	return value, true, nil
}

// number returns an integer parameter, or fallback when it is not given.
func (p params) number(name string, fallback int) (int, error) {
	text, _ := p.text(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalid(name + " is invalid")
	}
	return n, nil
}

// list returns a parameter that is an array or a comma-separated string, and
// whether it is given; empty items are dropped.
func (p params) list(name string) ([]string, bool) {
	value, given := p[name]
	items, isArray := value.([]any)
	if !isArray {
		text, _ := p.text(name)
		for _, part := range strings.Split(text, ",") {
			items = append(items, part)
		}
	}
	var out []string
	for _, item := range items {
		if text := strings.TrimSpace(fmt.Sprint(item)); item != nil && text != "" {
			out = append(out, text)
		}
	}
	return out, given
}

// numbers is list for ids.
func (p params) numbers(name string) ([]int, bool, error) {
	items, given := p.list(name)
	var out []int
	for _, item := range items {
		n, err := strconv.Atoi(item)
		if err != nil {
			return nil, true, invalid(name + " is invalid")
		}
		out = append(out, n)
	}
	return out, given, nil
}

// moment returns a time parameter, the zero time when it is not given.
func (p params) moment(name string) (time.Time, error) {
	text, _ := p.text(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid(name + " is invalid")
}

// choice returns one of the allowed words, the first when it is not given.
func (p params) choice(name string, allowed ...string) (string, error) {
	text, given := p.text(name)
	if !given || text == "" {
		return allowed[0], nil
	}
	if slices.Contains(allowed, text) {
		return text, nil
	}
	return "", invalid(name + " does not have a valid value")
}
