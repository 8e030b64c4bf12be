package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/projectatomic/atomic/images"
)

// An env is the world of a command: the caller's streams and variables, and
// the way to the engine.
type env struct {
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	getenv  func(string) string
	environ func() []string
	setenv  func(name, value string) error
	getwd   func() (string, error)
	now     func() time.Time
	uid     int
	signals *signals

	// open connects to the engine that detection chose.
	open func(ctx context.Context, choice images.Choice) (images.Engine, error)

	kind         images.Kind // of the engine that open connected to
	engineAdvice []string    // for when it does not answer

	globals
}

// globals are the options that stand before the command.
type globals struct {
	debug  bool
	engine string // docker, podman or empty
	ignore bool
	yes    bool
}

func osEnv() *env {
	return &env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, environ: os.Environ, setenv: os.Setenv, getwd: os.Getwd, now: time.Now, uid: os.Getuid(),
		signals: newSignals(),
		open:    openEngine,
	}
}

// main runs one command line and gives its exit status.
func (e *env) main(ctx context.Context, args []string) int {
	ctx, stop := e.signals.watch(ctx)
	defer stop()
	app := newApp(e)
	err := app.RunContext(ctx, normalise(app, args))
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	return e.report(err)
}

// isTerminal tells whether a stream of the caller's is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// interactive tells whether the caller sits at a terminal: there is somebody
// to ask, and a screen to run a program on.
func (e *env) interactive() bool { return isTerminal(e.stdin) && isTerminal(e.stdout) }

// dir is the caller's working directory: PWD as a shell keeps it, unless it is
// another directory's.
func (e *env) dir() (string, error) {
	pwd := e.getenv("PWD")
	wd, err := e.getwd()
	if !filepath.IsAbs(pwd) || pwd == wd {
		return wd, err
	}
	there, statErr := os.Stat(pwd)
	if statErr != nil {
		return pwd, nil
	}
	here, statErr := os.Stat(".")
	if statErr == nil && !os.SameFile(here, there) {
		return wd, err
	}
	return pwd, nil
}

// logf tells what happens behind the scenes, with --debug.
func (e *env) logf(format string, args ...any) {
	if e.debug {
		fmt.Fprintf(e.stderr, "debug: "+format+"\n", args...)
	}
}

// notef tells the user something that is neither a result nor an error.
func (e *env) notef(format string, args ...any) {
	fmt.Fprintf(e.stderr, format+"\n", args...)
}
