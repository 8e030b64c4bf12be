package podman

import (
	"context"
	"fmt"

	"github.com/projectatomic/atomic/images"
)

// An executed is a process that Exec has started.
type executed struct {
	e  *Engine
	id string
}

// Exec starts a process in a container. A program that cannot be run is told
// by Session.Wait; the service prints the reason to stderr.
func (e *Engine) Exec(ctx context.Context, name string, p images.Process) (images.Session, error) {
	s, err := e.exec(ctx, name, p)
	if err != nil {
		return nil, fmt.Errorf("executing %q in container %q: %w", p.Args, name, err)
	}
	if p.Detach {
		// The connection is how Podman learns of the end in time; without one
		// it would say for five minutes that the process runs.
		s.setPiping(true)
		go func() {
			// Session.Wait tells how it ended.
			_ = s.Pipe(context.WithoutCancel(ctx), images.Streams{})
		}()
	}
	return s, nil
}

func (e *Engine) exec(ctx context.Context, name string, p images.Process) (*session, error) {
	keys, err := detachKeys(p.DetachKeys)
	if err != nil {
		return nil, err
	}
	if !p.TTY {
		keys = nil
	}
	type process struct {
		AttachStdin, AttachStdout, AttachStderr bool
		Cmd, Env                                []string
		DetachKeys                              string
		Privileged, Tty                         bool
		User, WorkingDir                        string
	}
	var made struct {
		ID string `json:"Id"`
	}
	create := post(path("containers", name, "exec")).sending(process{
		AttachStdin: p.Stdin && !p.Detach, AttachStdout: true, AttachStderr: true,
		Cmd: p.Args, Env: p.Env, DetachKeys: p.DetachKeys,
		Privileged: p.Privileged, Tty: p.TTY, User: p.User, WorkingDir: p.WorkDir,
	})
	if err := e.call(ctx, create, &made); err != nil {
		return nil, err
	}
	type start struct {
		Detach, Tty bool
		Height      uint `json:"h"`
		Width       uint `json:"w"`
	}
	conn, err := e.hijack(ctx, post(path("exec", made.ID, "start")).sending(start{
		Tty: p.TTY, Height: p.Size.Rows, Width: p.Size.Columns,
	}))
	if err != nil {
		return nil, err
	}
	return &session{
		e: e, what: fmt.Sprintf("process %q in container %q", p.Args, name), conn: conn, tty: p.TTY,
		keys: keys, sure: true,
		target: &executed{e: e, id: made.ID},
	}, nil
}

func (x *executed) resize(ctx context.Context, size images.Size) error {
	return x.e.call(ctx, resized(post(path("exec", x.id, "resize")), size), nil)
}

func (x *executed) look(ctx context.Context) (bool, int, error) {
	var answer struct {
		Running  bool
		ExitCode int
	}
	if err := x.e.call(ctx, get(path("exec", x.id, "json")), &answer); err != nil {
		return false, 0, err
	}
	return !answer.Running, answer.ExitCode, nil
}

func (x *executed) leave() {}

// watched: a process that is about to begin looks like one that has ended, and
// before Podman 5 so does one that nobody is connected to any more.
func (x *executed) watched() bool { return false }

// replay has nothing: the service said why the process did not begin.
func (x *executed) replay(context.Context, images.Streams) error { return nil }
