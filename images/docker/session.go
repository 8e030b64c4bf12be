package docker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/projectatomic/atomic/images"
)

// A session is a connection to the first process of a container, or to one
// that Exec started.
type session struct {
	e     *Engine
	doing string
	tty   bool
	keys  []byte // typed last, they detach; nil if nothing is typed
	life  *life  // of the container that is attached to; nil for Exec
	name  string // of the container that is attached to
	exec  string // the ID that Exec got; empty for Attach

	conn    *stream               // nil if nothing is connected
	unbind  func() bool           // frees the connection from its context
	cut     atomic.Pointer[error] // why the connection was closed here
	closing sync.Once

	mu   sync.Mutex
	over bool // Exec: code holds
	code int
	lost bool // Exec: the program was not found, whatever the engine's code
}

var _ images.Session = (*session)(nil)

// Attach connects to the first process of a container.
func (e *Engine) Attach(ctx context.Context, name string, opts images.AttachOptions) (images.Session, error) {
	doing := fmt.Sprintf("attaching to container %q", name)
	if err := checkName(doing, name); err != nil {
		return nil, err
	}
	keys, err := detachKeys(opts.DetachKeys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	s := &session{e: e, doing: doing, name: name}
	if opts.Stdin {
		s.keys = keys
	}
	query := url.Values{"stream": {"1"}, "stdout": {"1"}, "stderr": {"1"}}
	if opts.Stdin {
		query.Set("stdin", "1")
	}
	if opts.DetachKeys != "" {
		query.Set("detachKeys", opts.DetachKeys)
	}
	s.conn, err = e.takeOver(ctx, doing, "/containers/"+strings.TrimPrefix(name, "/")+"/attach", query, nil)
	if err != nil {
		return nil, err
	}
	if s.tty, err = e.hasTTY(ctx, name, s.conn.mediaType); err != nil {
		s.conn.Close()
		return nil, err
	}
	s.life = e.roster.enter(name)
	s.bind(ctx)
	return s, nil
}

// hasTTY tells whether the stream of a container comes from a terminal. Newer
// engines say so with the stream, and of its own containers this Engine knows.
func (e *Engine) hasTTY(ctx context.Context, name, mediaType string) (bool, error) {
	switch {
	case mediaType == types.MediaTypeMultiplexedStream:
		return false, nil
	case mediaType == types.MediaTypeRawStream && !e.before("1.42"):
		return true, nil
	}
	if m, ok := e.roster.traits(name); ok {
		return m.tty, nil
	}
	c, err := e.Container(ctx, name)
	return c.TTY, err
}

// before tells whether the engine speaks an older version of the API. Only
// what runs after negotiation may ask.
func (e *Engine) before(version string) bool {
	return versions.LessThan(e.cli.ClientVersion(), version)
}

// Exec starts another process in a running container.
func (e *Engine) Exec(ctx context.Context, name string, p images.Process) (images.Session, error) {
	doing := fmt.Sprintf("executing %q in container %q", strings.Join(p.Args, " "), name)
	if err := checkName(doing, name); err != nil {
		return nil, err
	}
	keys, err := detachKeys(p.DetachKeys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	s := &session{e: e, doing: doing, tty: p.TTY}
	if p.Stdin {
		s.keys = keys
	}
	console := client.ConsoleSize{}
	if p.TTY {
		console = client.ConsoleSize{Height: p.Size.Rows, Width: p.Size.Columns}
	}
	err = e.ask(ctx, doing, func(ctx context.Context) error {
		r, err := e.cli.ExecCreate(ctx, name, client.ExecCreateOptions{
			User: p.User, Privileged: p.Privileged, TTY: p.TTY, ConsoleSize: console,
			AttachStdin: p.Stdin && !p.Detach, AttachStdout: !p.Detach, AttachStderr: !p.Detach,
			DetachKeys: p.DetachKeys, Env: p.Env, WorkingDir: p.WorkDir, Cmd: p.Args,
		})
		if err == nil && r.ID == "" {
			err = errNonsense
		}
		s.exec = r.ID
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.Detach {
		err = e.ask(ctx, doing, func(ctx context.Context) error {
			_, err := e.cli.ExecStart(ctx, s.exec, client.ExecStartOptions{Detach: true, TTY: p.TTY, ConsoleSize: console})
			return startKind(err)
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	start := container.ExecStartRequest{Tty: p.TTY}
	if console != (client.ConsoleSize{}) {
		start.ConsoleSize = &[2]uint{console.Height, console.Width}
	}
	if s.conn, err = e.takeOver(ctx, doing, "/exec/"+s.exec+"/start", nil, start); err != nil {
		return nil, err
	}
	s.bind(ctx)
	if p.TTY && e.before("1.42") {
		s.firstSize(ctx, p.Size)
	}
	return s, nil
}

// firstSize tells older engines, which do not take the size with the start,
// how large the terminal is. The process is there a moment after the
// connection; one that is never there has no use for a size.
func (s *session) firstSize(ctx context.Context, size images.Size) {
	for wait := 5 * time.Millisecond; wait < 200*time.Millisecond; wait *= 2 {
		if s.Resize(ctx, size) == nil {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// bind gives the connection the life of ctx.
func (s *session) bind(ctx context.Context) {
	s.unbind = context.AfterFunc(ctx, func() { s.disconnect(ctx.Err()) })
}

func (s *session) disconnect(why error) {
	s.cut.CompareAndSwap(nil, &why)
	s.conn.Close()
}

// Close ends the connection; the process goes on.
func (s *session) Close() error {
	s.closing.Do(func() {
		if s.conn != nil {
			s.unbind()
			s.disconnect(errors.New("the session was closed"))
		}
		if s.life != nil {
			s.e.roster.leave(s.life)
		}
	})
	return nil
}

// Resize tells the process the size of its terminal.
func (s *session) Resize(ctx context.Context, size images.Size) error {
	if size.Columns == 0 || size.Rows == 0 {
		return nil // of a terminal that does not know its size
	}
	return s.e.ask(ctx, s.doing+": resizing the terminal", func(ctx context.Context) error {
		o := client.ContainerResizeOptions{Height: size.Rows, Width: size.Columns}
		var err error
		if s.exec != "" {
			_, err = s.e.cli.ExecResize(ctx, s.exec, client.ExecResizeOptions(o))
		} else {
			_, err = s.e.cli.ContainerResize(ctx, s.name, o)
		}
		return err
	})
}

// Wait gives the exit status of what has ended.
func (s *session) Wait(ctx context.Context) (int, error) {
	if s.exec != "" {
		running, err := s.askExec(ctx)
		switch {
		case err != nil:
			return -1, err
		case running:
			return -1, &callError{doing: s.doing, kind: images.ErrConflict, err: errors.New("the process still runs")}
		}
		return s.code, nil
	}
	c, err := s.e.Container(ctx, s.name)
	switch {
	case errors.Is(err, images.ErrNotFound):
		// It removed itself, but the Wait of the engine saw how it ended.
		told, exit := s.e.roster.fate(s.life)
		select {
		case <-told:
			if end := exit(); end.Err == nil {
				return end.Code, nil
			}
		default:
		}
		return -1, err
	case err != nil:
		return -1, err
	case c.IsRunning() || c.State == images.Created:
		return -1, &callError{doing: s.doing, kind: images.ErrConflict, err: fmt.Errorf("the container is %s", c.State)}
	}
	return c.ExitCode, nil
}

// askExec tells whether the process of Exec still runs, and keeps its exit
// status, for it does not change any more.
func (s *session) askExec(ctx context.Context) (running bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false, nil
	}
	err = s.e.ask(ctx, s.doing+": asking how it ended", func(ctx context.Context) error {
		r, err := s.e.cli.ExecInspect(ctx, s.exec, client.ExecInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			// An engine that was started again has forgotten it.
			return &callError{kind: images.ErrUnreachable, err: err}
		}
		if err != nil {
			return err
		}
		running = r.Running
		s.over, s.code = !r.Running, r.ExitCode
		if s.over && s.lost && r.PID == 0 {
			s.code = 127
		}
		return nil
	})
	return running, err
}
