package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/docker/cli/pkg/kvfile"
	"github.com/google/renameio/v2"
	"github.com/moby/sys/signal"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
	"github.com/projectatomic/atomic/labels/run"
)

// A task is a label that has been read, ready to be shown or carried out.
type task struct {
	text    labels.Text
	reading labels.Reading
	vars    labels.Vars
	opts    *labelOptions
}

// ready shows what is wrong with a label and refuses it if it must not run.
func (e *env) ready(t task) error {
	e.showFindings(t.text, t.reading.Findings, e.debug)
	if t.reading.Refused() {
		return hint(fmt.Errorf("the %s label cannot be used as it is", t.text.Label),
			"atomic lint shows what the image's author has to mend")
	}
	return nil
}

// display prints the command so that it can be pasted.
func (e *env) display(t task) {
	fmt.Fprintln(e.stdout, labels.Quote(withProgram(t.reading, e.kind)))
}

// withProgram gives the words with the program of the engine at hand: docker's
// syntax runs on podman and the other way round.
func withProgram(r labels.Reading, kind images.Kind) []string {
	words := slices.Clone(r.Argv)
	if _, host := r.Action.(labels.HostCommand); !host && len(words) > 0 && !strings.HasSuffix(words[0], string(kind)) {
		words[0] = string(kind)
	}
	return words
}

// announce prints the command and its risks before it runs: on stdout, or on
// stderr where stdout belongs to the container.
func (e *env) announce(t task) {
	if t.opts.quiet {
		return
	}
	line := labels.Quote(withProgram(t.reading, e.kind))
	if a, ok := t.reading.Action.(labels.Run); ok && a.Spec.Detach {
		fmt.Fprintln(e.stdout, line)
	} else {
		e.notef("%s", line)
	}
	e.explain(t.reading.Risks)
}

// carryOut announces and executes an action and gives its exit status.
func (e *env) carryOut(ctx context.Context, eng images.Engine, t task) (int, error) {
	if err := checkAccepted(t.reading.Risks, t.opts.accept.Value()); err != nil {
		return 0, err
	}
	switch a := t.reading.Action.(type) {
	case labels.Run:
		spec, err := e.resolve(a.Spec, t.opts.passEnv.Value())
		if err != nil {
			return 0, err
		}
		if err := e.check(eng, t, spec); err != nil {
			return 0, err
		}
		e.announce(t)
		return e.runSpec(ctx, eng, spec, t.vars.Image)
	case labels.EngineVerb:
		e.announce(t)
		return e.verb(ctx, eng, a)
	case labels.HostCommand:
		e.announce(t)
		return e.hostCommand(ctx, a.Argv, e.commandEnviron(t.vars))
	}
	return 0, fmt.Errorf("the %s label is no action", t.text.Label)
}

// check refuses what the engine cannot carry out.
func (e *env) check(eng images.Engine, t task, spec run.Spec) error {
	findings := eng.Check(spec)
	e.showFindings(t.text, findings, e.debug)
	for _, f := range findings {
		if f.Level == run.Error {
			return fmt.Errorf("%s cannot run this: %s", e.kind, f.Message)
		}
	}
	return nil
}

// resolve replaces what only the caller's side knows: variables, files.
func (e *env) resolve(spec run.Spec, pass []string) (run.Spec, error) {
	var resolved []run.EnvVar
	for _, file := range spec.EnvFiles {
		vars, err := readPairs(file, e.lookupEnv)
		if err != nil {
			return spec, fmt.Errorf("reading the variables in %s: %w", file, err)
		}
		for _, p := range vars {
			resolved = append(resolved, run.EnvVar{Name: p.Name, Value: p.Value})
		}
	}
	for _, v := range spec.Env {
		if v.FromCaller {
			value, ok := e.lookupEnv(v.Name)
			if !ok || !slices.Contains(append(visible, pass...), v.Name) {
				e.logf("%s is not passed on", v.Name)
				continue
			}
			v = run.EnvVar{Name: v.Name, Value: value}
		}
		resolved = append(resolved, v)
	}
	var labelled []run.Pair
	for _, file := range spec.LabelFiles {
		pairs, err := readPairs(file, nil)
		if err != nil {
			return spec, fmt.Errorf("reading the labels in %s: %w", file, err)
		}
		labelled = append(labelled, pairs...)
	}
	spec.Env, spec.EnvFiles = resolved, nil
	spec.Labels, spec.LabelFiles = append(labelled, spec.Labels...), nil
	return spec, nil
}

func readPairs(file string, lookup func(string) (string, bool)) ([]run.Pair, error) {
	lines, err := kvfile.Parse(file, lookup)
	if err != nil {
		return nil, err
	}
	var pairs []run.Pair
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		pairs = append(pairs, run.Pair{Name: name, Value: value})
	}
	return pairs, nil
}

// runSpec creates a container of a resolved spec and starts it. Nothing is left
// behind when it cannot be started. The image called local is there.
func (e *env) runSpec(ctx context.Context, eng images.Engine, spec run.Spec, local string) (int, error) {
	if err := e.pullAsAsked(ctx, eng, spec, local); err != nil {
		return 0, err
	}
	spec = e.withTerminal(spec)
	id, err := e.create(ctx, eng, spec)
	if err != nil {
		return 0, notStarted{err}
	}
	return e.startCreated(ctx, eng, id, spec, justStarted)
}

// withTerminal leaves the terminal out where there is none.
func (e *env) withTerminal(spec run.Spec) run.Spec {
	if spec.TTY && !spec.Detach && !e.interactive() {
		e.logf("running without a terminal, for there is none here")
		spec.TTY = false
	}
	return spec
}

// pullAsAsked honours --pull of the label, and pulls an image that the label
// names beside the one called local, which is there.
func (e *env) pullAsAsked(ctx context.Context, eng images.Engine, spec run.Spec, local string) error {
	wanted := spec.Pull == "always" || spec.Pull == "newer"
	if !wanted && spec.Image == local {
		return nil
	}
	if !wanted {
		_, err := eng.Image(ctx, spec.Image)
		if !isNotFound(err) || spec.Pull == "never" {
			return err
		}
	}
	_, err := e.pull(ctx, eng, spec.Image, pullOptions{quiet: spec.Quiet})
	return err
}

func (e *env) create(ctx context.Context, eng images.Engine, spec run.Spec) (string, error) {
	if _, err := os.Stat(spec.CIDFile); spec.CIDFile != "" && err == nil {
		return "", hint(fmt.Errorf("the file %s for the container's ID exists", spec.CIDFile), "remove it if no container runs by it")
	}
	id, warnings, err := eng.Create(ctx, spec)
	if errors.Is(err, images.ErrConflict) && spec.Name != "" {
		return "", hint(err, "remove it with atomic containers delete %s, or choose another name with --name", spec.Name)
	}
	if err != nil {
		return "", err
	}
	for _, w := range warnings {
		e.notef("atomic: %s", w)
	}
	if spec.CIDFile == "" {
		return id, nil
	}
	if err := renameio.WriteFile(spec.CIDFile, []byte(id), 0o644); err != nil {
		return "", errors.Join(fmt.Errorf("writing the container's ID: %w", err), e.discard(eng, id))
	}
	return id, nil
}

// startCreated starts a container that create made, and gives its exit status.
// started hears how the start went, and has the last word on it.
func (e *env) startCreated(ctx context.Context, eng images.Engine, id string, spec run.Spec, started startHook) (int, error) {
	if spec.Detach {
		if err := started(ctx, eng.Start(ctx, id)); err != nil {
			return 0, notStarted{errors.Join(err, e.discardUnstarted(eng, id))}
		}
		fmt.Fprintln(e.stdout, id)
		return 0, nil
	}
	status, err := e.attachAndStart(ctx, eng, id, connection{
		tty: spec.TTY, stdin: spec.Stdin, noSignals: spec.NoSigProxy, detachKeys: spec.DetachKeys, started: started,
	})
	if err != nil {
		return 0, notStarted{errors.Join(err, e.discardUnstarted(eng, id))}
	}
	if spec.Remove {
		e.awaitRemoval(ctx, eng, id)
	}
	return status, nil
}

// A startHook hears the error of a start, nil included, and gives the error
// that counts.
type startHook func(ctx context.Context, err error) error

// justStarted is the hook of whoever has nothing to add.
func justStarted(_ context.Context, err error) error { return err }

// removalStep is how often atomic looks whether the engine has removed a
// container that has ended.
const removalStep = 10 * time.Millisecond

// awaitRemoval returns when a container run with --rm is gone, so that its name
// is free for the next command. It may go on running, if the user detached.
func (e *env) awaitRemoval(ctx context.Context, eng images.Engine, id string) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	for {
		c, err := eng.Container(ctx, id)
		if err != nil || c.IsRunning() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(removalStep):
		}
	}
}

// cleanupTime is for tidying up after a failure, when the command's own
// context may have ended.
const cleanupTime = 10 * time.Second

func (e *env) discard(eng images.Engine, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	if err := eng.Remove(ctx, id, true); err != nil && !isNotFound(err) && !errors.Is(err, images.ErrUnreachable) {
		return err
	}
	return nil
}

// discardUnstarted removes a container that never ran.
func (e *env) discardUnstarted(eng images.Engine, id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	c, err := eng.Container(ctx, id)
	if err != nil || c.State != images.Created {
		return nil
	}
	return e.discard(eng, id)
}

// commandEnviron is what a program of the host sees: the caller's environment
// and the variables of the label, no others.
func (e *env) commandEnviron(vars labels.Vars) []string {
	added := map[string]string{
		"NAME": vars.Name, "IMAGE": vars.Image,
		"SUDO_UID": vars.Scalars["SUDO_UID"], "SUDO_GID": vars.Scalars["SUDO_GID"], "PWD": vars.Scalars["PWD"],
	}
	for name, value := range vars.Lists {
		added[name] = value
	}
	environ := slices.DeleteFunc(slices.Clone(e.environ()), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		_, replaced := added[name]
		return replaced
	})
	for name, value := range added {
		environ = append(environ, name+"="+value)
	}
	slices.Sort(environ)
	return environ
}

// verb carries an engine's verb out through its API.
func (e *env) verb(ctx context.Context, eng images.Engine, a labels.EngineVerb) (int, error) {
	if a.Unsupported != "" {
		return 0, hint(errors.New(a.Unsupported), "atomic lint shows the label; run the command by hand if you trust it")
	}
	if a.Verb == "version" {
		return 0, runVersion(ctx, e, versionOptions{})
	}
	for _, target := range a.Targets {
		status, err := e.verbOn(ctx, eng, a, target)
		if a.Ignore && isNotFound(err) {
			continue
		}
		if err != nil || status != 0 {
			return status, err
		}
	}
	return 0, nil
}

func (e *env) verbOn(ctx context.Context, eng images.Engine, a labels.EngineVerb, target string) (int, error) {
	var grace *time.Duration
	if a.Grace != nil {
		seconds := time.Duration(*a.Grace) * time.Second
		grace = &seconds
	}
	switch a.Verb {
	case "stop":
		return 0, eng.Stop(ctx, target, grace)
	case "restart":
		return 0, errors.Join(eng.Stop(ctx, target, grace), eng.Start(ctx, target))
	case "start":
		return e.startAgain(ctx, eng, target, a.Attach)
	case "kill":
		sig := syscall.SIGKILL
		if a.Signal != "" {
			// The label's reader has checked it.
			sig, _ = signal.ParseSignal(a.Signal)
		}
		return 0, eng.Kill(ctx, target, sig)
	case "rm":
		return 0, eng.Remove(ctx, target, a.Force)
	case "exec":
		return e.execSpec(ctx, eng, target, a.Exec)
	}
	return 0, fmt.Errorf("no form of %s", a.Verb)
}

// startAgain starts a container that exists, in the foreground if wanted.
func (e *env) startAgain(ctx context.Context, eng images.Engine, name string, attach bool) (int, error) {
	if !attach {
		return 0, eng.Start(ctx, name)
	}
	c, err := eng.Container(ctx, name)
	if err != nil {
		return 0, err
	}
	return e.attachAndStart(ctx, eng, c.ID, connection{tty: c.TTY && e.interactive(), stdin: c.Stdin, started: justStarted})
}

func (e *env) execSpec(ctx context.Context, eng images.Engine, name string, spec run.Spec) (int, error) {
	spec, err := e.resolve(spec, nil)
	if err != nil {
		return 0, err
	}
	p := images.Process{
		Args: spec.Args, User: spec.User, WorkDir: spec.WorkDir, Privileged: spec.Privileged, Detach: spec.Detach,
		Stdin: spec.Stdin, TTY: spec.TTY && e.interactive(), DetachKeys: spec.DetachKeys,
	}
	for _, v := range spec.Env {
		p.Env = append(p.Env, v.String())
	}
	return e.exec(ctx, eng, name, p)
}
