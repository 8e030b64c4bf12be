package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/projectatomic/atomic/images"
)

// Exit statuses, the same for every command; the manual lists them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitDenied      = 4
	exitNotFound    = 5
	exitUnreachable = 6

	exitEngine        = 125 // the run failed before the container's program
	exitNotExecutable = 126
	exitNoProgram     = 127
)

// A statusError ends atomic with the status of a container or a program; what
// there was to say has been said.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// A usageError is a command line that atomic cannot make sense of.
type usageError struct {
	command string // as in "atomic run"
	problem string
}

func (e usageError) Error() string { return e.command + ": " + e.problem }

// A refusal is something that atomic could do and will not unless told to.
type refusal struct {
	why  string
	hint string
}

func (e refusal) Error() string { return e.why }

// notStarted marks a failure between the decision to run a container and the
// start of its program; docker and podman have a status of their own for it.
type notStarted struct{ err error }

func (e notStarted) Error() string { return e.err.Error() }
func (e notStarted) Unwrap() error { return e.err }

// A hinted error comes with what to type next.
type hinted struct {
	err  error
	hint string
}

func (e hinted) Error() string { return e.err.Error() }
func (e hinted) Unwrap() error { return e.err }

// hint adds advice to an error.
func hint(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// report prints an error with its advice and gives the exit status.
func (e *env) report(err error) int {
	var status statusError
	if err == nil {
		return 0
	}
	if errors.As(err, &status) {
		return int(status)
	}
	prefix := "atomic: "
	if errors.As(err, new(usageError)) {
		prefix = "" // it begins with the command
	}
	fmt.Fprintln(e.stderr, prefix+err.Error())
	for _, line := range e.advice(err) {
		fmt.Fprintln(e.stderr, "  "+line)
	}
	return exitStatus(err)
}

// exitStatus is the one table from errors to exit statuses.
func exitStatus(err error) int {
	var interrupted interruptedError
	switch {
	case errors.As(err, &interrupted):
		return 128 + int(interrupted.signal)
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(refusal)):
		return exitRefused
	case errors.Is(err, images.ErrProgramNotFound):
		return exitNoProgram
	case errors.Is(err, images.ErrProgramNotExecutable):
		return exitNotExecutable
	case errors.Is(err, images.ErrUnreachable), errors.Is(err, images.ErrTimeout):
		return exitUnreachable
	case errors.Is(err, images.ErrDenied), errors.Is(err, os.ErrPermission):
		return exitDenied
	case errors.Is(err, images.ErrNotFound):
		return exitNotFound
	case errors.As(err, new(notStarted)):
		return exitEngine
	}
	return exitFailed
}

// advice is what to do about an error.
func (e *env) advice(err error) []string {
	var (
		usage    usageError
		refused  refusal
		hinted   hinted
		noEngine *images.NoEngineError
	)
	switch {
	case errors.As(err, &usage):
		return []string{"Try '" + usage.command + " --help' for more information."}
	case errors.As(err, &hinted):
		return []string{hinted.hint}
	case errors.As(err, &refused) && refused.hint != "":
		return []string{refused.hint}
	case errors.As(err, &noEngine):
		return noEngine.Advice
	case errors.Is(err, images.ErrUnreachable):
		return e.engineAdvice
	case errors.Is(err, images.ErrUnauthorized):
		return []string{"give credentials with --creds USER[:PASSWORD] or --authfile FILE, or log in with docker login or podman login"}
	case errors.Is(err, os.ErrPermission) && e.uid != 0, errors.Is(err, images.ErrDenied) && e.uid != 0:
		return []string{"this needs root: try again with sudo"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, images.ErrTimeout):
		return []string{"the engine is there but does not answer; look at its log: journalctl -u docker, journalctl -u podman"}
	}
	return nil
}
