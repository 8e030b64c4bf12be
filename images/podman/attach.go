package podman

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// An attached is the first process of a container.
type attached struct {
	e     *Engine
	name  string
	since time.Time // when it was attached to; zero: it had not run before
	once  sync.Once
}

// Attach connects to the first process of a container. It prepares one that
// does not run, which is when Podman sees whether the program is there.
func (e *Engine) Attach(ctx context.Context, name string, opts images.AttachOptions) (images.Session, error) {
	s, err := e.attach(ctx, name, opts)
	if err != nil {
		return nil, fmt.Errorf("attaching to container %q: %w", name, err)
	}
	return s, nil
}

func (e *Engine) attach(ctx context.Context, name string, opts images.AttachOptions) (*session, error) {
	b, ok := e.watchers.birth(name)
	tty := b.tty
	var since time.Time
	if !ok || !b.fresh {
		since = time.Now()
		a, err := e.settled(ctx, name)
		if err != nil {
			return nil, err
		}
		tty = a.Config.Tty
	}
	keys, err := detachKeys(opts.DetachKeys)
	if err != nil {
		return nil, err
	}
	r := post(path("containers", name, "attach")).
		with("stream", "true", "stdout", "true", "stderr", "true", "stdin", fmt.Sprint(opts.Stdin))
	switch {
	case !tty:
		// What is not typed at a terminal may have the keys' bytes in it.
		keys = nil
		r = r.with("detachKeys", "")
	case opts.DetachKeys != "":
		r = r.with("detachKeys", opts.DetachKeys)
	}
	conn, err := e.hijack(ctx, r)
	if err != nil {
		return nil, err
	}
	e.watchers.attached(name)
	return &session{
		e: e, what: fmt.Sprintf("container %q", name), conn: conn, tty: tty,
		keys: keys, sure: opts.DetachKeys != "",
		target: &attached{e: e, name: name, since: since},
	}, nil
}

func (a *attached) resize(ctx context.Context, size images.Size) error {
	return a.e.call(ctx, resized(post(path("containers", a.name, "resize")), size), nil)
}

// look looks at the container and tells those who wait for it.
func (a *attached) look(ctx context.Context) (bool, int, error) {
	answer, err := a.e.inspect(ctx, a.name)
	if err != nil {
		return false, 0, err
	}
	if stateOf(answer.State.Status) != images.Exited {
		return false, 0, nil
	}
	a.e.watchers.saw(a.name, answer)
	return true, answer.State.ExitCode, nil
}

// replay takes the output from the log. On a busy machine a container may have
// ended before its monitor came to look who is attached.
func (a *attached) replay(ctx context.Context, streams images.Streams) error {
	opts := images.LogOptions{Since: a.since}
	err := a.e.logs(ctx, a.name, opts, streams.Stdout, streams.Stderr)
	if errors.Is(err, images.ErrNotFound) {
		return fmt.Errorf("%w, and the container is gone", errUnheard)
	}
	return err
}

func (a *attached) leave() { a.once.Do(func() { a.e.watchers.detached(a.name) }) }

func (a *attached) watched() bool { return true }
