package analysis

import (
	_ "embed"
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"

	"sigs.k8s.io/yaml"
)

//go:embed rule_signs.yaml
var signData []byte

// sign is one expression by which a pod says that it calls the API.
type sign struct {
	Match    string `json:"match"`
	Value    string `json:"value,omitempty"`
	Unless   string `json:"unless,omitempty"` // an annotation that takes its place, or an expression for an argument that does
	Strength string `json:"strength,omitempty"`
	Words    string `json:"words"`

	match, value, unless *regexp.Regexp
	literals             []string // of match
}

func (s sign) says() effect {
	switch s.Strength {
	case "may":
		return mayAsk
	case "hint":
		return hint
	}
	return asks
}

// signs is the embedded data of signs, compiled.
type signs struct {
	Tools     []string `json:"tools"`
	Images    []sign   `json:"images"`
	Flags     []sign   `json:"flags"`
	Env       []sign   `json:"env"`
	Configs   []sign   `json:"configs"`
	Injectors []sign   `json:"injectors"`
}

// loadSigns returns the embedded signs, which are read and compiled once.
var loadSigns = sync.OnceValues(func() (*signs, error) {
	var s signs
	if err := yaml.UnmarshalStrict(signData, &s); err != nil {
		return nil, fmt.Errorf("read the embedded signs: %w", err)
	}
	for _, list := range [][]sign{s.Images, s.Flags, s.Env, s.Configs, s.Injectors} {
		for i := range list {
			if err := list[i].compile(); err != nil {
				return nil, err
			}
		}
	}
	return &s, nil
})

func (s *sign) compile() (err error) {
	if s.match, err = regexp.Compile(s.Match); err != nil {
		return fmt.Errorf("compile sign %q: %w", s.Match, err)
	}
	if re, err := syntax.Parse(s.Match, syntax.Perl); err == nil {
		s.literals = literals(re)
	}
	if s.value, err = regexp.Compile(s.Value); err != nil {
		return fmt.Errorf("compile value of sign %q: %w", s.Match, err)
	}
	if s.unless, err = regexp.Compile(s.Unless); err != nil {
		return fmt.Errorf("compile the exception to sign %q: %w", s.Match, err)
	}
	return nil
}
