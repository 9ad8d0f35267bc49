package main

import (
	"regexp"
	"strings"
)

// What the decoder of YAML says with the names of our types.
var (
	unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)
	otherKind  = regexp.MustCompile("(?s)cannot unmarshal !!(\\w+)(?: `.*`)? into (\\S+)$")
)

// inWords says one error of the decoder in the words of the file: `line N: ` and what is wrong there. The value is
// not shown: it may be a secret.
func inWords(text string) string {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		return strings.Replace(text, m[0], "unknown key "+m[1]+": "+meant(m[1]), 1)
	}
	if m := otherKind.FindStringSubmatch(text); m != nil {
		return strings.Replace(text, m[0], "must be "+goKind(m[2])+", and is "+yamlKind(m[1]), 1)
	}
	return text
}

// meant says which key somebody meant who wrote another one.
func meant(key string) string {
	c := defaultConfig()
	for _, f := range configFields(&c) {
		for known := range strings.SplitSeq(f.path, ".") {
			if strings.EqualFold(known, key) {
				return "it is written " + known
			}
		}
	}
	return "`tokenward config schema` prints those that there are"
}

// goKind is what a type of the configuration is called in its file.
func goKind(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case name == "int":
		return "a whole number"
	case name == "bool":
		return "true or false"
	case name == "string":
		return "a text"
	}
	return "a mapping of keys to values"
}

// yamlKind is what a value with a tag of YAML is called.
func yamlKind(tag string) string {
	switch tag {
	case "seq":
		return "a list"
	case "map":
		return "a mapping"
	case "int", "float":
		return "a number"
	case "bool":
		return "true or false"
	case "null":
		return "nothing"
	}
	return "a text"
}
