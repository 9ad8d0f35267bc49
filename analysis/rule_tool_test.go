package analysis

import (
	"strings"
	"testing"
)

func TestScriptCalls(t *testing.T) {
	t.Parallel()
	tools := []string{"kubectl", "oc", "helm"}
	for text, want := range map[string]string{
		"kubectl get pods": "kubectl",
		"set -e\nif ! kubectl get ns; then exit 1; fi": "kubectl",
		"for p in $(kubectl get pods); do true; done":  "kubectl",
		"X=`oc whoami`":                                             "oc",
		"K=\"kubectl -n a\"\n$K get":                                "kubectl",
		"NS=a /usr/bin/helm ls":                                     "helm",
		"cat x | xargs kubectl delete":                              "kubectl",
		"until timeout 5 kubectl wait; do true; done":               "kubectl",
		"true && \\\n  kubectl apply -f x":                          "kubectl",
		"echo \"$(kubectl get x)\"":                                 "kubectl",
		"# kubectl get pods":                                        "",
		"echo now run kubectl get pods":                             "",
		"  # helm ls":                                               "",
		"#!/bin/sh\n#\nkubectl get pods":                            "kubectl",
		"\t#\r\nhelm ls\r\n#":                                       "helm",
		"//\noc whoami":                                             "oc",
		"; helm ls":                                                 "",
		"curl -LO https://dl.example.com/kubectl":                   "",
		"chmod +x kubectl":                                          "",
		"kubectl.kubernetes.io/x":                                   "",
		"the helm of a ship":                                        "",
		"grep oc file":                                              "",
		"sleep 5 # lets kubectl port-forward end":                   "",
		"echo 'a # b' | kubectl apply -f -":                         "kubectl",
		"echo \"a \\\" # b\"; kubectl get x":                        "kubectl",
		"x=${a#b} kubectl get":                                      "kubectl",
		"cat <<EOF | kubectl apply -f -\nkind: Pod\nEOF":            "kubectl",
		"cat <<EOF > run.sh\nkubectl get\nEOF":                      "kubectl",
		"bash <<EOF\noc whoami\nEOF":                                "oc",
		"case $1 in\n  helm) true;;\n  kubectl)\n    false;;\nesac": "",
		"case $1 in\n  x) helm ls;;\nesac":                          "helm",
		"(oc)":                                                      "oc",
		"y=$( (true); helm)":                                        "helm",
		"timeout 300 helm upgrade x":                                "helm",
		"timeout -k 5s 60s oc wait x":                               "oc",
		"xargs -r oc delete":                                        "oc",
		"sudo -E helm ls":                                           "helm",
		"gosu app helm ls":                                          "helm",
		"NS=\"a\" helm ls":                                          "helm",
		"KUBECONFIG=$K oc get x":                                    "oc",
		"K=$(which oc)\n$K get pods":                                "oc",
		"K=`command -v helm`":                                       "helm",
		"if which helm; then true; fi":                              "",
		"true && kubectl\\\r\n get":                                 "kubectl",
		"HELM=\"helm\"\n$HELM upgrade x":                            "helm",
		"OC='/usr/bin/oc'":                                          "oc",
		"cmd=['kubectl', 'get', 'pods']":                            "kubectl",
		"cmd=[\"helm\", \"ls\"]":                                    "helm",
		"cat > run.sh <<EOF\nkubectl get\nEOF":                      "kubectl",
		"(case $1 in a) true;; esac; (true); kubectl get ns)":       "kubectl",
		"kubectl annotate pod x \"msg=done :)\"":                    "kubectl",
		"cat > msg <<EOF\nDon't panic\nEOF\necho 'a # b'; kubectl get x": "kubectl",
		"x=$'it\\'s'\necho 'a # b'; kubectl get":                         "kubectl",
		"IMAGE=alpine/helm":                                              "",
		"awk '\n/x/ { print } # c' f | kubectl apply -f -":               "kubectl",
		"echo \"a\n b # c\"; kubectl get":                                "kubectl",
		"x=${l%% #*}; kubectl get":                                       "kubectl",
		"echo a\\ # b; kubectl get":                                      "kubectl",
		"echo 'a\\' # b; kubectl get":                                    "",
		"mkdir -p /opt/kubectl":                                          "",
		"":                                                               "",
	} {
		if got := scriptCalls(text, tools); got != want {
			t.Errorf("scriptCalls(%q) = %q, want %q", text, got, want)
		}
	}
}

// Comments leave their lines behind, so that nothing else moves or joins.
func TestWithoutComments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\n# b\nc":                "a\n\nc",
		"#\n#\n\na # b\n#":         "\n\n\na # b\n",
		"#!/bin/sh\n //x\n\t;y\nz": "#!/bin/sh\n\n\nz",
		"http://x\na;b":            "http://x\na;b",
	} {
		if got := withoutComments(text); got != want {
			t.Errorf("withoutComments(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzScriptCalls(f *testing.F) {
	for _, seed := range []string{"kubectl get", "a=b kubectl", "`\\\n$(", "# \n;|&{}", "=\"kubectl"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := scriptCalls(text, []string{"kubectl"}); got != "" && got != "kubectl" {
			t.Errorf("scriptCalls(%q) = %q", text, got)
		}
		callsTool(snippet{script: true, argv: []string{text, text}}, []string{"kubectl"})
		addressIn(text)
		if plain := withoutRemarks(text); strings.Count(plain, "\n") != strings.Count(text, "\n") || withoutRemarks(plain) != plain {
			t.Errorf("withoutRemarks(%q) = %q", text, plain)
		}
		if plain := withoutComments(text); strings.Count(plain, "\n") != strings.Count(text, "\n") || withoutComments(plain) != plain {
			t.Errorf("withoutComments(%q) = %q", text, plain)
		}
	})
}
