package labels

import (
	"fmt"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// Vars are the values that a label may put in. A value that is put in is
// never looked at again: not split, not expanded.
type Vars struct {
	Image string // as the user typed it
	Name  string // of the container
	// Scalars are PWD, HOME, SUDO_UID and the like. NAME, IMAGE and the
	// directories CONFDIR, LOGDIR and DATADIR come from the fields above.
	Scalars map[string]string
	// Lists are OPT1, OPT2, OPT3 and RUN_OPTS, as typed: split where they
	// stand alone and unquoted, one string elsewhere, nothing when absent.
	Lists map[string]string
	// Options are put right behind "run", as if the label began with them.
	Options []string
	// AllowUnset makes a variable without a value the empty string, with a
	// warning.
	AllowUnset bool
}

var listNames = []string{"OPT1", "OPT2", "OPT3", "RUN_OPTS"}

// scalar looks a variable up that is one string.
func (v Vars) scalar(name string) (string, bool) {
	switch name {
	case "NAME":
		return v.Name, true
	case "IMAGE":
		return v.Image, true
	case "CONFDIR":
		return "/etc/" + v.Name, true
	case "LOGDIR":
		return "/var/log/" + v.Name, true
	case "DATADIR":
		return "/var/lib/" + v.Name, true
	}
	value, ok := v.Scalars[name]
	return value, ok
}

// An expander turns the words of a text into arguments.
type expander struct {
	vars     Vars
	findings []run.Finding
	// doubtful are places of words that lack the value of an unset variable.
	doubtful map[run.Origin]bool
}

// expand puts the variables and bare words in.
func (e *expander) expand(words []word) []run.Word {
	var out []run.Word
	for _, w := range words {
		if name, ok := w.aloneList(); ok {
			if value, set := e.vars.Lists[name]; set {
				out = append(out, e.splice(name, value)...)
				continue
			}
		}
		text, present := e.text(w, w.origin())
		if present {
			out = append(out, run.Word{Text: bareWord(w, text, e.vars), At: w.origin()})
		}
	}
	return out
}

func (w word) origin() run.Origin { return run.Origin{Offset: w.start, Length: w.end - w.start} }

// aloneList gives the list variable that is the whole word, unquoted.
func (w word) aloneList() (string, bool) {
	if len(w.parts) != 1 {
		return "", false
	}
	p := w.parts[0]
	return p.name, !p.quoted && slices.Contains(listNames, p.name)
}

// splice splits the value of a list variable by the rules of a label.
func (e *expander) splice(name, value string) []run.Word {
	words, findings := splitValue(value, name)
	e.findings = append(e.findings, findings...)
	var out []run.Word
	for _, w := range words {
		text, _ := e.text(w, w.origin())
		at := w.origin()
		at.Source = name
		out = append(out, run.Word{Text: text, At: at})
	}
	return out
}

// text puts the parts of a word together. at is the place of the word, or of
// the one around it. A word of nothing but absent list variables is not there.
func (e *expander) text(w word, at run.Origin) (text string, present bool) {
	var b strings.Builder
	absent, other := false, false
	for _, p := range w.parts {
		if p.name == "" {
			b.WriteString(p.text)
			other = other || p.text != ""
			continue
		}
		value, there := e.value(p, at)
		b.WriteString(value)
		absent, other = absent || !there, other || there
	}
	return b.String(), other || !absent
}

// value gives what a variable stands for.
func (e *expander) value(p part, at run.Origin) (string, bool) {
	list := slices.Contains(listNames, p.name)
	value, set := e.vars.scalar(p.name)
	if list {
		value, set = e.vars.Lists[p.name]
	}
	if strings.Contains(value, "\x00") {
		e.findings = append(e.findings, run.Finding{
			Code: Syntax, Level: run.Error, Message: "the value of " + p.name + " holds a NUL byte",
			Hint:   "no argument of a program can",
			Origin: run.Origin{Offset: p.start, Length: p.end - p.start},
		})
		return "", true
	}
	switch {
	case p.fallback != nil && value == "":
		text, _ := e.text(*p.fallback, at)
		return text, true
	case set || list:
		return value, set
	}
	level := run.Error
	if e.vars.AllowUnset {
		level = run.Warning
	} else {
		e.doubtful[at] = true
	}
	e.findings = append(e.findings, run.Finding{
		Code: UnsetVariable, Level: level,
		Message: fmt.Sprintf("variable %s is not set", p.name),
		Hint:    "write ${" + p.name + ":-value} for a fallback; the user may pass it with --pass-env " + p.name + " or go on with --allow-unset",
		Origin:  run.Origin{Offset: p.start, Length: p.end - p.start},
	})
	return "", true
}

// bareWord puts IMAGE and NAME in where they stand for themselves: as a whole
// word, or at the end of one behind "=", unquoted and in the label's own text.
func bareWord(w word, text string, vars Vars) string {
	if len(w.parts) == 0 {
		return text
	}
	last := w.parts[len(w.parts)-1]
	if last.name != "" || last.quoted {
		return text
	}
	for name, value := range map[string]string{"IMAGE": vars.Image, "NAME": vars.Name} {
		if len(w.parts) == 1 && last.text == name || strings.HasSuffix(last.text, "="+name) {
			return strings.TrimSuffix(text, name) + value
		}
	}
	return text
}

// ReadPath gives the one word that a label such as RUN_OPTS_FILE holds.
func ReadPath(text Text, vars Vars) (string, []run.Finding) {
	words, findings := split(text.Value)
	e := expander{vars: vars, findings: findings, doubtful: map[run.Origin]bool{}}
	out := e.expand(words)
	if len(out) != 1 {
		at := run.Origin{Length: len(text.Value)}
		e.findings = append(e.findings, run.Finding{Code: Syntax, Level: run.Error, Message: "it is not one word", Origin: at})
		return "", e.findings
	}
	return out[0].Text, e.findings
}
