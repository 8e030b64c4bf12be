package podman

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/images"
)

// Start starts a container.
func (e *Engine) Start(ctx context.Context, name string) error {
	if err := e.start(ctx, name); err != nil {
		return fmt.Errorf("starting container %q: %w", name, err)
	}
	e.watchers.started(name)
	return nil
}

func (e *Engine) start(ctx context.Context, name string) error {
	if b, ok := e.watchers.birth(name); !ok || !b.fresh {
		if _, err := e.settled(ctx, name); err != nil {
			return err
		}
	}
	return e.call(ctx, post(path("containers", name, "start")), nil)
}

// settled inspects a container, but not before Podman has cleaned up after its
// last run. Started before that, it would be cleaned up while it runs.
func (e *Engine) settled(ctx context.Context, name string) (containerAnswer, error) {
	limit, cancel := context.WithTimeout(ctx, e.limits.settle)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		a, err := e.inspect(ctx, name)
		if err != nil || a.State.Status != "stopped" {
			return a, err
		}
		select {
		case <-time.After(pause):
		case <-limit.Done():
			// The cleanup process must have died; Podman copes with that.
			return a, ctx.Err()
		}
	}
}

// Stop stops a container.
func (e *Engine) Stop(ctx context.Context, name string, grace *time.Duration) error {
	if err := e.stop(ctx, name, grace); err != nil {
		return fmt.Errorf("stopping container %q: %w", name, err)
	}
	return nil
}

func (e *Engine) stop(ctx context.Context, name string, grace *time.Duration) error {
	r := post(path("containers", name, "stop"))
	var wait time.Duration
	if grace == nil {
		a, err := e.inspect(ctx, name)
		if err != nil {
			return err
		}
		if wait = seconds(a.Config.StopTimeout); !stateRuns(a.State.Status) {
			return nil
		}
	} else {
		whole := int64(math.Ceil(max(0, grace.Seconds())))
		r = r.with("timeout", strconv.FormatInt(whole, 10))
		wait = seconds(whole)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait+e.limits.answer, images.ErrTimeout)
	defer cancel()
	return e.exchange(ctx, r, nil)
}

func stateRuns(word string) bool {
	return images.Container{State: stateOf(word)}.IsRunning()
}

// seconds is n seconds, or as many as a year has if there are more: who waits
// for ever means that.
func seconds(n int64) time.Duration {
	const year = 365 * 24 * 60 * 60
	return time.Duration(min(max(n, 0), year)) * time.Second
}

// Kill sends a signal.
func (e *Engine) Kill(ctx context.Context, name string, signal syscall.Signal) error {
	r := post(path("containers", name, "kill")).with("signal", strconv.Itoa(int(signal)))
	if err := e.call(ctx, r, nil); err != nil {
		return fmt.Errorf("sending signal %d to container %q: %w", int(signal), name, err)
	}
	return nil
}
