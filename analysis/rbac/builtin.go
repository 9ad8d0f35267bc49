package rbac

import (
	"regexp"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// builtInWords says what a role that every cluster brings allows, "" for a role
// that is not one of them.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
func builtInWords(name string) string {
	switch name {
	case "cluster-admin":
		return "may do anything"
	case "admin":
		return "may do nearly anything in its namespace"
	case "edit":
		return "reads and writes most objects"
	case "view":
		return "reads most objects but Secrets"
	case "system:auth-delegator":
		return "asks the API to review tokens and access"
	case "extension-apiserver-authentication-reader":
		return "reads the ConfigMap of the API server's client authorities"
	case "system:node":
		return "acts as a kubelet"
	case "system:node-proxier", "system:kube-proxy":
		return "watches Services, EndpointSlices and Nodes"
	case "system:node-problem-detector":
		return "patches Nodes and their status, creates Events"
	case "system:node-bootstrapper":
		return "creates CertificateSigningRequests"
	case "system:aggregate-to-admin", "system:aggregate-to-edit", "system:aggregate-to-view":
		return "holds a part of the built-in role " + strings.TrimPrefix(name, "system:aggregate-to-")
	case "system:heapster":
		return "reads Events, Namespaces, Nodes and Pods"
	case "system:kube-dns", "system:coredns":
		return "watches Services, EndpointSlices and Namespaces"
	case "system:kubelet-api-admin":
		return "may do anything with the kubelet's API"
	case "system:monitoring":
		return "reads the control plane's metrics"
	case "system:persistent-volume-provisioner":
		return "writes PersistentVolumes, watches PersistentVolumeClaims"
	case "system:image-puller", "system:image-pusher", "system:image-builder":
		return "works with the platform's image registry"
	}
	if strings.HasPrefix(name, "system:") {
		return "holds the built-in role " + name
	}
	return ""
}

func isBuiltIn(ref rbacv1.RoleRef) bool {
	if ref.Kind == "Role" {
		return ref.Name == "extension-apiserver-authentication-reader"
	}
	return builtInWords(ref.Name) != ""
}

// emptyBuiltIn tells whether a built-in role allows no more than every
// authenticated user may do anyway, or only speaks of the pod's security.
func emptyBuiltIn(ref rbacv1.RoleRef) bool {
	switch ref.Name {
	case "system:basic-user", "system:discovery", "system:public-info-viewer",
		"system:service-account-issuer-discovery", "system:image-puller":
		return true
	}
	return admissionOnly.MatchString(ref.Name)
}

// admissionOnly finds roles that, by their name, only let a pod security policy
// or security context constraint be used.
var admissionOnly = regexp.MustCompile(`^system:openshift:scc:|(^|[-:.])(psp|scc)($|[-:.])`)
