package analysis

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

func findUnreadable(ix *index, s *subject) []finding {
	var out []finding
	if ix.err != nil {
		out = append(out, here(s, unreadable, "the tables that judging rests on could not be read: "+ix.err.Error()))
	}
	if s.err != nil {
		out = append(out, here(s, unreadable, s.err.Error()))
	}
	unread := ix.invalid[s.Release]
	for _, e := range unread[:min(len(unread), maxUnread)] {
		out = append(out, finding{Evidence: e, says: hidden})
	}
	if more := len(unread) - maxUnread; more > 0 {
		out = append(out, here(s, hidden, fmt.Sprintf("more of its release could not be read: %d roles, bindings or manifests", more)))
	}
	return out
}

// maxUnread is how many unreadable pieces of its release a workload shows.
const maxUnread = 50

func findUnknown(_ *index, s *subject) []finding {
	if !s.unknown {
		return nil
	}
	return []finding{here(s, unreadable, fmt.Sprintf("not judged: unknown kind %s of %s, whose operator may make pods from it", s.Kind, s.Object.APIVersion))}
}

func findOperator(_ *index, s *subject) []finding {
	if s.operator == nil {
		return nil
	}
	switch s.operator.Needs {
	case NeedYes:
		return []finding{here(s, asks, s.operator.Reason)}
	case NeedNo:
		return []finding{here(s, needless, s.operator.Reason)}
	case NeedNotByItself:
		return []finding{here(s, idle, s.operator.Reason)}
	}
	return []finding{here(s, picture, s.operator.Reason)}
}

func findTools(ix *index, s *subject) []finding {
	if ix.signs == nil {
		return nil
	}
	var out []finding
	for _, text := range s.texts {
		if tool := callsTool(text, ix.signs.Tools); tool != "" {
			out = append(out, at(text.source, asks, "runs "+tool+" in "+text.where))
		}
	}
	return dedupe(out)
}

var (
	tokenPath  = regexp.MustCompile(`/(var/)?run/secrets/kubernetes\.io/serviceaccount([^\w-]|$)`)
	apiAddress = regexp.MustCompile(`(^|[^\w.-]|[^\w.-]-|\b_tcp\.)kubernetes\.default(\.svc(\.[\w.-]*)?)?\.?([^\w.-]|$)|\bKUBERNETES_(SERVICE_(HOST|PORT)|PORT_443_TCP)`)
	// noProxy is a command, or a line of configuration, that says which addresses no proxy is asked for, or a list of them
	// among other settings.
	noProxy     = regexp.MustCompile(`(?i)[^;&\n]*\bno_?proxy\b[^;&\n]*|(_no_?proxy|\bno-proxy|\bnonProxyHosts)["']?[ \t]*[:=][ \t]*("[^"\n]*"|'[^'\n]*'|[^\s;&]*)`)
	noProxyName = regexp.MustCompile(`(?i)(^|[_.-])(no[_-]?proxy|nonProxyHosts)$`)
)

func findAddress(ix *index, s *subject) []finding {
	var out []finding
	for _, text := range s.texts {
		if words := addressIn(text.text); words != "" {
			out = append(out, at(text.source, asks, words+" in "+text.where))
		}
	}
	for _, v := range s.env {
		if words := addressIn(v.value); words != "" && !noProxyName.MatchString(v.name) {
			out = append(out, at(v.source, asks, words+" in the environment variable "+v.name+" of container "+v.container))
		}
	}
	return dedupe(out)
}

func addressIn(text string) string {
	if !holdsAny(text, []string{"/secrets/kubernetes.io/", "kubernetes.default", "KUBERNETES_"}) {
		return "" // much cheaper than the expressions, which most texts do not match
	}
	text = noProxy.ReplaceAllString(withoutComments(text), "")
	switch {
	case tokenPath.MatchString(text):
		return "reads its ServiceAccount's token or certificate"
	case apiAddress.MatchString(text):
		return "calls the API by its address"
	}
	return ""
}

// imageName is the last part of an image's repository: registry/a/b:tag@digest is b.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndexByte(image, '/')+1:]
	name, _, _ = strings.Cut(name, ":")
	return strings.ToLower(name)
}

func findImages(ix *index, s *subject) []finding {
	if s.pod == nil || ix.signs == nil {
		return nil
	}
	var out []finding
	for _, c := range s.pod.containers() {
		name := imageName(c.Image)
		for _, sign := range ix.signs.Images {
			if !sign.match.MatchString(name) {
				continue
			}
			effect := sign.says()
			if effect == mayAsk && len(c.Command) == 0 {
				effect = asks // its own entry point is the tool
			}
			out = append(out, here(s, effect, fmt.Sprintf("%s in container %s", sign.Words, c.Name)))
			break
		}
	}
	return dedupe(out)
}

func findFlags(ix *index, s *subject) []finding {
	if ix.signs == nil {
		return nil
	}
	var out []finding
	for _, text := range s.texts {
		if text.argv == nil {
			continue
		}
		flags := slices.DeleteFunc(strings.Fields(text.text), func(word string) bool { return !strings.HasPrefix(word, "-") })
		for _, flag := range flags {
			for _, sign := range ix.signs.Flags {
				if sign.match.MatchString(flag) && !(sign.Unless != "" && slices.ContainsFunc(flags, sign.unless.MatchString)) {
					out = append(out, at(text.source, sign.says(), fmt.Sprintf("%s (%s) in %s", sign.Words, flag, text.where)))
					break
				}
			}
		}
	}
	return dedupe(out)
}

func findConfiguration(ix *index, s *subject) []finding {
	if ix.signs == nil {
		return nil
	}
	var out []finding
	for _, text := range s.texts {
		plain := withoutComments(text.text)
		folded := fold(plain)
		for _, sign := range ix.signs.Configs {
			if holdsAny(folded, sign.literals) && sign.match.MatchString(plain) {
				out = append(out, at(text.source, sign.says(), sign.Words+", by "+text.where))
				break
			}
		}
	}
	return dedupe(out)
}

func findInjected(ix *index, s *subject) []finding {
	if s.pod == nil || ix.signs == nil {
		return nil
	}
	var out []finding
	for _, key := range slices.Sorted(maps.Keys(s.pod.annotations)) {
		for _, sign := range ix.signs.Injectors {
			_, replaced := s.pod.annotations[sign.Unless]
			if sign.match.MatchString(key) && sign.value.MatchString(s.pod.annotations[key]) && !replaced {
				out = append(out, here(s, asks, sign.Words+" (annotation "+key+")"))
			}
		}
	}
	return out
}

// dedupe drops findings that say the same of the same object.
func dedupe(found []finding) []finding {
	var out []finding
	seen := map[string]bool{}
	for _, f := range found {
		key := f.Summary + "\x00" + f.Object
		if !seen[key] {
			seen[key] = true
			out = append(out, f)
		}
	}
	return out
}
