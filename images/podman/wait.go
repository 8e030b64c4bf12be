package podman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// How a container ended is learned in one of three ways, whichever is first.
//
//   - The service is asked to wait. It does so by looking, every so often, and
//     sees a container as ended only when Podman's cleanup process, started by
//     its monitor, is done: some 50 ms after the fact.
//   - A Session of this Engine sees the end of the output, looks once, and
//     hands on what it saw. That is the quick way.
//   - When the container is removed already, the events still tell.
//
// The service cannot be asked to wait for a run that has not begun. Until it
// has, the Engine's own Start tells, and for a start by somebody else a look
// now and then.

// How often the service looks. Looking ten times a second costs it one percent
// of a processor, so it looks more often only for a short while.
const (
	eagerly = "10ms"
	calmly  = "100ms"
	eager   = 2 * time.Second
)

// A watch is one Wait.
type watch struct {
	names []string // by which the container may be called
	began chan struct{}
	seen  chan containerAnswer // what a session saw when the output ended
}

// watchers are the watches of an Engine.
type watchers struct {
	mu       sync.Mutex
	all      []*watch
	sessions []string // attached to the containers called so
	made     map[string]birth
}

// A birth is what needs not be asked of a container that was just made.
type birth struct {
	tty   bool
	fresh bool // not started yet
}

// many is how many births are remembered.
const many = 1000

func (w *watchers) born(id string, tty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made == nil || len(w.made) > many {
		w.made = make(map[string]birth)
	}
	w.made[id] = birth{tty: tty, fresh: true}
}

func (w *watchers) birth(id string) (birth, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, ok := w.made[id]
	return b, ok
}

func (w *watchers) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.made, id)
}

func (w *watchers) add(names ...string) *watch {
	w.mu.Lock()
	defer w.mu.Unlock()
	wt := &watch{names: names, began: make(chan struct{}, 1), seen: make(chan containerAnswer, 1)}
	w.all = append(w.all, wt)
	return wt
}

func (w *watchers) rename(wt *watch, names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wt.names = append(wt.names, names...)
}

func (w *watchers) remove(wt *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(o *watch) bool { return o == wt })
}

// started tells those who wait for it that a container runs.
func (w *watchers) started(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b, ok := w.made[name]; ok {
		b.fresh = false
		w.made[name] = b
	}
	for _, wt := range w.all {
		if slices.Contains(wt.names, name) {
			select {
			case wt.began <- struct{}{}:
			default:
			}
		}
	}
}

// attached tells that a session will see the end of a container.
func (w *watchers) attached(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions = append(w.sessions, name)
}

func (w *watchers) detached(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.sessions, name); i >= 0 {
		w.sessions = slices.Delete(w.sessions, i, i+1)
	}
}

// hasSession tells whether a session will see the end.
func (w *watchers) hasSession(wt *watch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.sessions, func(name string) bool { return slices.Contains(wt.names, name) })
}

// saw hands on what a session saw.
func (w *watchers) saw(name string, a containerAnswer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wt := range w.all {
		if slices.Contains(wt.names, name) {
			select {
			case <-wt.seen: // what is newer counts
			default:
			}
			wt.seen <- a
		}
	}
}

// Wait watches a container.
func (e *Engine) Wait(ctx context.Context, name string) (<-chan images.Exit, error) {
	// Whoever starts it from now on tells.
	wt := e.watchers.add(name)
	r := &waiter{e: e, watch: wt, id: name, since: time.Now()}
	if b, ok := e.watchers.birth(name); !ok || !b.fresh {
		a, err := e.inspect(ctx, name)
		if err != nil {
			e.watchers.remove(wt)
			return nil, fmt.Errorf("waiting for container %q: %w", name, err)
		}
		e.watchers.rename(wt, a.ID, a.Name)
		r.id, r.runs = a.ID, stateRuns(a.State.Status)
		if !r.runs {
			r.past = a.State.StartedAt
		}
	}
	exits := make(chan images.Exit, 1)
	go func() {
		defer e.watchers.remove(wt)
		code, err := r.wait(ctx)
		if err != nil {
			err = fmt.Errorf("waiting for container %q: %w", name, err)
		}
		exits <- images.Exit{Code: code, Err: err}
	}()
	return exits, nil
}

// A waiter waits for one run of one container to end.
type waiter struct {
	e     *Engine
	watch *watch
	id    string
	runs  bool
	past  time.Time // when the run began that is over already; zero if there was none
	since time.Time // when the waiting began
}

// over tells whether a is about a container whose run has ended.
func (r *waiter) over(a containerAnswer) bool {
	return !a.State.StartedAt.Equal(r.past) && stateOf(a.State.Status) == images.Exited
}

func (r *waiter) wait(ctx context.Context) (int, error) {
	if !r.runs {
		switch err := r.begin(ctx); {
		case errors.Is(err, images.ErrNotFound):
			return r.history(ctx)
		case err != nil:
			return 0, err
		}
	}
	return r.end(ctx)
}

// begin waits until the container runs, or has run.
func (r *waiter) begin(ctx context.Context) error {
	tick := time.NewTicker(r.e.limits.look)
	defer tick.Stop()
	for {
		select {
		case <-r.watch.began:
			return nil
		case <-ctx.Done():
			return ended(ctx)
		case <-tick.C:
			a, err := r.e.inspect(ctx, r.id)
			if err != nil {
				return err
			}
			if !a.State.StartedAt.Equal(r.past) {
				return nil
			}
		}
	}
}

// An outcome is what the service said of the end of a container.
type outcome struct {
	code int
	err  error
}

// end waits until the container has ended.
func (r *waiter) end(ctx context.Context) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan outcome, 2)
	go func() { outcomes <- r.ask(ctx, calmly) }()
	if !r.e.watchers.hasSession(r.watch) {
		go func() {
			soon, cancel := context.WithTimeout(ctx, eager)
			defer cancel()
			if o := r.ask(soon, eagerly); soon.Err() == nil {
				outcomes <- o
			}
		}()
	}
	for {
		select {
		case a := <-r.watch.seen:
			if r.over(a) {
				return a.State.ExitCode, nil
			}
		case o := <-outcomes:
			return r.settle(ctx, o)
		case <-ctx.Done():
			return 0, ended(ctx)
		}
	}
}

// ask has the service wait.
func (r *waiter) ask(ctx context.Context, interval string) outcome {
	var answer []byte
	req := post(path("containers", r.id, "wait")).with("interval", interval)
	if err := r.e.exchange(ctx, req, &answer); err != nil {
		return outcome{err: err}
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(answer)))
	if err != nil {
		return outcome{err: fmt.Errorf("the service gives %.40q as exit status", answer)}
	}
	return outcome{code: code}
}

// settle judges what the service said. It says 0 or -1 also when it does not
// know, so that needs a second look.
func (r *waiter) settle(ctx context.Context, o outcome) (int, error) {
	var said *serviceError
	switch {
	case o.err != nil && !errors.As(o.err, &said):
		return 0, o.err
	case o.err == nil && o.code > 0:
		return o.code, nil
	}
	a, err := r.e.inspect(ctx, r.id)
	switch {
	case err == nil && r.over(a):
		return a.State.ExitCode, nil
	case err != nil && !errors.Is(err, images.ErrNotFound):
		return 0, err
	}
	code, err := r.history(ctx)
	if err == nil || errors.Is(err, images.ErrUnreachable) {
		return code, err
	}
	if o.err == nil && o.code == 0 {
		return 0, nil // without events there is only its word
	}
	return 0, err
}

// history looks up the end of a container that is gone.
func (r *waiter) history(ctx context.Context) (int, error) {
	filters, err := json.Marshal(map[string][]string{"container": {r.id}, "event": {"died"}})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.e.limits.answer, images.ErrTimeout)
	defer cancel()
	resp, err := r.e.send(ctx, get("/events").with("stream", "false", "filters", string(filters),
		"since", r.since.Add(-time.Minute).Format(time.RFC3339Nano)))
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return lastExit(ctx, resp)
}

// lastExit reads the exit status from the last of the events.
func lastExit(ctx context.Context, resp *http.Response) (int, error) {
	code, found := 0, false
	for d := json.NewDecoder(resp.Body); ; {
		var ev eventAnswer
		if err := d.Decode(&ev); err != nil {
			if ctx.Err() != nil {
				return 0, ended(ctx)
			}
			break
		}
		if n, err := strconv.Atoi(ev.Actor.Attributes["containerExitCode"]); err == nil {
			code, found = n, true
		}
	}
	if !found {
		return 0, fmt.Errorf("how it ended is not known: %w", images.ErrNotFound)
	}
	return code, nil
}
