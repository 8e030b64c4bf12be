package labels

import (
	"path"
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// An Action is what a label asks for: [Run], [EngineVerb] or [HostCommand].
type Action interface {
	// Kind is run, engine-verb or host-command.
	Kind() string
	sealed()
}

// Run makes a container and runs it.
type Run struct {
	Spec run.Spec
}

// EngineVerb is an engine's command other than run.
type EngineVerb struct {
	Verb    string   // stop, kill, rm, …; of "container stop" only stop
	Targets []string // containers
	Signal  string
	Grace   *int // seconds
	Force   bool
	Ignore  bool // targets that are not there are no error
	Attach  bool
	// Exec is what exec runs: its Image is the container.
	Exec run.Spec
	// Unsupported says why atomic does not carry the verb out; empty when it does.
	Unsupported string
}

// HostCommand runs a program of the host, as whoever runs atomic. The image's
// author chose it.
type HostCommand struct {
	Argv []string
}

// Kind names the action.
func (Run) Kind() string { return "run" }

// Kind names the action.
func (EngineVerb) Kind() string { return "engine-verb" }

// Kind names the action.
func (HostCommand) Kind() string { return "host-command" }

func (Run) sealed()         {}
func (EngineVerb) sealed()  {}
func (HostCommand) sealed() {}

// Risks tells in which ways an action reaches out of a container.
func Risks(a Action) []run.Risk {
	switch a := a.(type) {
	case Run:
		return run.Risks(a.Spec)
	case HostCommand:
		return []run.Risk{{Name: run.RiskHostCommand, Cause: a.Argv[0]}}
	case EngineVerb:
		if a.Exec.Privileged {
			return []run.Risk{{Name: run.RiskPrivileged, Cause: "--privileged"}}
		}
	}
	return nil
}

// IsEngine tells whether a program word means the engine: an engine's name,
// bare or in a directory of the system.
func IsEngine(program string) bool {
	dir, base := path.Split(program)
	return slices.Contains([]string{"docker", "podman", "docker-latest"}, base) &&
		slices.Contains([]string{"", "/bin/", "/usr/bin/", "/usr/local/bin/", "/usr/sbin/"}, dir)
}

// A classifier makes an action of words.
type classifier struct {
	caller   run.Caller
	words    []run.Word
	options  []string // go behind "run"
	findings []run.Finding
}

func (c *classifier) add(code run.Code, level run.Level, at run.Origin, hint, message string) {
	c.findings = append(c.findings, run.Finding{Code: code, Level: level, Message: message, Hint: hint, Origin: at})
}

func (c *classifier) classify() Action {
	words := c.words
	if len(words) == 0 {
		c.add(Empty, run.Error, run.Origin{}, "write a command, or leave the label out", "nothing is left of the label")
		return nil
	}
	if !IsEngine(words[0].Text) {
		argv := make([]string, len(words))
		for i, w := range words {
			argv[i] = w.Text
		}
		return HostCommand{Argv: argv}
	}
	rest := c.engineFlags(words[1:])
	if slices.ContainsFunc(c.findings, func(f run.Finding) bool { return f.Level == run.Error }) {
		return nil
	}
	if len(rest) > 1 && rest[0].Text == "container" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		c.add(UnknownVerb, run.Error, words[0].At, "write "+words[0].Text+" run …", "there is no command after "+words[0].Text)
		return nil
	}
	if rest[0].Text == "run" {
		return c.run(len(words) - len(rest) + 1)
	}
	return c.verb(rest[0], rest[1:])
}

// run reads the words from the one behind "run" on.
func (c *classifier) run(start int) Action {
	var options []run.Word
	for _, o := range c.options {
		options = append(options, run.Word{Text: o, At: run.Origin{Source: "option", Length: len(o)}})
	}
	c.words = slices.Insert(slices.Clone(c.words), start, options...)
	spec, findings := run.Parse(c.words[start:], c.caller)
	return c.unlessFailed(Run{Spec: spec}, findings)
}

func (c *classifier) verb(verb run.Word, rest []run.Word) Action {
	if !slices.Contains(engineVerbs, verb.Text) {
		hint := ""
		if near := run.Nearest(verb.Text, engineVerbs); near != "" {
			hint = "did you mean " + near + "?"
		}
		c.add(UnknownVerb, run.Error, verb.At, hint, "no engine has a command "+verb.Text)
		return nil
	}
	a, findings := readVerb(verb.Text, rest, c.caller)
	return c.unlessFailed(a, findings)
}

func (c *classifier) unlessFailed(a Action, findings []run.Finding) Action {
	c.findings = append(c.findings, findings...)
	if slices.ContainsFunc(findings, func(f run.Finding) bool { return f.Level == run.Error }) {
		return nil
	}
	return a
}

// engineFlags skips the flags that stand before the verb. They are about how
// the engine is reached or talks, which is the user's affair and not the
// label's: each is remarked on.
func (c *classifier) engineFlags(words []run.Word) []run.Word {
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") {
		w := words[0]
		words = words[1:]
		name, _, joined := strings.Cut(w.Text, "=")
		takes, known := engineFlagTable[name]
		switch {
		case name == "--version" || name == "-v":
			return []run.Word{{Text: "version", At: w.At}}
		case !known && len(name) > 2 && name[1] != '-' && engineFlagTable[name[:2]]:
			// The value is glued on, as in -Hunix:///run/docker.sock.
		case !known:
			c.add(run.UnknownFlag, run.Error, w.At, "flags of run stand behind run", "unknown flag "+name+" before the command")
			return nil
		case takes && !joined && len(words) > 0:
			words = words[1:]
		}
		c.add(run.IgnoredFlag, run.Note, w.At, "the user chooses the engine, with --engine, DOCKER_HOST or CONTAINER_HOST", name+" is ignored")
	}
	return words
}

// engineFlagTable holds the flags of docker and podman themselves, and whether
// they take a value.
var engineFlagTable = map[string]bool{
	"--config": true, "--context": true, "-c": true, "--debug": false, "-D": false, "--host": true, "-H": true,
	"--log-level": true, "-l": true, "--tls": false, "--tlscacert": true, "--tlscert": true, "--tlskey": true,
	"--tlsverify": false, "--version": false, "-v": false,
	"--cgroup-manager": true, "--conmon": true, "--connection": true, "--events-backend": true, "--hooks-dir": true,
	"--identity": true, "--imagestore": true, "--module": true, "--namespace": true, "--network-cmd-path": true,
	"--network-config-dir": true, "--noout": false, "--out": true, "--remote": false, "-r": false, "--root": true,
	"--runroot": true, "--runtime": true, "--runtime-flag": true, "--ssh": true, "--storage-driver": true,
	"--storage-opt": true, "--syslog": false, "--tmpdir": true, "--transient-store": false, "--url": true,
	"--volumepath": true,
}
