package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestEveryKeyComesFromTheEnvironment sets each key by its variable and finds it set.
func TestEveryKeyComesFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c := defaultConfig()
	for _, f := range configFields(&c) {
		if f.doc == "" {
			t.Errorf("%s is not documented", f.path)
		}
		if f.path == "umbrellas" {
			continue // a list of structs, which only the file can hold, as the README's table says
		}
		value := map[string]string{"int": "7", "bool": fmt.Sprint(!f.value.IsValid() || f.value.Kind() == reflect.Bool && !f.value.Bool())}[f.value.Kind().String()]
		if value == "" {
			value = "a"
		}
		got, err := loadConfig("", func(key string) string {
			if key == f.environment() {
				return value
			}
			return ""
		})
		if err != nil {
			t.Errorf("%s: %v", f.environment(), err)
			continue
		}
		raw, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		before, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(raw, before) {
			t.Errorf("%s=%s changes nothing", f.environment(), value)
		}
	}
}

// TestExampleConfiguration holds the example against the schema and the decoder.
func TestExampleConfiguration(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../deploy/config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := defaultConfig()
	if err := decodeConfig(raw, &c); err != nil {
		t.Fatal(err)
	}
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	validate := compiledSchema(t)
	var document any
	if err := yaml.Unmarshal(raw, &document); err != nil {
		t.Fatal(err)
	}
	if err := validate.Validate(document); err != nil {
		t.Errorf("the example breaks the schema: %v", err)
	}
	if err := validate.Validate(map[string]any{"umbrela": map[string]any{}}); err == nil {
		t.Error("the schema accepts an unknown key")
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := configSchema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func FuzzDecodeConfig(f *testing.F) {
	f.Add([]byte("umbrella: {url: x}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("gitlab: {url: 'https://u:s3cret@h'}\ngit: {insteadOf: [s3cret], maxBytes: 1Gi}\n"))
	// What is accepted says the same when it is written down and read again; what is not is one
	// sentence without a password.
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := defaultConfig()
		if decodeConfig(raw, &c) != nil {
			return
		}
		if err := c.validate(); err != nil {
			if len(raw) < 200 && strings.Contains(err.Error(), "u:s3cret@") {
				t.Errorf("a password is shown: %v", err)
			}
			return
		}
		written, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		again := defaultConfig()
		if err := decodeConfig(written, &again); err != nil {
			t.Fatalf("what was accepted is refused: %v\n%s", err, written)
		}
		rewritten, err := yaml.Marshal(again)
		if err != nil || string(rewritten) != string(written) {
			t.Errorf("%v:\n%s\nis read as\n%s", err, written, rewritten)
		}
	})
}
