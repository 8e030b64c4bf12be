package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// signals are those that would end this process; they are kept from it, so
// that it always comes to clean up.
type signals struct{ c chan os.Signal }

func catchSignals() *signals {
	s := &signals{c: make(chan os.Signal, 8)}
	signal.Notify(s.c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	return s
}

// until gives a context that the first signal ends.
func (s *signals) until(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-s.c:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// passTo hands the signals on to p until stop is called. What is typed at the
// terminal has reached p by itself.
func (s *signals) passTo(p *os.Process) (stop func()) {
	done := make(chan struct{})
	typed := inForeground()
	go func() {
		for {
			select {
			case sig := <-s.c:
				if typed && (sig == syscall.SIGINT || sig == syscall.SIGQUIT) {
					continue
				}
				_ = p.Signal(sig) // it may have ended just now
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

func inForeground() bool {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return false
	}
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// status is the exit status of an ended process, as a shell has it in $?.
func status(state *os.ProcessState, err error) (int, error) {
	if state == nil {
		return 1, err
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	return state.ExitCode(), nil
}
