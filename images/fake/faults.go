package fake

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// faults are what goes wrong for one client. Methods are named as those of
// images.Engine are, and those of a session Pipe, Resize and Session.Wait.
type faults struct {
	mu     sync.Mutex
	fails  map[string][]failure
	hangs  map[string]bool
	silent bool // all hang
	dead   bool
	dying  map[int]func() // to be told of the death
	calls  int
}

// A failure is what a method does when it is called for the n-th time.
type failure struct {
	left int
	err  error
}

func newFaults() *faults {
	return &faults{
		fails: make(map[string][]failure),
		hangs: make(map[string]bool),
		dying: make(map[int]func()),
	}
}

// Fail makes the n-th call of a method from now on, counted from 1, do nothing
// and return err.
func (e *Engine) Fail(method string, n int, err error) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.fails[method] = append(e.faults.fails[method], failure{n, err})
}

// Hang makes a method do nothing from now on until its context ends, or the
// engine's own deadline passes for those that have one.
func (e *Engine) Hang(method string) {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.hangs[method] = true
}

// Stall makes all methods hang.
func (e *Engine) Stall() {
	e.faults.mu.Lock()
	defer e.faults.mu.Unlock()
	e.faults.silent = true
}

// Die makes the engine unreachable for this client, in the middle of whatever
// it does.
func (e *Engine) Die() {
	e.faults.mu.Lock()
	e.faults.dead = true
	dying := e.faults.dying
	e.faults.dying = nil
	e.faults.mu.Unlock()
	for _, tell := range dying {
		tell()
	}
}

// Cut is Die, in the words of a connection.
func (e *Engine) Cut() { e.Die() }

// call does a call: it lets it fail or hang if it is to, and gives it a context
// that ends with the caller's or with the engine, with the cause.
func (e *Engine) call(ctx context.Context, method string, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hang, err := e.faults.next(method)
	if err != nil {
		return err
	}
	ctx, stop := e.live(ctx)
	defer stop()
	if hang {
		return e.hang(ctx, method)
	}
	err = do(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}

// next counts a call and tells what is to become of it.
func (f *faults) next(method string) (hang bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fails := f.fails[method]
	for i := range fails {
		fails[i].left--
		if fails[i].left == 0 {
			err = fails[i].err
		}
	}
	if f.dead {
		return false, images.ErrUnreachable
	}
	return f.silent || f.hangs[method], err
}

// live gives a context that ends with ctx or with the engine. Who got it must
// call stop.
func (e *Engine) live(ctx context.Context) (live context.Context, stop func()) {
	live, cancel := context.WithCancelCause(ctx)
	f := e.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		cancel(images.ErrUnreachable)
		return live, func() {}
	}
	f.calls++
	id := f.calls
	f.dying[id] = func() { cancel(images.ErrUnreachable) }
	return live, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.dying, id)
		cancel(nil)
	}
}

// hang waits for the end of the context, or of the engine's patience.
func (e *Engine) hang(ctx context.Context, method string) error {
	var patience <-chan time.Time
	if !lasts(method) {
		timer := time.NewTimer(e.world.deadline)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-patience:
		return images.ErrTimeout
	}
}

// lasts tells whether a method goes on for as long as its caller likes.
func lasts(method string) bool {
	switch method {
	case "Wait", "Logs", "Events", "Pipe", "Pull", "Load", "Save":
		return true
	}
	return false
}

// about says what was attempted when it went wrong.
func about(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
