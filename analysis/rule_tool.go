package analysis

import (
	"iter"
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
	wrapped := startsNext(s.argv[0]) // all before only starts what comes next
	for i, arg := range s.argv {
		first := i == 0 || wrapped || i == 2 && startsAsUser(s.argv[0])
		wrapped = wrapped && (i == 0 || isOption(arg))
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

// startsNext tells whether a program only starts what comes behind its options: an init process, timeout 30, env A=b.
func startsNext(program string) bool {
	switch path.Base(program) {
	case "dumb-init", "tini", "timeout", "env", "nohup", "sudo", "exec", "nice", "catatonit":
		return true
	}
	return false
}

// startsAsUser tells whether a program only starts what comes behind the name of a user.
func startsAsUser(program string) bool {
	return path.Base(program) == "gosu" || path.Base(program) == "su-exec"
}

func isOption(arg string) bool {
	return strings.HasPrefix(arg, "-") || strings.Contains(arg, "=") || strings.Trim(arg, "0123456789smh") == ""
}

func scriptCalls(text string, tools []string) string {
	text = withoutRemarks(withoutComments(strings.ReplaceAll(text, "\r\n", "\n")))
	for command, asked := range commands(strings.ReplaceAll(text, "\\\n", " ")) {
		if tool := commandCalls(command, tools); tool != "" {
			return tool
		}
		if tool := whichOf(command, tools); asked && tool != "" {
			return tool
		}
	}
	return ""
}

// commands yields the commands of a shell script, and of each whether a variable is set to what it prints. A word before
// a parenthesis that none opens is a label of a case.
func commands(text string) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		depth, asked := 0, false
		for {
			end := strings.IndexAny(text, ";|&\n`(){}")
			if end < 0 {
				yield(text, asked)
				return
			}
			command, by := text[:end], text[end]
			text = text[end+1:]
			if label := by == ')' && depth == 0 && isLabel(command); !label && !yield(command, asked) {
				return
			}
			switch by {
			case '(':
				depth++
			case ')':
				depth = max(depth-1, 0)
			}
			asked = by == '(' && strings.HasSuffix(command, "=$") || by == '`' && strings.HasSuffix(command, "=")
		}
	}
}

func isLabel(text string) bool {
	words := strings.Fields(text)
	return len(words) < 2 || words[len(words)-2] == "in"
}

// whichOf returns the tool whose place a command prints, "" for any other command.
func whichOf(command string, tools []string) string {
	words := strings.Fields(command)
	if len(words) == 2 && words[0] == "which" || len(words) == 3 && words[0] == "command" && words[1] == "-v" {
		if tool := words[len(words)-1]; slices.Contains(tools, tool) {
			return tool
		}
	}
	return ""
}

// commandCalls returns the tool that a command calls, "" if it calls none.
func commandCalls(command string, tools []string) string {
	words := withoutPrefix(strings.Fields(command), tools)
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

// withoutPrefix drops what stands before the command proper, but for a variable that is set to a tool.
func withoutPrefix(words, tools []string) []string {
	for len(words) > 0 && isPrefixWord(words[0]) && !namesTool(words[0], tools) {
		first := words[0]
		words = words[1:]
		switch first {
		case "timeout", "xargs", "sudo": // with options, or how long
			for len(words) > 0 && (strings.HasPrefix(words[0], "-") || strings.Trim(words[0], "0123456789smhd") == "") {
				words = words[1:]
			}
		case "gosu", "su-exec":
			words = words[min(1, len(words)):]
		}
	}
	return words
}

// namesTool tells whether a variable is set to a tool, and not to a plain name or path, which much is called.
func namesTool(word string, tools []string) bool {
	_, value, _ := strings.Cut(word, "=")
	return strings.ContainsAny(value, "\"'$[") && slices.Contains(tools, path.Base(strings.Trim(value, `"'$,[]!`)))
}

// isPrefixWord tells whether a shell word comes before the command proper.
func isPrefixWord(word string) bool {
	switch word {
	case "if", "then", "else", "elif", "while", "until", "do", "!", "exec", "sudo", "time", "command", "eval", "xargs", "timeout", "nohup", "gosu", "su-exec", "[", "[[", "run:", "-":
		return true
	}
	name, value, ok := strings.Cut(word, "=")
	whole := strings.Count(value, `"`)%2 == 0 && strings.Count(value, "'")%2 == 0 // and not the begin of several words
	return ok && !strings.Contains(name, "-") && whole && !strings.HasSuffix(strings.Trim(value, `"'`), "kubectl")
}

// onlyNames tells whether a command only speaks of its arguments or fetches them.
func onlyNames(command string) bool {
	switch path.Base(strings.Trim(command, `"'`)) {
	case "echo", "printf", "log", "info", "warn", "error", "which", "curl", "wget", "chmod", "mkdir", "touch", "mv", "cp", "rm", "ln", "apk", "apt-get", "apt", "yum", "dnf", "microdnf", "install", "tar", "cat", "ls", "#":
		return true
	}
	return false
}
