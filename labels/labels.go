// Package labels turns the text of an image's RUN, INSTALL, UNINSTALL or STOP
// label into a typed action.
//
// The text is split into words once, by the rules of the POSIX shell but
// without a shell; variables are put in as parts of words and never looked at
// again; the words are classified into an [Action]. Whatever is wrong or odd
// is a finding that points at bytes of the author's text.
package labels

import (
	"maps"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// Codes of findings about a label's text and its program.
const (
	Syntax              run.Code = "syntax"
	Empty               run.Code = "empty"
	ShellOperator       run.Code = "shell-operator"
	CommandSubstitution run.Code = "command-substitution"
	UnsetVariable       run.Code = "unset-variable"
	UnknownVerb         run.Code = "unknown-verb"
	DroppedSudo         run.Code = "dropped-sudo"
)

// A Text is a label as an image has it.
type Text struct {
	Label string // the name asked for, such as RUN
	Key   string // the name in the image, such as run
	Value string
}

// Find looks a label up: under the name as given, then in lower case,
// Capitalised and in UPPER CASE; the first key that exists counts. STOP is
// looked up as stop first, and an empty one is passed over.
func Find(labels map[string]string, name string) (Text, bool) {
	lower := strings.ToLower(name)
	keys := []string{name, lower, lower[:min(1, len(lower))], strings.ToUpper(name)}
	keys[2] = strings.ToUpper(keys[2]) + lower[min(1, len(lower)):]
	stop := lower == "stop"
	if stop {
		keys = []string{"stop", "STOP", "Stop"}
	}
	for _, key := range keys {
		if value, ok := labels[key]; ok && (value != "" || !stop) {
			return Text{Label: strings.ToUpper(name), Key: key, Value: value}, true
		}
	}
	return Text{}, false
}

// Verbs are the labels that hold a command, in the order of a container's life.
func Verbs() []string { return []string{"INSTALL", "RUN", "STOP", "UNINSTALL"} }

// ContainerName is the name that a container of image gets when the user gives
// none: the last part of the path, without tag and digest.
func ContainerName(image string) string {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, tag, _ := strings.Cut(name, ":")
	if name == "sha256" && len(tag) >= 12 {
		return tag[:12]
	}
	return name
}

// A Reading is what a label means.
type Reading struct {
	Label string
	// Action is nil when no typed action could be made of the text.
	Action Action
	// Argv is every word after substitution, without a leading sudo.
	Argv     []string
	Risks    []run.Risk
	Findings []run.Finding
}

// Refused tells whether a finding forbids the action.
func (r Reading) Refused() bool {
	return slices.ContainsFunc(r.Findings, func(f run.Finding) bool { return f.Level == run.Error })
}

// Read gives the meaning of a label. words are what the user typed after the
// image; they are appended to the label's, untouched.
func Read(text Text, vars Vars, words []string) Reading {
	r := Reading{Label: text.Label}
	if strings.Trim(text.Value, " \t\n") == "" {
		r.Findings = []run.Finding{{
			Code: Empty, Level: run.Error, Message: "the label is empty",
			Hint: "write a command, or leave the label out", Origin: run.Origin{Length: len(text.Value)},
		}}
		return r
	}
	parsed, findings := split(text.Value)
	e := expander{vars: vars, findings: findings, doubtful: map[run.Origin]bool{}}
	all := e.expand(parsed)
	for i, w := range words {
		all = append(all, run.Word{Text: w, At: run.Origin{Source: run.UserWord, Offset: i, Length: len(w)}})
	}
	r.Findings = e.findings
	c := classifier{caller: run.Caller{Dir: vars.Scalars["PWD"]}, words: r.dropSudo(all), options: vars.Options}
	broken := slices.ContainsFunc(r.Findings, isTextError)
	if !slices.ContainsFunc(r.Findings, func(f run.Finding) bool { return f.Code == Syntax }) {
		r.Action = c.classify()
	}
	if broken {
		r.Action = nil
	}
	for _, w := range c.words {
		r.Argv = append(r.Argv, w.Text)
	}
	r.Risks = Risks(r.Action)
	r.addFindings(c.findings, e.doubtful)
	return r
}

// isTextError tells findings after which the words are not what the author
// meant, though some of what is wrong with them can still be told.
func isTextError(f run.Finding) bool {
	return f.Code == Syntax || f.Code == ShellOperator || f.Code == CommandSubstitution
}

// addFindings leaves out complaints about a value that only lacks what an
// unset variable should have given: that was said already.
func (r *Reading) addFindings(findings []run.Finding, doubtful map[run.Origin]bool) {
	for _, f := range findings {
		if f.Code != run.BadValue || !doubtful[f.Origin] {
			r.Findings = append(r.Findings, f)
		}
	}
}

func (r *Reading) dropSudo(words []run.Word) []run.Word {
	if len(words) < 2 || !slices.Contains([]string{"sudo", "/bin/sudo", "/usr/bin/sudo"}, words[0].Text) {
		return words
	}
	r.Findings = append(r.Findings, run.Finding{
		Code: DroppedSudo, Level: run.Note, Message: "the leading sudo is dropped",
		Hint: "a label runs with the rights of whoever runs atomic", Origin: words[0].At,
	})
	return words[1:]
}

// Names lists the names of the variables that Read knows, for messages and
// completion.
func (v Vars) Names() []string {
	names := []string{"NAME", "IMAGE", "CONFDIR", "LOGDIR", "DATADIR"}
	names = append(names, listNames...)
	return append(names, slices.Sorted(maps.Keys(v.Scalars))...)
}
