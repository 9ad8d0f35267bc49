package analysis

import (
	"testing"

	"tokenward/analysis/render"
)

func TestWrittenIgnoreIsTheOneThatTemplatesWriteOut(t *testing.T) {
	t.Parallel()
	const helper = "{{- define \"ignore\" -}}\n  ignore: |\n    # prose\n    /**/*.md\n    !/chart/*.sh\n{{- end -}}\n"
	for name, c := range map[string]struct {
		templates []string
		want      string
	}{
		"in a helper":            {[]string{"kind: GitRepository\n", helper}, "# prose\n/**/*.md\n!/chart/*.sh\n"},
		"the same twice":         {[]string{helper, "spec:\n  ignore: |\n      # prose\n      /**/*.md\n      !/chart/*.sh\n  url: x\n"}, "# prose\n/**/*.md\n!/chart/*.sh\n"},
		"at the end of a file":   {[]string{"spec:\n  ignore: |\n    /docs"}, "/docs"},
		"with empty lines":       {[]string{"spec:\n  ignore: |\n    # prose\n\n  \n    /docs\n     \n\n  url: x\n"}, "# prose\n\n\n/docs\n \n"},
		"with empty lines after": {[]string{"  ignore: |\n    /docs\n\n    \n\n---\n"}, "/docs\n"},
		"two":                    {[]string{helper + "spec:\n  ignore: |\n    /docs\n"}, ""},
		"computed":               {[]string{"spec:\n  ignore: |\n    /docs\n    {{ .Values.ignore }}\n"}, ""},
		"none":                   {[]string{"spec: {url: x}\n"}, ""},
		"a block without a line": {[]string{"ignore: |\n"}, ""},
	} {
		umbrella := &render.Chart{}
		for _, text := range c.templates {
			umbrella.Files = append(umbrella.Files, render.File{Name: "templates/a.yaml", Data: []byte(text)})
		}
		umbrella.Files = append(umbrella.Files, render.File{Name: "values.yaml", Data: []byte("ignore: |\n  /other\n")})
		if got := writtenIgnore(umbrella); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
