package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// How long the engines may take: to answer, and to end. A machine that does
// other work takes many times what an idle one does.
const (
	startLimit = 2 * time.Minute
	stopLimit  = 20 * time.Second
)

// execOptions are what the command line of exec says.
type execOptions struct {
	docker, podman bool
	images         bool
	command        []string
}

func parseExec(args []string) (execOptions, error) {
	var o execOptions
	end := slices.Index(args, "--")
	if end < 0 || end+1 == len(args) {
		return o, fmt.Errorf("%w: exec needs -- and a command", errUsage)
	}
	for _, arg := range args[:end] {
		switch arg {
		case "--docker":
			o.docker = true
		case "--podman":
			o.podman = true
		case "--with-images":
			o.images = true
		default:
			return o, fmt.Errorf("%w: exec has no option %q", errUsage, arg)
		}
	}
	if !o.docker && !o.podman {
		o.docker, o.podman = true, true
	}
	o.command = args[end+1:]
	return o, nil
}

// runExec starts the engines, runs the command and ends the engines, whatever
// came in between.
func runExec(args []string) (code int, err error) {
	opts, err := parseExec(args)
	if err != nil {
		return 0, err
	}
	if os.Geteuid() != 0 {
		return 0, errors.New("only root can start engines of its own")
	}
	// The engines are told to end should this thread die, so it must be the
	// one that lasts.
	runtime.LockOSThread()

	procs, err := superviseDescendants()
	if err != nil {
		return 0, err
	}
	signals := catchSignals()
	st, err := openState()
	if err != nil {
		return 0, err
	}
	b := &bed{state: st, machine: probe(st.dir), procs: procs}
	defer func() { err = errors.Join(err, b.end()) }()

	ctx, cancel := signals.until(context.Background())
	err = b.start(ctx, opts)
	interrupted := ctx.Err() != nil
	cancel()
	switch {
	case interrupted:
		return 130, errors.New("interrupted")
	case err != nil:
		return 1, err
	}
	return b.command(opts.command, signals)
}

// A bed is the engines that run and where they are.
type bed struct {
	state   *state
	machine machine
	procs   *processes
	engines []*engine
	undo    []func() error // in the order done
}

// start is to be followed by end, also after an error.
func (b *bed) start(parent context.Context, opts execOptions) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(parent, startLimit)
	defer cancel()
	b.log("%s", b.machine.reasons())
	if b.machine.noResource {
		if err := b.buildRuntime(ctx); err != nil {
			return err
		}
	}
	if _, err := b.state.subdir("tmp"); err != nil {
		return err
	}
	if opts.docker {
		if err := b.startDocker(ctx); err != nil {
			return err
		}
	}
	if opts.podman {
		if err := b.startPodman(); err != nil {
			return err
		}
	}
	for _, e := range b.engines {
		if err := e.await(ctx); err != nil {
			return err
		}
	}
	b.log("engines ready after %.1f s", time.Since(began).Seconds())
	if opts.images {
		// Made within their own limit: the first time takes minutes.
		return makeImages(parent, b.procs.run, b.engines, nil)
	}
	return nil
}

func (b *bed) log(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bed: "+format+"\n", args...)
}

// env is the environment of the command.
func (b *bed) env() []string {
	env := os.Environ()
	for _, e := range b.engines {
		env = append(env, e.env...)
	}
	if len(b.engines) == 2 {
		// A test that needs an engine now fails without; with one engine
		// the tests of the other are skipped.
		env = append(env, "ATOMIC_TEST_REAL=1")
	}
	return env
}

// command runs the command to its end and gives its exit status, spelled as a
// shell does.
func (b *bed) command(args []string, signals *signals) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = b.env()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := b.procs.start(cmd); err != nil {
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return 127, err
		}
		return 126, err
	}
	stop := signals.passTo(cmd.Process)
	err := b.procs.wait(cmd)
	stop()
	return status(cmd.ProcessState, err)
}

// end ends all that start and the command began. It goes on after an error.
func (b *bed) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	ended := make(chan error)
	for _, e := range b.engines {
		go func() { ended <- e.end(ctx) }()
	}
	var errs []error
	for range b.engines {
		errs = append(errs, <-ended)
	}
	errs = append(errs, b.procs.killAll())
	for _, undo := range slices.Backward(b.undo) {
		errs = append(errs, undo())
	}
	return errors.Join(append(errs, b.state.close())...)
}
