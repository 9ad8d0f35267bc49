package render

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
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
func (p *parsed) validate(values map[string]any) error {
	var problems []string
	collectSchemaProblems(p.chart, values, p.dir, &problems)
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func collectSchemaProblems(ch *chart.Chart, values map[string]any, dir string, problems *[]string) {
	if ch.Schema != nil {
		if err := validateSchema(ch.Schema, values); err != nil {
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
		collectSchemaProblems(sub, subValues, place, problems)
	}
}

func validateSchema(schema []byte, values map[string]any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the schema cannot be used: %v", r)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("the schema is not valid JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(closedLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return fmt.Errorf("the schema cannot be used: %w", err)
	}
	validator, err := compiler.Compile(schemaURL)
	if err != nil {
		var load *jsonschema.LoadURLError
		if errors.As(err, &load) {
			return fmt.Errorf("the schema cannot be used: %w", load.Err)
		}
		return fmt.Errorf("the schema cannot be used: %w", err)
	}
	if values == nil {
		values = map[string]any{}
	}
	if err := validator.Validate(values); err != nil {
		return errors.New(schemaMessage(err))
	}
	return nil
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
