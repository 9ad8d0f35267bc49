package rbac

import (
	"slices"
	"strings"
	"sync"
)

// resourceName spells a resource as its kind is spelt, in the plural:
// configmaps is ConfigMaps. A subresource follows its resource after a slash.
func resourceName(resource string, groups []string) string {
	if resource == "*" || resource == "*/*" {
		named := slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return g == "" })
		if len(groups) == 0 || slices.Contains(groups, "*") {
			return everything
		}
		if len(named) == 0 {
			return "everything in the core group"
		}
		return "everything in " + and(named)
	}
	name, sub, ok := strings.Cut(resource, "/")
	name, _, _ = strings.Cut(name, ".") // some write the resource with its group
	name = camel(strings.ToLower(name))
	if ok {
		return name + "/" + sub
	}
	return name
}

// camelled are the names that camel was asked for, which are the same again and again. They come from charts, and
// so no more than maxCamelled are kept.
var camelled struct {
	sync.Mutex
	names map[string]string
}

const maxCamelled = 4096

// camel is newCamel of a name that may have been asked for before.
func camel(name string) string {
	camelled.Lock()
	defer camelled.Unlock()
	out, ok := camelled.names[name]
	if !ok {
		out = newCamel(name)
		if camelled.names == nil || len(camelled.names) >= maxCamelled {
			camelled.names = map[string]string{}
		}
		camelled.names[name] = out
	}
	return out
}

// newCamel restores the capitals of a lower-case plural: word by word where the
// parts are known, else only the first letter.
func newCamel(name string) string {
	if name == "*" {
		return "all resources'"
	}
	if len(name) > 100 {
		return title(name) // no such name exists: do not look for its words
	}
	if words := split(name); words != nil {
		for i, w := range words {
			words[i] = title(w)
		}
		return strings.Join(words, "")
	}
	if word := longestSuffix(name); word != "" && len(name) > len(word) {
		return newCamel(strings.TrimSuffix(name, word)) + title(word)
	}
	return title(name)
}

// split cuts a name into known words, as few as possible, or returns nil if it
// cannot be cut without a rest.
func split(name string) []string {
	// best[i] is the first of the words of name[i:], and how many they are; 0 where it cannot be cut.
	best := make([]struct {
		word  string
		words int
	}, len(name)+1)
	for i := len(name) - 1; i >= 0; i-- {
		for _, w := range partsBy()[name[i]] {
			if !strings.HasPrefix(name[i:], w) {
				continue
			}
			end := i + len(w)
			if rest := best[end].words; (rest > 0 || end == len(name)) && (best[i].words == 0 || rest+1 < best[i].words) {
				best[i].word, best[i].words = w, rest+1
			}
		}
	}
	if name != "" && best[0].words == 0 {
		return nil
	}
	words := make([]string, 0, best[0].words)
	for i := 0; i < len(name); i += len(best[i].word) {
		words = append(words, best[i].word)
	}
	return words
}

// partsBy are the known words by their first letter.
var partsBy = sync.OnceValue(func() *[256][]string {
	var by [256][]string
	for _, w := range parts {
		by[w[0]] = append(by[w[0]], w)
	}
	return &by
})

func longestSuffix(s string) (best string) {
	for _, w := range endings {
		if len(w) > len(best) && strings.HasSuffix(s, w) {
			best = w
		}
	}
	return best
}

func title(s string) string {
	if s == "" {
		return ""
	}
	for _, acronym := range []string{"api", "csi", "ip", "cidr", "tls", "crd", "url"} {
		if s == acronym || s == acronym+"s" {
			return strings.ToUpper(acronym) + s[len(acronym):]
		}
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// parts are the words that names of Kubernetes' own resources are made of.
var parts = [...]string{
	"access", "account", "accounts", "addresses", "admission", "aggregated", "api", "application", "applications", "autoscaler", "autoscalers", "attachment", "attachments",
	"binding", "bindings", "budget", "budgets", "bundle", "bundles", "capacities", "certificate", "certificates", "cidrs", "claim", "claims", "class", "classes", "cluster", "clusters", "config", "configs", "configuration", "configurations",
	"control", "controller", "controllers", "constraint", "constraints", "cron", "csi", "custom", "daemon", "definition", "definitions", "deployment", "deployments", "device", "disruption", "driver", "drivers",
	"endpoint", "endpoints", "ephemeral", "event", "events", "exception", "exceptions", "external", "flow", "gateway", "gateways", "horizontal", "image", "images", "ingress", "ingresses", "ip", "issuer", "issuers", "job", "jobs",
	"lease", "leases", "level", "levels", "limit", "local", "map", "maps", "metrics", "monitor", "monitors", "mutating", "namespace", "namespaces", "network", "networks", "node", "nodes",
	"persistent", "pod", "pods", "policies", "policy", "priority", "project", "projects", "app", "cleanup", "prometheus", "prometheuses", "quota", "quotas", "range", "ranges", "replica", "replication", "report", "reports", "request", "requests", "resource", "review", "reviews", "role", "roles", "route", "routes", "rule", "rules", "runtime",
	"scale", "schema", "secret", "secrets", "security", "self", "server", "servers", "service", "services", "set", "sets", "signing", "slice", "slices", "slos", "stateful", "status", "storage", "store", "stores", "subject", "template", "templates", "tenant", "tenants", "token", "tokens",
	"validating", "vertical", "volume", "volumes", "webhook", "webhooks",
}

// endings are words that end the names of custom resources often enough.
var endings = [...]string{
	"bindings", "claims", "classes", "configs", "configurations", "definitions", "exceptions", "filters", "locations", "monitors", "policies", "reports", "requests", "reviews", "roles", "routes", "rules", "sets", "snapshots", "stores", "templates", "tokens", "users",
}
