package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals decides who gets a signal sent to atomic: the container in the
// foreground if there is one, else the context of the command, which ends.
type signals struct {
	mu      sync.Mutex
	forward func(syscall.Signal)
	caught  chan os.Signal
}

func newSignals() *signals { return &signals{caught: make(chan os.Signal, 16)} }

// interruptedError is the cause of a context that a signal ended.
type interruptedError struct{ signal syscall.Signal }

func (e interruptedError) Error() string { return fmt.Sprintf("ended by signal %s", e.signal) }

// forwarded are the signals that a foreground container gets.
var forwarded = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGCONT, syscall.SIGALRM,
}

// watch gives a context that SIGINT, SIGTERM, SIGHUP and SIGQUIT end unless
// they are forwarded.
func (s *signals) watch(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signal.Notify(s.caught, forwarded...)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-s.caught:
				s.deliver(sig, cancel)
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(s.caught)
		close(done)
		cancel(nil)
	}
}

func (s *signals) deliver(sig os.Signal, cancel context.CancelCauseFunc) {
	number, ok := sig.(syscall.Signal)
	if !ok {
		return
	}
	s.mu.Lock()
	forward := s.forward
	s.mu.Unlock()
	switch {
	case forward != nil:
		forward(number)
	case ends(number):
		cancel(interruptedError{number})
	}
}

// ends tells the signals that end atomic where nobody else takes them.
func ends(s syscall.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGHUP || s == syscall.SIGQUIT
}

// to hands signals to f until the returned function is called.
func (s *signals) to(f func(syscall.Signal)) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forward = f
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forward = nil
	}
}
