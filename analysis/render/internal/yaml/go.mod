module sigs.k8s.io/yaml

go 1.26.0

require (
	github.com/kubernetes-sigs/yaml v1.6.0
	github.com/mitchellh/copystructure v1.2.0
	go.yaml.in/yaml/v2 v2.4.4
)
