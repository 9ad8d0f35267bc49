package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"runtime/metrics"
	"slices"
	"strings"

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

// WithoutValuesSchemas returns the chart without the schemas of its values and its subcharts': Helm reads them for nothing
// but to check values.
func (c *Chart) WithoutValuesSchemas() *Chart {
	files := slices.DeleteFunc(slices.Clone(c.Files), func(f File) bool { return ownPath(f.Name) == "values.schema.json" })
	return &Chart{Dir: c.Dir, Name: c.Name, Files: files}
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

// schemas keeps schemas as they are when compiled, which costs more than to validate with them.
type schemas struct{ kept kept[*jsonschema.Schema] }

// maxSchemas bounds what is kept, by the bytes that compiling it took: of a real schema a tenth of them stay,
// of one that is made for it nearly all.
const maxSchemas = 48 << 20

// compiled returns a schema that is kept, or compiles and keeps it.
func (s *schemas) compiled(schema []byte) (*jsonschema.Schema, error) {
	if validator, ok := s.kept.get(schema); ok {
		return validator, nil
	}
	before := allocated()
	validator, err := compileSchema(schema)
	if err != nil {
		return nil, err
	}
	s.kept.put(schema, validator, allocated()-before, maxSchemas)
	return validator, nil
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

// order puts what does not fit into an order of its own: the validator goes through maps. Where a name does
// not fit, only how deep it is can be said: the validator writes the places of what it comes to later over it.
func order(e *jsonschema.ValidationError) {
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		slices.Sort(k.Properties)
	case *kind.PropertyNames:
		e.InstanceLocation = slices.Repeat([]string{"*"}, len(e.InstanceLocation))
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
