package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// configField is one key of the configuration.
type configField struct {
	path  string // dotted, as in the file
	doc   string
	value reflect.Value
	// separator stands between the items of a list in the environment.
	separator string
	least     *int // the smallest number, nil for any
}

// configFields lists the keys of c in the order of the struct, settable.
func configFields(c *config) []configField { return fieldsOf(reflect.ValueOf(c).Elem(), "") }

func fieldsOf(v reflect.Value, prefix string) []configField {
	var out []configField
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() {
			continue
		}
		path := prefix + f.Tag.Get("yaml")
		if f.Type.Kind() == reflect.Struct {
			out = append(out, fieldsOf(v.Field(i), path+".")...)
			continue
		}
		separator := f.Tag.Get("separator")
		if separator == "" {
			separator = ","
		}
		field := configField{path: path, doc: f.Tag.Get("doc"), value: v.Field(i), separator: separator}
		if n, err := strconv.Atoi(f.Tag.Get("min")); err == nil {
			field.least = &n
		}
		out = append(out, field)
	}
	return out
}

// environment is the key's name in the environment: TOKENWARD_ and the path, with
// underscores where the path has dots or a capital begins a word.
func (f configField) environment() string {
	var out strings.Builder
	out.WriteString("TOKENWARD_")
	previous := '.'
	for _, r := range f.path {
		switch {
		case r == '.':
			out.WriteByte('_')
		case unicode.IsUpper(r) && unicode.IsLower(previous):
			out.WriteByte('_')
			out.WriteRune(r)
		default:
			out.WriteRune(unicode.ToUpper(r))
		}
		previous = r
	}
	return out.String()
}

// fromEnvironment sets every key whose variable is not empty; lists are separated by commas.
func fromEnvironment(c *config, environ func(string) string) error {
	for _, f := range configFields(c) {
		text := environ(f.environment())
		if text == "" {
			continue
		}
		if err := f.set(text); err != nil {
			return fmt.Errorf("environment %s: %w (got %q)", f.environment(), err, text)
		}
	}
	return nil
}

func (f configField) set(text string) error {
	switch f.value.Kind() {
	case reflect.String:
		f.value.SetString(text)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number")
		}
		f.value.SetInt(int64(n))
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false")
		}
		f.value.SetBool(b)
	case reflect.Slice:
		if f.value.Type().Elem().Kind() != reflect.String {
			return fmt.Errorf("must stand in the configuration file")
		}
		var list []string
		for _, e := range strings.Split(text, f.separator) {
			if e = strings.TrimSpace(e); e != "" {
				list = append(list, e)
			}
		}
		f.value.Set(reflect.ValueOf(list))
	default:
		return fmt.Errorf("cannot come from the environment")
	}
	return nil
}

// configSchema is the JSON schema (draft 2020-12) of the configuration file.
func configSchema() ([]byte, error) {
	c := defaultConfig()
	root := schemaOf(reflect.ValueOf(c))
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "tokenward configuration"
	out, err := json.MarshalIndent(root, "", "  ")
	return append(out, '\n'), err
}

func schemaOf(v reflect.Value) map[string]any {
	switch v.Kind() {
	case reflect.Struct:
		properties := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			s := schemaOf(v.Field(i))
			if doc := f.Tag.Get("doc"); doc != "" {
				s["description"] = doc
			}
			if n, err := strconv.Atoi(f.Tag.Get("min")); err == nil {
				s["minimum"] = n
			}
			if all := strings.Fields(f.Tag.Get("oneof")); len(all) > 0 {
				s["enum"] = all
			}
			properties[f.Tag.Get("yaml")] = s
		}
		return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(reflect.New(v.Type().Elem()).Elem())}
	case reflect.Bool:
		return map[string]any{"type": "boolean", "default": v.Bool()}
	case reflect.Int:
		return map[string]any{"type": "integer", "default": v.Int()}
	default:
		return map[string]any{"type": "string", "default": v.String()}
	}
}

// configTable is the README's table of keys.
func configTable() string {
	c := defaultConfig()
	var out strings.Builder
	out.WriteString("| key | environment | default | meaning |\n|---|---|---|---|\n")
	for _, f := range configFields(&c) {
		def := fmt.Sprint(f.value.Interface())
		if f.value.IsZero() {
			def = ""
		}
		if def != "" {
			def = "`" + def + "`"
		}
		variable := "`" + f.environment() + "`"
		if f.value.Kind() == reflect.Slice && f.value.Type().Elem().Kind() != reflect.String {
			variable = ""
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.path, variable, def, f.doc)
	}
	return out.String()
}
