package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/projectatomic/atomic/images"
)

// A connection is how a process in a container is joined to the terminal.
type connection struct {
	tty        bool
	stdin      bool
	noSignals  bool // signals end atomic instead of reaching the container
	detachKeys string
	started    startHook
}

// attachAndStart starts a container in the foreground and gives its exit
// status. An error means that the container did not start or got lost.
func (e *env) attachAndStart(ctx context.Context, eng images.Engine, id string, c connection) (int, error) {
	// The engine must be watching before the start, or a quick container is missed.
	exits, err := eng.Wait(ctx, id)
	if err != nil {
		return 0, c.started(ctx, err)
	}
	session, err := eng.Attach(ctx, id, images.AttachOptions{Stdin: c.stdin, DetachKeys: c.detachKeys})
	if err != nil {
		return 0, c.started(ctx, err)
	}
	defer session.Close()
	if err := c.started(ctx, eng.Start(ctx, id)); err != nil {
		return 0, err
	}
	if !c.noSignals && !c.tty {
		defer e.signals.to(func(sig syscall.Signal) { e.forwardSignal(ctx, eng, id, sig) })()
	}
	pipeErr := e.pipe(ctx, session, c)
	return e.exitOf(ctx, eng, id, exits, pipeErr)
}

// forwardSignal hands a signal to the container; one that has just ended needs
// none.
func (e *env) forwardSignal(ctx context.Context, eng images.Engine, id string, sig syscall.Signal) {
	err := eng.Kill(ctx, id, sig)
	if err != nil && !errors.Is(err, images.ErrConflict) && !isNotFound(err) {
		e.notef("atomic: passing %s on: %v", sig, err)
	}
}

// detachGrace is how long after the end of a container's output its exit is
// waited for before atomic asks whether the user has detached.
const detachGrace = 200 * time.Millisecond

// exitOf waits for the exit status once the streams have ended.
func (e *env) exitOf(ctx context.Context, eng images.Engine, id string, exits <-chan images.Exit, pipeErr error) (int, error) {
	for {
		select {
		case exit := <-exits:
			return exit.Code, exit.Err
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(detachGrace):
		}
		c, err := eng.Container(ctx, id)
		switch {
		case isNotFound(err):
			// It was removed with its end; the exit is on its way.
			continue
		case err != nil:
			return 0, errors.Join(pipeErr, err)
		case pipeErr != nil:
			return 0, pipeErr
		case c.IsRunning():
			e.notef("Detached; container %s goes on running", c.Name)
			return 0, nil
		}
	}
}

// pipe joins the session to the caller's streams until the output ends.
func (e *env) pipe(ctx context.Context, session images.Session, c connection) error {
	s := images.Streams{Stdout: e.stdout, Stderr: e.stderr}
	if c.stdin {
		s.Stdin = e.stdin
	}
	if !c.tty {
		return session.Pipe(ctx, s)
	}
	restore, err := e.rawTerminal()
	if err != nil {
		return err
	}
	defer restore()
	defer e.followSize(ctx, session)()
	return session.Pipe(ctx, s)
}

// rawTerminal hands every key to the container.
func (e *env) rawTerminal() (restore func(), err error) {
	f, ok := e.stdin.(*os.File)
	if !ok {
		return func() {}, nil
	}
	state, err := term.MakeRaw(int(f.Fd()))
	if err != nil {
		return nil, fmt.Errorf("setting the terminal to raw mode: %w", err)
	}
	return func() {
		// There is nothing left to do about a terminal that is gone.
		_ = term.Restore(int(f.Fd()), state)
	}, nil
}

func (e *env) terminalSize() (images.Size, bool) {
	f, ok := e.stdout.(*os.File)
	if !ok {
		return images.Size{}, false
	}
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return images.Size{}, false
	}
	return images.Size{Columns: uint(columns), Rows: uint(rows)}, true
}

// followSize tells the container the size of the terminal, now and whenever it
// changes.
func (e *env) followSize(ctx context.Context, session images.Session) (stop func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if size, ok := e.terminalSize(); ok {
				if err := session.Resize(ctx, size); err != nil && ctx.Err() == nil {
					e.logf("resizing the terminal: %v", err)
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		signal.Stop(changed)
		cancel()
		<-done
	}
}

// exec runs another program in a running container and gives its status.
func (e *env) exec(ctx context.Context, eng images.Engine, container string, p images.Process) (int, error) {
	if p.TTY {
		p.Size, _ = e.terminalSize()
	}
	session, err := eng.Exec(ctx, container, p)
	if err != nil {
		return 0, err
	}
	defer session.Close()
	if !p.Detach {
		if err := e.pipe(ctx, session, connection{tty: p.TTY, stdin: p.Stdin}); err != nil {
			return 0, err
		}
	}
	status, err := session.Wait(ctx)
	if errors.Is(err, images.ErrConflict) {
		return 0, nil // it goes on in the background
	}
	return status, err
}
