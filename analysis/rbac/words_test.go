package rbac

import (
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func rule(verbs, resources []string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, Resources: resources, APIGroups: []string{""}}
}

func TestWords(t *testing.T) {
	t.Parallel()
	get, all := []string{"get", "list"}, []string{"*"}
	cases := map[string]struct {
		rules []rbacv1.PolicyRule
		want  string
	}{
		"none":  {nil, ""},
		"empty": {[]rbacv1.PolicyRule{{}}, ""},
		"use only": {[]rbacv1.PolicyRule{{Verbs: []string{"use"}, APIGroups: []string{"policy"},
			Resources: []string{"podsecuritypolicies"}, ResourceNames: []string{"restricted"}}}, ""},
		"three verbs": {[]rbacv1.PolicyRule{
			rule([]string{"patch"}, []string{"deployments"}), rule(get, []string{"secrets"}), rule([]string{"watch"}, []string{"applications"})},
			"reads Secrets, patches Deployments, watches Applications"},
		"merged": {[]rbacv1.PolicyRule{rule(get, []string{"configmaps", "pods"}), rule([]string{"create", "update", "patch", "delete"}, []string{"configmaps"})},
			"reads and writes ConfigMaps, reads Pods"},
		"joined":                    {[]rbacv1.PolicyRule{rule([]string{"get", "list", "watch"}, []string{"secrets", "configmaps"})}, "reads and watches Secrets and ConfigMaps"},
		"anything":                  {[]rbacv1.PolicyRule{{Verbs: all, Resources: all, APIGroups: all}}, "may do anything with everything"},
		"a group":                   {[]rbacv1.PolicyRule{{Verbs: all, Resources: all, APIGroups: []string{"example.com"}}}, "may do anything with everything in example.com"},
		"core group":                {[]rbacv1.PolicyRule{rule(all, all)}, "may do anything with everything in the core group"},
		"url":                       {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}}, "reads the URL /metrics"},
		"sub":                       {[]rbacv1.PolicyRule{rule([]string{"create"}, []string{"pods/exec"})}, "creates Pods/exec"},
		"others":                    {[]rbacv1.PolicyRule{rule([]string{"impersonate", "approve"}, []string{"users"})}, "impersonates and approves Users"},
		"status of what is named":   {[]rbacv1.PolicyRule{rule(get, []string{"pods", "pods/status", "nodes/status"})}, "reads Pods and Nodes/status"},
		"with the group":            {[]rbacv1.PolicyRule{rule(get, []string{"tenants.minio.min.io", "tenants"})}, "reads Tenants"},
		"watch goes without saying": {[]rbacv1.PolicyRule{rule([]string{"get", "watch", "patch"}, []string{"secrets"})}, "reads and patches Secrets"},
		"many": {[]rbacv1.PolicyRule{rule(get, []string{"pods", "nodes", "services", "endpoints", "namespaces", "leases", "secrets"})},
			"reads Secrets, Pods, Nodes and Services and 3 more"},
		"five are not cut": {[]rbacv1.PolicyRule{rule(get, []string{"pods", "nodes", "services", "endpoints", "leases"})},
			"reads Pods, Nodes, Services, Endpoints and Leases"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Words(c.rules); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"configmaps": "ConfigMaps", "customresourcedefinitions": "CustomResourceDefinitions", "horizontalpodautoscalers": "HorizontalPodAutoscalers",
		"mutatingwebhookconfigurations": "MutatingWebhookConfigurations", "tokenreviews": "TokenReviews", "serviceaccounts": "ServiceAccounts",
		"apiservices": "APIServices", "endpointslices": "EndpointSlices", "ingresses": "Ingresses", "applicationsets": "ApplicationSets", "clusterpolicies": "ClusterPolicies",
		"frobs": "Frobs", "frobpolicies": "FrobPolicies", "poddisruptionbudgets": "PodDisruptionBudgets", "resourcequotas": "ResourceQuotas", "replicasets": "ReplicaSets",
	} {
		if got := camel(in); got != want {
			t.Errorf("camel(%q) = %q, want %q", in, got, want)
		}
	}
}

// A rule may name thousands of resources and verbs.
func TestWordsOfHugeRules(t *testing.T) {
	t.Parallel()
	huge := rule([]string{"GET", "get"}, []string{"pods", "pods/status"})
	for i := range 5000 {
		huge.Resources = append(huge.Resources, fmt.Sprintf("thing%d", i))
		huge.Verbs = append(huge.Verbs, "list")
	}
	for i := range 5000 {
		huge.Verbs = append(huge.Verbs, fmt.Sprintf("verb%d", i))
	}
	got := Words([]rbacv1.PolicyRule{huge, rule([]string{"list"}, []string{"secrets"})})
	if !strings.HasPrefix(got, "reads Secrets, reads, verb0s, verb1s, ") || !strings.HasSuffix(got, " and verb4999s Pods, Thing0 and Thing1 and 4998 more") {
		t.Errorf("got %.60s ... %s", got, got[max(len(got)-60, 0):])
	}
}
