package analysis

import "tokenward/analysis/render"

// Workload is an object that makes pods: a Deployment, StatefulSet, DaemonSet,
// ReplicaSet, Job, CronJob or Pod, or a custom resource from which an operator
// makes them.
type Workload struct {
	Namespace string
	Release   string // name of the release that renders it
	Kind      string
	Name      string
	// ServiceAccount is the name of the account that the pods run as, "default" where none is given.
	ServiceAccount string
	// Automount is the pod spec's automountServiceAccountToken, nil where it is absent.
	Automount *bool
	// PodSpec is the pod's spec, nil for a custom resource whose operator makes it.
	PodSpec map[string]any
	// PodLabels are the labels of the pod template.
	PodLabels map[string]string
	// Pods says how the pods will be called.
	Pods []PodName
	// Object is the manifest that declares the workload.
	Object *render.Object
}

// PodName is one name that a pod of a workload can have. Admission is what a policy
// engine sees when the pod is created: its generateName where a controller gives
// one, else its name. Full is an example of its final name. They are equal for pods
// that are named from the start.
type PodName struct {
	Admission string
	Full      string
}
