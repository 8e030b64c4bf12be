package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// hostCommand runs the program of a label on the host, without a shell, and
// gives its status. It is reached only with the risk host-command accepted.
func (e *env) hostCommand(ctx context.Context, argv, environ []string) (int, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = e.stdin, e.stdout, e.stderr, environ
	if err := cmd.Start(); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			return 0, fmt.Errorf("Cannot find file: %s", argv[0]) //nolint:staticcheck // the original's words
		}
		return 0, fmt.Errorf("running %s: %w", argv[0], err)
	}
	defer e.signals.to(func(sig syscall.Signal) {
		// A program that has just ended needs no signal.
		_ = cmd.Process.Signal(sig)
	})()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
