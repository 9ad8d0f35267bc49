package analysis

import (
	"path"
	"slices"
	"strings"
)

// callsTool returns the first of the tools that a command line or script calls,
// "" if it calls none. A tool that is only named (in a comment, in an echo, in a label
// such as kubectl.kubernetes.io) is not called.
func callsTool(s snippet, tools []string) string {
	if !s.script {
		return ""
	}
	if s.argv == nil {
		return scriptCalls(s.text, tools)
	}
	for i, arg := range s.argv {
		first := i == 0 || isWrapper(s.argv[:i])
		if first && slices.Contains(tools, path.Base(arg)) {
			return path.Base(arg)
		}
		if strings.ContainsAny(arg, " \n\t") || (i > 0 && strings.HasPrefix(s.argv[i-1], "-") && strings.HasSuffix(s.argv[i-1], "c")) {
			if tool := scriptCalls(arg, tools); tool != "" {
				return tool
			}
		}
	}
	return ""
}

// isWrapper tells whether everything so far only starts what comes next: an init
// process, timeout 30, env A=b.
func isWrapper(argv []string) bool {
	switch path.Base(argv[0]) {
	case "dumb-init", "tini", "timeout", "env", "nohup", "sudo", "exec", "nice", "catatonit":
	default:
		return false
	}
	for _, arg := range argv[1:] {
		if !strings.HasPrefix(arg, "-") && !strings.Contains(arg, "=") && strings.Trim(arg, "0123456789smh") != "" {
			return false
		}
	}
	return true
}

// separates tells whether a character ends one command of a shell script and starts another.
func separates(c rune) bool { return strings.ContainsRune(";|&\n`(){}", c) }

func scriptCalls(text string, tools []string) string {
	text = strings.ReplaceAll(withoutComments(text), "\\\n", " ")
	for command := range strings.FieldsFuncSeq(text, separates) {
		if tool := commandCalls(command, tools); tool != "" {
			return tool
		}
	}
	return ""
}

func commandCalls(command string, tools []string) string {
	words := strings.Fields(command)
	for len(words) > 0 && isPrefixWord(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 || onlyNames(words[0]) {
		return ""
	}
	for i, word := range words {
		_, value, assigned := strings.Cut(word, "=")
		if assigned {
			word = value
		}
		name := path.Base(strings.Trim(word, `"'$,[]!`))
		if !slices.Contains(tools, name) {
			continue
		}
		// Short names are words of other languages, too: only where a command stands.
		if i == 0 || assigned || name == "kubectl" {
			return name
		}
	}
	return ""
}

// isPrefixWord tells whether a shell word comes before the command proper.
func isPrefixWord(word string) bool {
	switch word {
	case "if", "then", "else", "elif", "while", "until", "do", "!", "exec", "sudo", "time", "command", "eval", "xargs", "timeout", "nohup", "[", "[[", "run:", "-":
		return true
	}
	name, value, ok := strings.Cut(word, "=")
	return ok && !strings.Contains(name, "-") && !strings.ContainsAny(value, "\"'$") && !strings.HasSuffix(value, "kubectl")
}

// onlyNames tells whether a command only speaks of its arguments or fetches them.
func onlyNames(command string) bool {
	switch path.Base(strings.Trim(command, `"'`)) {
	case "echo", "printf", "log", "info", "warn", "error", "which", "curl", "wget", "chmod", "mv", "cp", "rm", "ln", "apk", "apt-get", "apt", "yum", "dnf", "microdnf", "install", "tar", "cat", "ls", "#":
		return true
	}
	return false
}
