package fake

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/images"
)

// Start is images.Engine's.
func (e *Engine) Start(ctx context.Context, name string) error {
	err := e.call(ctx, "Start", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err != nil {
			return err
		}
		return e.world.start(c)
	})
	return about(err, "starting container %q", name)
}

func (w *world) start(c *container) error {
	if c.first != nil {
		return nil
	}
	t := &task{
		world: w, container: c, first: true, args: c.command, env: c.env, dir: c.dir,
		user: first(c.spec.User, c.image.config.Config.User), input: c.input, streams: c.streams, screen: c.screen,
		done: make(chan struct{}),
	}
	if !c.spec.Stdin {
		t.input.end()
	}
	if err := t.begin(); err != nil {
		c.exit = shellStatus(err)
		if c.spec.Remove {
			c.report(images.Exit{Code: c.exit})
			w.remove(c)
		}
		return err
	}
	c.first, c.state, c.exit = t, images.Running, 0
	t.launch()
	w.tellOf(c, "start")
	return nil
}

// shellStatus is what a shell would say of a program that cannot be run.
func shellStatus(err error) int {
	switch {
	case errors.Is(err, images.ErrProgramNotFound):
		return 127
	case errors.Is(err, images.ErrProgramNotExecutable):
		return 126
	}
	return 125
}

// exited notes that the first process of a container has ended.
func (w *world) exited(c *container, code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for t := range c.execs {
		t.killed()
	}
	clear(c.execs)
	c.first, c.state, c.exit = nil, images.Exited, code
	c.runs++
	c.streams.end()
	c.renew()
	w.tellOf(c, "die")
	c.report(images.Exit{Code: code})
	if c.spec.Remove {
		w.remove(c)
	}
}

// report tells who waits for the end of a container.
func (c *container) report(exit images.Exit) {
	for wait := range c.waits {
		wait.tell(exit)
	}
	clear(c.waits)
}

// Stop is images.Engine's.
func (e *Engine) Stop(ctx context.Context, name string, grace *time.Duration) error {
	err := e.call(ctx, "Stop", func(ctx context.Context) error {
		e.world.mu.Lock()
		c, err := e.world.container(name)
		if err != nil || c.first == nil {
			e.world.mu.Unlock()
			return err
		}
		t, patience, signal := c.first, c.grace, c.stop
		e.world.mu.Unlock()
		if grace != nil {
			patience = *grace
		}
		t.signal(signal)
		return t.outlast(ctx, patience)
	})
	return about(err, "stopping container %q", name)
}

// outlast waits for the task to end, and kills it when the time is over; a
// negative time never is.
func (t *task) outlast(ctx context.Context, patience time.Duration) error {
	var over <-chan time.Time
	if patience >= 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
		t.signal(syscall.SIGKILL)
		return nil
	}
}

// Kill is images.Engine's.
func (e *Engine) Kill(ctx context.Context, name string, signal syscall.Signal) error {
	err := e.call(ctx, "Kill", func(context.Context) error {
		e.world.mu.Lock()
		c, err := e.world.container(name)
		if err != nil {
			e.world.mu.Unlock()
			return err
		}
		t, state := c.first, c.state
		e.world.mu.Unlock()
		if t == nil {
			return fmt.Errorf("it is %s: %w", state, images.ErrConflict)
		}
		t.signal(signal)
		return nil
	})
	return about(err, "sending signal %d to container %q", int(signal), name)
}

// Remove is images.Engine's.
func (e *Engine) Remove(ctx context.Context, name string, force bool) error {
	err := e.call(ctx, "Remove", func(context.Context) error {
		e.world.mu.Lock()
		c, err := e.world.container(name)
		if err != nil {
			e.world.mu.Unlock()
			return err
		}
		if t := c.first; t != nil {
			e.world.mu.Unlock()
			if !force {
				return fmt.Errorf("it is running: %w", images.ErrConflict)
			}
			t.signal(syscall.SIGKILL)
			e.world.mu.Lock()
		}
		e.world.remove(c)
		e.world.mu.Unlock()
		return nil
	})
	return about(err, "removing container %q", name)
}

// remove takes a container out of the world, unless it is out already.
func (w *world) remove(c *container) {
	if w.containers[c.id] == nil {
		return
	}
	delete(w.containers, c.id)
	c.state = images.Dead
	c.streams.end()
	c.report(images.Exit{Err: fmt.Errorf("waiting for container %q: it was removed: %w", c.name, images.ErrNotFound)})
	w.tellOf(c, "destroy")
}
