// Command bed makes a test bed of a Debian machine: it installs container
// engines, runs a command beside private ones, and makes the images that the
// tests run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: go run ./tests/bed VERB

  install
        install the Debian packages that the tests need and that are missing
  exec [--docker] [--podman] [--with-images] -- COMMAND [ARG...]
        run COMMAND with engines of its own (both, unless one is named), whose
        addresses are in $ATOMIC_TEST_DOCKER and $ATOMIC_TEST_PODMAN
  images [--docker URL] [--podman URL] [NAME...]
        make the images of tests/images (all, unless some are named) and load
        them into the engines
  demo ATOMIC
        run the tools image with the program ATOMIC, and install an engine
        if there is none

$ATOMIC_BED_DIR keeps the engines' data between calls of exec, $ATOMIC_CACHE
is where made images are kept.
`

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "bed: %v\n", err)
	}
	os.Exit(code)
}

// errUsage is for command lines that mean nothing.
var errUsage = errors.New("wrong usage")

// run returns the exit status: that of COMMAND for exec.
func run(args []string) (int, error) {
	if len(args) == 0 {
		return 2, withUsage(os.Stderr)
	}
	var (
		code int
		err  error
	)
	switch verb, rest := args[0], args[1:]; verb {
	case "install":
		osRelease, _ := os.ReadFile("/etc/os-release")
		err = interruptible(func(ctx context.Context) error {
			return install(ctx, os.Stderr, testNeeds(string(osRelease)))
		})
	case "exec":
		code, err = runExec(rest)
	case "images":
		err = interruptible(func(ctx context.Context) error { return runImages(ctx, rest) })
	case "demo":
		code, err = runDemo(rest)
	case "help", "-h", "--help":
		return 0, withUsage(os.Stdout)
	default:
		err = fmt.Errorf("%w: no verb %q", errUsage, verb)
	}
	switch {
	case errors.Is(err, errUsage):
		_ = withUsage(os.Stderr)
		return 2, err
	case err != nil && code == 0:
		code = 1
	}
	return code, err
}

func withUsage(w io.Writer) error {
	_, err := io.WriteString(w, usage)
	return err
}

func interruptible(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return f(ctx)
}
