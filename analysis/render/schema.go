package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"helm.sh/helm/v3/pkg/chart"
)

const schemaURL = "file:///values.schema.json"

// closedLoader refuses every schema but the document itself: Helm's own
// validation reads local files and calls servers that a chart's $ref names.
type closedLoader struct{}

func (closedLoader) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil // as Helm does with a name that it cannot resolve
	}
	return nil, fmt.Errorf("it refers to %s, and a schema outside the chart is never read", url)
}

// validate checks values against the chart's values.schema.json and those of
// its enabled subcharts, as Helm does before it renders.
func (p *parsed) validate(values map[string]any, known *schemas) error {
	var problems []string
	known.collectProblems(p.chart, values, p.dir, &problems)
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (s *schemas) collectProblems(ch *chart.Chart, values map[string]any, dir string, problems *[]string) {
	if ch.Schema != nil {
		if err := s.validate(ch.Schema, values); err != nil {
			*problems = append(*problems, fmt.Sprintf("%s: %s", path.Join(dir, "values.schema.json"), err))
		}
	}
	for _, sub := range ch.Dependencies() {
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		place := path.Join(dir, "charts", sub.Name())
		subValues, ok := raw.(map[string]any)
		if !ok {
			*problems = append(*problems, fmt.Sprintf("%s: the values of a subchart must be a map, not %T", place, raw))
			continue
		}
		s.collectProblems(sub, subValues, place, problems)
	}
}

func (s *schemas) validate(schema []byte, values map[string]any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the schema cannot be used: %v", r)
		}
	}()
	validator, err := s.compiled(schema)
	if err != nil {
		return err
	}
	if values == nil {
		values = map[string]any{}
	}
	if err := validator.Validate(values); err != nil {
		var all *jsonschema.ValidationError
		if errors.As(err, &all) {
			order(all)
		}
		return errors.New(schemaMessage(err))
	}
	return nil
}

// schemas keeps the schemas that were used last as they are when compiled, which costs more
// than to validate with them. They are known by their whole text, so that a chart's schema
// is no other's. The zero value is empty.
type schemas struct {
	mu   sync.Mutex
	kept []keptSchema // the one used last is the last
}

type keptSchema struct {
	text      []byte
	validator *jsonschema.Schema
	cost      uint64 // at least the bytes that it holds
}

// maxSchemas bounds what is kept, by the bytes that compiling it took: of a real schema a tenth of them stay,
// of one that is made for it nearly all.
const maxSchemas = 48 << 20

// compiled returns a schema that is kept, or compiles and keeps it.
func (s *schemas) compiled(schema []byte) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.kept, func(k keptSchema) bool { return bytes.Equal(k.text, schema) }); i >= 0 {
		k := s.kept[i]
		s.kept = append(slices.Delete(s.kept, i, i+1), k)
		return k.validator, nil
	}
	before := allocated()
	validator, err := compileSchema(schema)
	if err != nil {
		return nil, err
	}
	s.keep(keptSchema{bytes.Clone(schema), validator, allocated() - before + uint64(len(schema))})
	return validator, nil
}

// keep adds a schema, and lets those go that were not used for the longest time.
func (s *schemas) keep(k keptSchema) {
	if k.cost > maxSchemas {
		return
	}
	s.kept = append(s.kept, k)
	total, first := uint64(0), len(s.kept)
	for first > 0 && total+s.kept[first-1].cost <= maxSchemas {
		first--
		total += s.kept[first].cost
	}
	s.kept = slices.Delete(s.kept, 0, first)
}

// allocated is how many bytes the process has taken so far, those given back included.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func compileSchema(schema []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("the schema is not valid JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(closedLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("the schema cannot be used: %w", err)
	}
	validator, err := compiler.Compile(schemaURL)
	if err != nil {
		var load *jsonschema.LoadURLError
		if errors.As(err, &load) {
			return nil, fmt.Errorf("the schema cannot be used: %w", load.Err)
		}
		return nil, fmt.Errorf("the schema cannot be used: %w", err)
	}
	return validator, nil
}

// order puts what does not fit into an order of its own: the validator goes through maps.
func order(e *jsonschema.ValidationError) {
	if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		slices.Sort(k.Properties)
	}
	for _, c := range e.Causes {
		order(c)
	}
	slices.SortFunc(e.Causes, func(a, b *jsonschema.ValidationError) int { return strings.Compare(a.Error(), b.Error()) })
}

// schemaMessage puts what does not fit into one line.
func schemaMessage(err error) string {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
		if line != "" && !strings.HasPrefix(line, "jsonschema validation failed") {
			parts = append(parts, line)
		}
	}
	return "the values do not fit: " + strings.Join(parts, ", ")
}
