package render

import "strings"

// clusterScoped lists the kinds of Kubernetes itself that live in no
// namespace, with the groups that serve them.
var clusterScoped = map[string]string{
	"Namespace": "", "Node": "", "PersistentVolume": "", "ComponentStatus": "",
	"ClusterRole": "rbac.authorization.k8s.io", "ClusterRoleBinding": "rbac.authorization.k8s.io",
	"CustomResourceDefinition":         "apiextensions.k8s.io",
	"APIService":                       "apiregistration.k8s.io",
	"MutatingWebhookConfiguration":     "admissionregistration.k8s.io",
	"ValidatingWebhookConfiguration":   "admissionregistration.k8s.io",
	"ValidatingAdmissionPolicy":        "admissionregistration.k8s.io",
	"ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io",
	"MutatingAdmissionPolicy":          "admissionregistration.k8s.io",
	"MutatingAdmissionPolicyBinding":   "admissionregistration.k8s.io",
	"PriorityClass":                    "scheduling.k8s.io",
	"RuntimeClass":                     "node.k8s.io",
	"StorageClass":                     "storage.k8s.io", "CSIDriver": "storage.k8s.io", "CSINode": "storage.k8s.io",
	"VolumeAttachment": "storage.k8s.io", "VolumeAttributesClass": "storage.k8s.io",
	"IngressClass": "networking.k8s.io", "IPAddress": "networking.k8s.io", "ServiceCIDR": "networking.k8s.io",
	"CertificateSigningRequest": "certificates.k8s.io", "ClusterTrustBundle": "certificates.k8s.io",
	"FlowSchema": "flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration": "flowcontrol.apiserver.k8s.io",
	"PodSecurityPolicy": "policy",
	"DeviceClass":       "resource.k8s.io", "ResourceSlice": "resource.k8s.io",
	"TokenReview": "authentication.k8s.io", "SelfSubjectReview": "authentication.k8s.io",
	"SubjectAccessReview": "authorization.k8s.io", "SelfSubjectAccessReview": "authorization.k8s.io",
	"SelfSubjectRulesReview":     "authorization.k8s.io",
	"SecurityContextConstraints": "security.openshift.io",
}

// SetNamespaces gives every object the namespace that it will have on the
// cluster: none for a cluster-scoped kind, else its own, else the release's.
// crds say which custom kinds are cluster-scoped; an unknown custom kind
// without a namespace counts as cluster-scoped where its name starts with
// Cluster, as is the custom.
func SetNamespaces(objects []*Object, namespace string, crds []CRD) {
	scopes := map[string]string{}
	for _, c := range crds {
		scopes[c.Group+"/"+c.Kind] = c.Scope
	}
	for _, o := range objects {
		switch {
		case inNoNamespace(o, scopes):
			o.Namespace = ""
		case o.Own != "":
			o.Namespace = o.Own
		default:
			o.Namespace = namespace
		}
	}
}

func inNoNamespace(o *Object, scopes map[string]string) bool {
	group := groupOf(o.APIVersion)
	if scope, ok := scopes[group+"/"+o.Kind]; ok {
		return scope == "Cluster"
	}
	if g, ok := clusterScoped[o.Kind]; ok && (g == group || o.Kind == "PodSecurityPolicy" && group == "extensions") {
		return true
	}
	rest, ok := strings.CutPrefix(o.Kind, "Cluster")
	return ok && o.Own == "" && strings.Contains(group, ".") && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z'
}

// groupOf returns the group of an apiVersion, "" for the core group.
func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}
