package labels

import (
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// engineVerbs are the commands of docker and podman other than run.
var engineVerbs = []string{
	"attach", "auto-update", "build", "buildx", "checkpoint", "cleanup", "commit", "compose", "config", "container", "context",
	"cp", "create", "diff", "events", "exec", "exists", "export", "farm", "generate", "healthcheck", "history", "image",
	"images", "import", "info", "init", "inspect", "kill", "kube", "load", "login", "logout", "logs", "machine", "manifest",
	"mount", "network", "node", "pause", "play", "plugin", "pod", "port", "ps", "pull", "push", "quadlet", "rename", "restart",
	"restore", "rm", "rmi", "save", "search", "secret", "service", "stack", "start", "stats", "stop", "swarm", "system", "tag",
	"top", "trust", "unmount", "unpause", "unshare", "untag", "update", "version", "volume", "wait",
}

// A verbFlag is a flag of a verb with a typed form.
type verbFlag struct {
	names []string
	takes bool
	set   func(a *EngineVerb, value string) error
}

func verbToggle(set func(*EngineVerb), names ...string) verbFlag {
	return verbFlag{names: names, set: func(a *EngineVerb, _ string) error { set(a); return nil }}
}

var (
	graceFlag = verbFlag{names: []string{"-t", "--time", "--timeout"}, takes: true, set: func(a *EngineVerb, v string) error {
		n, err := run.Seconds(v)
		a.Grace = &n
		return err
	}}
	signalFlag = verbFlag{names: []string{"-s", "--signal"}, takes: true, set: func(a *EngineVerb, v string) (err error) {
		a.Signal, err = run.Signal(v)
		return err
	}}
	forceFlag    = verbToggle(func(a *EngineVerb) { a.Force = true }, "-f", "--force")
	volumesFlag  = verbToggle(func(*EngineVerb) {}, "-v", "--volumes") // always so
	attachFlag   = verbToggle(func(a *EngineVerb) { a.Attach = true }, "-a", "--attach")
	ignoreFlag   = verbToggle(func(a *EngineVerb) { a.Ignore = true }, "-i", "--ignore")
	interactFlag = verbToggle(func(*EngineVerb) {}, "-i", "--interactive") // decided by what is there
)

// verbFlags holds the verbs whose targets are containers.
var verbFlags = map[string][]verbFlag{
	"stop":    {graceFlag, signalFlag, ignoreFlag},
	"restart": {graceFlag, signalFlag},
	"kill":    {signalFlag},
	"rm":      {forceFlag, volumesFlag, ignoreFlag, graceFlag},
	"start":   {attachFlag, interactFlag},
	"version": {},
}

// execFlags are the flags that exec shares with run.
var execFlags = []string{"detach", "detach-keys", "env", "env-file", "interactive", "privileged", "tty", "user", "workdir"}

// readVerb reads the words after a verb.
func readVerb(verb string, words []run.Word, from run.Caller) (EngineVerb, []run.Finding) {
	a := EngineVerb{Verb: verb}
	flags, typed := verbFlags[verb]
	switch {
	case verb == "exec":
		var findings []run.Finding
		a.Exec, findings = run.ParseExec(words, from, execFlags)
		a.Targets = []string{a.Exec.Image}
		return a, findings
	case !typed:
		a.Unsupported = "atomic has no typed form of \"" + verb + "\""
		return a, nil
	}
	r := verbReader{action: a, flags: flags}
	r.read(words)
	if len(r.action.Targets) == 0 && verb != "version" && len(r.findings) == 0 {
		r.refuse(run.BadValue, run.Origin{}, "name one, as in "+verb+" ${NAME}", verb+" names no container")
	}
	return r.action, r.findings
}

type verbReader struct {
	action   EngineVerb
	flags    []verbFlag
	findings []run.Finding
}

func (r *verbReader) refuse(code run.Code, at run.Origin, hint, message string) {
	r.findings = append(r.findings, run.Finding{Code: code, Level: run.Error, Message: message, Hint: hint, Origin: at})
}

// read takes flags and targets in any order, as the engines do.
func (r *verbReader) read(words []run.Word) {
	for len(words) > 0 {
		w := words[0]
		words = words[1:]
		if w.Text == "--" {
			for _, t := range words {
				r.action.Targets = append(r.action.Targets, t.Text)
			}
			return
		}
		if len(w.Text) < 2 || w.Text[0] != '-' {
			r.action.Targets = append(r.action.Targets, w.Text)
			continue
		}
		words = r.flag(w, words)
	}
}

// flag reads one flag and gives the words after it and its value.
func (r *verbReader) flag(w run.Word, rest []run.Word) []run.Word {
	name, value, joined := strings.Cut(w.Text, "=")
	if name[1] != '-' && len(name) > 2 {
		name, value, joined = name[:2], strings.TrimPrefix(w.Text[2:], "="), true
	}
	i := slices.IndexFunc(r.flags, func(f verbFlag) bool { return slices.Contains(f.names, name) })
	if i < 0 {
		r.refuse(run.UnknownFlag, w.At, "", "unknown flag "+name+" of "+r.action.Verb)
		return rest
	}
	f := r.flags[i]
	switch {
	case !f.takes && joined && name[1] != '-':
		// Letters that stand together, as in -fv.
		more := run.Word{Text: "-" + value, At: w.At}
		return append([]run.Word{more}, r.set(f, "", w, rest)...)
	case f.takes && !joined && len(rest) == 0:
		r.refuse(run.BadValue, w.At, "", name+" needs a value")
		return rest
	case f.takes && !joined:
		return r.set(f, rest[0].Text, rest[0], rest[1:])
	}
	return r.set(f, value, w, rest)
}

func (r *verbReader) set(f verbFlag, value string, at run.Word, rest []run.Word) []run.Word {
	if err := f.set(&r.action, value); err != nil {
		r.refuse(run.BadValue, at.At, "", f.names[len(f.names)-1]+": "+err.Error())
	}
	return rest
}
