package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/projectatomic/atomic/images"
)

// A session is images.Session: a connection to a process.
type session struct {
	engine    *Engine
	container *container
	exec      *task // nil when attached to the first process
	printed   *queue[chunk]
	streams   *hub
	keys      []byte // that detach, on a terminal
	types     bool   // what the user types reaches the process
}

var _ images.Session = (*session)(nil)

// errDetached ends a Pipe whose user typed the detach keys.
var errDetached = errors.New("detached")

// Attach is images.Engine's.
func (e *Engine) Attach(ctx context.Context, name string, opts images.AttachOptions) (images.Session, error) {
	var s *session
	err := e.call(ctx, "Attach", func(context.Context) error {
		keys, err := parseKeys(opts.DetachKeys)
		if err != nil {
			return err
		}
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err != nil {
			return err
		}
		s = &session{
			engine: e, container: c, streams: c.streams, printed: c.streams.watch(false),
			keys: keys, types: opts.Stdin && c.spec.Stdin,
		}
		return nil
	})
	if err != nil {
		return nil, about(err, "attaching to container %q", name)
	}
	return s, nil
}

// Exec is images.Engine's.
func (e *Engine) Exec(ctx context.Context, name string, p images.Process) (images.Session, error) {
	var s *session
	err := e.call(ctx, "Exec", func(context.Context) error {
		keys, err := parseKeys(p.DetachKeys)
		if err != nil {
			return err
		}
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err != nil {
			return err
		}
		t, err := e.world.exec(c, p)
		if err != nil {
			return err
		}
		s = &session{engine: e, container: c, exec: t, streams: t.streams, keys: keys, types: p.Stdin}
		if !p.Detach {
			s.printed = t.streams.watch(false)
		}
		t.launch()
		return nil
	})
	if err != nil {
		return nil, about(err, "running %q in container %q", p.Args, name)
	}
	return s, nil
}

// exec prepares another process in a container.
func (w *world) exec(c *container, p images.Process) (*task, error) {
	if c.first == nil {
		return nil, fmt.Errorf("it is %s: %w", c.state, images.ErrConflict)
	}
	if len(p.Args) == 0 {
		return nil, errors.New("there is nothing to run")
	}
	t := &task{
		world: w, container: c, args: p.Args, env: setEnv(c.env, p.Env...), dir: first(p.WorkDir, c.dir),
		user: first(p.User, c.first.user), input: newInput(), streams: newHub(false), done: make(chan struct{}),
	}
	if p.TTY {
		t.screen = newTerminal(t.input, t.streams)
		t.screen.resize(p.Size)
	}
	if !p.Stdin {
		t.input.end()
	}
	if err := t.begin(); err != nil {
		return nil, err
	}
	c.execs[t] = true
	return t, nil
}

// screen is the terminal of the process, if it has one.
func (s *session) screen() *terminal {
	if s.exec != nil {
		return s.exec.screen
	}
	s.engine.world.mu.Lock()
	defer s.engine.world.mu.Unlock()
	return s.container.screen
}

// keyboard is where to type, and what to call at the end.
func (s *session) keyboard() (w io.Writer, end func()) {
	screen := s.screen()
	if screen != nil {
		return screen, func() {} // a terminal has no end, but for a key
	}
	if s.exec != nil {
		return s.exec.input, s.exec.input.end
	}
	s.engine.world.mu.Lock()
	defer s.engine.world.mu.Unlock()
	return s.container.input, s.container.input.end
}

// Pipe is images.Session's.
func (s *session) Pipe(ctx context.Context, to images.Streams) error {
	err := s.engine.call(ctx, "Pipe", func(ctx context.Context) error {
		if s.printed == nil {
			return nil
		}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		if to.Stdin != nil && s.types {
			go s.typeAll(to.Stdin, func() { stop(errDetached) })
		}
		for {
			c, more, err := s.printed.take(ctx)
			if errors.Is(err, errDetached) {
				return nil
			}
			if err != nil || !more {
				return err
			}
			w := to.Stdout
			if c.isError {
				w = to.Stderr
			}
			if w == nil {
				continue
			}
			if _, err := w.Write(c.data); err != nil {
				return err
			}
		}
	})
	return about(err, "connecting to container %q", s.container.name)
}

// typeAll types until the end of the input or the keys that detach.
func (s *session) typeAll(from io.Reader, detach func()) {
	to, end := s.keyboard()
	keys := s.keys
	if s.screen() == nil {
		keys = nil
	}
	seen := 0 // of the keys
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		var typed []byte
		for _, key := range buf[:n] {
			if seen < len(keys) && key == keys[seen] {
				if seen++; seen == len(keys) {
					to.Write(typed)
					detach()
					return
				}
				continue
			}
			typed = append(typed, keys[:seen]...)
			seen = 0
			if len(keys) > 0 && key == keys[0] {
				seen = 1
				continue
			}
			typed = append(typed, key)
		}
		to.Write(typed)
		if err != nil {
			end()
			return
		}
	}
}

// parseKeys reads keys as docker(1) spells them: characters and ctrl-X,
// separated by commas.
func parseKeys(text string) ([]byte, error) {
	var keys []byte
	for word := range strings.SplitSeq(first(text, "ctrl-p,ctrl-q"), ",") {
		letter, ctrl := strings.CutPrefix(word, "ctrl-")
		switch {
		case len(letter) != 1:
			return nil, fmt.Errorf("there is no key %q", word)
		case ctrl:
			keys = append(keys, strings.ToUpper(letter)[0]&0x1f)
		default:
			keys = append(keys, letter[0])
		}
	}
	return keys, nil
}

// Resize is images.Session's.
func (s *session) Resize(ctx context.Context, size images.Size) error {
	err := s.engine.call(ctx, "Resize", func(context.Context) error {
		screen := s.screen()
		if screen == nil {
			return fmt.Errorf("it has no terminal: %w", images.ErrConflict)
		}
		screen.resize(size)
		return nil
	})
	return about(err, "resizing the terminal of container %q", s.container.name)
}

// Wait is images.Session's.
func (s *session) Wait(ctx context.Context) (int, error) {
	var code int
	err := s.engine.call(ctx, "Session.Wait", func(context.Context) error {
		var ended bool
		if s.exec != nil {
			code, ended = s.exec.status()
		} else {
			s.engine.world.mu.Lock()
			defer s.engine.world.mu.Unlock()
			code, ended = s.container.exit, s.container.first == nil && s.container.runs > 0
		}
		if !ended {
			return fmt.Errorf("it has not ended: %w", images.ErrConflict)
		}
		return nil
	})
	if err != nil {
		return 0, about(err, "asking for the exit status of a process of container %q", s.container.name)
	}
	return code, nil
}

// Close is images.Session's. The process goes on.
func (s *session) Close() error {
	if s.printed != nil {
		s.streams.unwatch(s.printed)
		s.printed.close()
	}
	return nil
}
