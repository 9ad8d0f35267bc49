// Package yaml is what Helm uses of the package of this name.
package yaml

import original "github.com/kubernetes-sigs/yaml/goyaml.v3"

// NewEncoder is original.NewEncoder.
var NewEncoder = original.NewEncoder
