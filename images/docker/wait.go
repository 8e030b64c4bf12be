package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// Wait reports the exit status of the container's next or current run.
func (e *Engine) Wait(ctx context.Context, name string) (<-chan images.Exit, error) {
	doing := fmt.Sprintf("waiting for container %q", name)
	if err := checkName(doing, name); err != nil {
		return nil, err
	}
	// A container of ours that removes itself is over when it is gone: then its
	// name is free. Its exit status is told all the same.
	condition := container.WaitConditionNextExit
	if m, ok := e.made.get(name); ok && m.autoRemove {
		condition = container.WaitConditionRemoved
	}
	within, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(e.limits.answer, func() { cancel(noAnswer(e.limits.answer)) })
	life := e.lives.enter(name)
	end := func() { cancel(nil) }

	if err := e.negotiate(within); err != nil {
		late.Stop()
		err = e.failed(ctx, within, doing, err)
		e.lives.leave(life)
		end()
		return nil, err
	}
	life.watch()
	r := e.cli.ContainerWait(boundAnswer(within, e.limits.body), name, client.ContainerWaitOptions{Condition: condition})
	select {
	case err := <-r.Error: // the engine refused, or broke at once
		late.Stop()
		err = e.failed(ctx, within, doing, err)
		life.end(images.Exit{Err: err})
		e.lives.leave(life)
		end()
		return nil, err
	default:
	}
	late.Stop()

	out := make(chan images.Exit, 1)
	go func() {
		defer end()
		defer e.lives.leave(life)
		exit := e.exit(ctx, within, doing, r)
		life.end(exit)
		if condition == container.WaitConditionRemoved && exit.Err == nil {
			e.made.forget(name)
		}
		out <- exit
	}()
	return out, nil
}

// exit waits for what the engine tells of the end. The client's channels both
// are to be watched until one speaks, else it leaves a goroutine behind.
func (e *Engine) exit(ctx, within context.Context, doing string, r client.ContainerWaitResult) images.Exit {
	select {
	case err := <-r.Error:
		return images.Exit{Err: e.failed(ctx, within, doing, err)}
	case res := <-r.Result:
		exit := images.Exit{Code: int(res.StatusCode)}
		if res.Error != nil && res.Error.Message != "" {
			exit.Err = fmt.Errorf("%s: %w", doing, errors.New(res.Error.Message))
		}
		return exit
	}
}

// made remembers of containers that this Engine created what a question would
// have to find out, by ID.
type made struct {
	mu sync.Mutex
	by map[string]traits
}

type traits struct{ tty, autoRemove bool }

func (m *made) add(id string, t traits) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = make(map[string]traits)
	}
	m.by[id] = t
}

func (m *made) get(id string) (traits, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.by[id]
	return t, ok
}

func (m *made) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.by, id)
}

// lives holds what Wait and the sessions know of containers, so that a session
// whose stream ends need not ask the engine why. By the name that the caller
// uses for both.
type lives struct {
	mu sync.Mutex
	by map[string]*life
}

// A life is that of one container, as long as someone watches it.
type life struct {
	name  string
	users int // guarded by lives.mu

	mu      sync.Mutex
	watched bool
	ended   chan struct{} // closed when the run that is watched has ended
	exit    images.Exit
}

func (l *lives) enter(name string) *life {
	name = strings.TrimPrefix(name, "/")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = make(map[string]*life)
	}
	one := l.by[name]
	if one == nil {
		one = &life{name: name}
		l.by[name] = one
	}
	one.users++
	return one
}

func (l *lives) leave(one *life) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(l.by, one.name)
	}
}

// watch tells that a Wait is about to run.
func (l *life) watch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.watched {
		l.watched, l.ended = true, make(chan struct{})
	}
}

// end tells what the Wait has found.
func (l *life) end(exit images.Exit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watched {
		l.watched, l.exit = false, exit
		close(l.ended)
	}
}

// fate is a channel that is closed when the container has ended; nil if
// nobody watches.
func (l *life) fate() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

func (l *life) lastExit() images.Exit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exit
}
