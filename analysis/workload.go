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
	// OtherAccounts are further accounts that some of its pods run as: the parts of
	// a custom resource may each name their own.
	OtherAccounts []string
	// Pods says how the pods will be called.
	Pods []PodName
	// Made are the names of the Deployments and StatefulSets that an operator
	// makes for a custom resource; empty for other kinds.
	Made []string
	// stems are beginnings of pod names that patterns are cut to: see OperatorPods.stems.
	stems []string
	// Object is the manifest that declares the workload.
	Object *render.Object
}

// controllers names the objects behind the workload that the policies look at
// beside its pods: Deployments and StatefulSets.
func (w *Workload) controllers() []string {
	switch {
	case len(w.Made) > 0:
		return w.Made
	case w.Kind == "Deployment" || w.Kind == "StatefulSet":
		return []string{w.Name}
	}
	return nil
}

// ID names the workload for people, as "Deployment shop/web".
func (w *Workload) ID() string { return w.Kind + " " + w.Namespace + "/" + w.Name }

// PodName is one name that a pod of a workload can have. Admission is what a policy
// engine sees when the pod is created: its generateName where a controller gives
// one, else its name. Full is an example of its final name. They are equal for pods
// that are named from the start.
type PodName struct {
	Admission string
	Full      string
}
