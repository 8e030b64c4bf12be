package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// Wait reports the exit status of the container's next or current run. Of a
// container that removes itself it is reported when that is done, and its name
// free.
func (e *Engine) Wait(ctx context.Context, name string) (<-chan images.Exit, error) {
	autoRemove, runs, err := e.outlook(ctx, name)
	if err != nil {
		return nil, err
	}
	w := &watch{e: e, name: name, doing: fmt.Sprintf("waiting for container %q", name), gone: autoRemove}
	w.life = e.roster.enter(name)
	e.roster.waiting(w.life, runs)
	within, cancel := context.WithCancelCause(ctx)
	if err := w.register(ctx, within, cancel); err != nil {
		cancel(nil)
		e.roster.waited(w.life, images.Exit{Err: err})
		e.roster.leave(w.life)
		return nil, err
	}
	out := make(chan images.Exit, 1)
	go func() {
		defer cancel(nil)
		defer e.roster.leave(w.life)
		exit := w.exit(ctx, within)
		e.roster.waited(w.life, exit)
		out <- exit
	}()
	return out, nil
}

// outlook tells whether the container removes itself, and whether it runs.
// Those that this Engine made and did not start yet it need not ask for.
func (e *Engine) outlook(ctx context.Context, name string) (autoRemove, runs bool, err error) {
	if t, ok := e.roster.traits(name); ok && !t.started {
		return t.autoRemove, false, nil
	}
	c, err := e.Container(ctx, name)
	return c.AutoRemove, c.IsRunning(), err
}

// A watch is one Wait.
type watch struct {
	e     *Engine
	name  string
	doing string
	life  *life
	gone  bool // wait until it is removed
	r     client.ContainerWaitResult
}

// register returns when the engine watches, for which it has the time of a
// question.
func (w *watch) register(ctx, within context.Context, cancel context.CancelCauseFunc) error {
	late := time.AfterFunc(w.e.limits.answer, func() { cancel(noAnswer(w.e.limits.answer)) })
	defer late.Stop()
	if err := w.e.negotiate(within); err != nil {
		return w.e.failed(ctx, within, w.doing, err)
	}
	condition := container.WaitConditionNextExit
	if w.gone {
		condition = container.WaitConditionRemoved
	}
	w.r = w.e.cli.ContainerWait(boundAnswer(within, w.e.limits.body), w.name, client.ContainerWaitOptions{Condition: condition})
	select {
	case err := <-w.r.Error:
		return w.e.failed(ctx, within, w.doing, err)
	default:
		return nil
	}
}

// exit waits for what the engine tells of the end. The client's channels are
// both to be watched until one speaks, else it leaves a goroutine behind.
func (w *watch) exit(ctx, within context.Context) images.Exit {
	select {
	case err := <-w.r.Error:
		return images.Exit{Err: w.e.failed(ctx, within, w.doing, err)}
	case res := <-w.r.Result:
		exit := images.Exit{Code: int(res.StatusCode)}
		if res.Error != nil && res.Error.Message != "" {
			exit.Err = fmt.Errorf("%s: %w", w.doing, errors.New(res.Error.Message))
		} else {
			exit.Err = w.reallyRan(ctx)
		}
		if w.gone {
			w.e.roster.forget(w.name)
		} else {
			w.e.catchUp(within, w.name)
		}
		return exit
	}
}

// reallyRan finds out about a container that nobody here started. The engine
// tells of one that is removed before it runs as of one that ended, with 0.
func (w *watch) reallyRan(ctx context.Context) error {
	if w.e.roster.hasRun(w.life) {
		return nil
	}
	_, err := w.e.Container(ctx, w.name)
	if errors.Is(err, images.ErrNotFound) {
		return &callError{doing: w.doing, err: errors.New("it was removed, and it is not known to have run")}
	}
	return err
}
