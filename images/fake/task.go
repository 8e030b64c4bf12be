package fake

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// A Program is what a process runs. It returns the exit status, and does so
// when its context ends: then the process was killed.
type Program func(ctx context.Context, p *Process) int

// A Process is a process as its program sees it.
type Process struct {
	Args   []string // with the program's name
	Env    []string // NAME=VALUE
	Dir    string   // absolute
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	task *task
}

// Getenv is the value of a variable.
func (p *Process) Getenv(name string) string { return getEnv(p.Env, name) }

func getEnv(env []string, name string) string {
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// ReadFile reads a file of the container; a relative path is within Dir.
func (p *Process) ReadFile(name string) ([]byte, error) {
	return p.task.container.files.read(absolute(p.Dir, name))
}

// A task is a process of a container, as the engine sees it.
type task struct {
	world     *world
	container *container
	first     bool // process 1
	args      []string
	env       []string
	dir       string
	user      string
	streams   *hub
	input     *input
	screen    *terminal // with a terminal
	pid       int

	uid, gid int
	program  Program
	stop     context.CancelFunc
	stdin    *os.File // the end that the program reads
	typing   *os.File // the end that is written to
	pumping  sync.WaitGroup

	mu    sync.Mutex
	ended bool
	code  int
	traps map[syscall.Signal]string
	due   []string // actions of traps to be carried out
	done  chan struct{}
}

// begin finds the program, user and directory. Nothing runs before launch.
func (t *task) begin() error {
	var err error
	if t.uid, t.gid, err = t.container.files.user(t.user); err != nil {
		return err
	}
	if getEnv(t.env, "HOME") == "" {
		t.env = setEnv(t.env, "HOME="+t.container.files.home(t.uid))
	}
	if t.program, err = t.find(t.args[0], t.env, t.dir); err != nil {
		return err
	}
	if t.stdin, t.typing, err = os.Pipe(); err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	t.world.made++
	t.pid = 1000 + t.world.made
	t.traps = make(map[syscall.Signal]string)
	return nil
}

// find finds the program that a name stands for.
func (t *task) find(name string, env []string, dir string) (Program, error) {
	full, err := t.which(name, env, dir)
	if err != nil {
		return nil, err
	}
	program, ok := t.world.programs[path.Base(name)]
	if !ok {
		return nil, fmt.Errorf("%s is there, but the engine in memory has no such program", full)
	}
	return program, nil
}

// which looks for the file of a program as execvp(3) does, but a directory or
// a file that cannot be executed ends the search.
func (t *task) which(name string, env []string, dir string) (string, error) {
	candidates := []string{absolute(dir, name)}
	if !strings.Contains(name, "/") {
		candidates = nil
		for d := range strings.SplitSeq(getEnv(env, "PATH"), ":") {
			candidates = append(candidates, path.Join(d, name))
		}
	}
	for _, full := range candidates {
		info, err := t.container.files.stat(full)
		if err != nil {
			continue
		}
		if info.IsDir() || info.Mode()&0o111 == 0 {
			return "", fmt.Errorf("%s: %w", full, images.ErrProgramNotExecutable)
		}
		return full, nil
	}
	return "", fmt.Errorf("%s: %w", name, images.ErrProgramNotFound)
}

// launch runs what begin has found.
func (t *task) launch() {
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	go t.run(ctx)
}

// run runs the program to its end.
func (t *task) run(ctx context.Context) {
	t.pumping.Go(func() {
		io.Copy(t.typing, t.input)
		t.typing.Close()
	})
	p := &Process{
		Args: t.args, Env: t.env, Dir: t.dir, task: t,
		Stdin: t.stdin, Stdout: writerFunc(t.printOut), Stderr: writerFunc(t.printErr),
	}
	code := t.program(ctx, p)
	t.finish(code)
	t.pumping.Wait()
}

func (t *task) printOut(p []byte) (int, error) { return t.print(p, false) }
func (t *task) printErr(p []byte) (int, error) { return t.print(p, true) }

// print passes on what the program prints, as long as it lives.
func (t *task) print(p []byte, isError bool) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return 0, os.ErrClosed
	}
	if t.screen != nil {
		t.screen.print(p)
	} else {
		t.streams.print(p, isError)
	}
	return len(p), nil
}

// finish ends the task with an exit status, unless it has ended.
func (t *task) finish(code int) {
	if !t.end(code) {
		return
	}
	if t.first {
		t.world.exited(t.container, code)
	} else {
		t.streams.end()
		t.world.mu.Lock()
		delete(t.container.execs, t)
		t.world.mu.Unlock()
	}
	close(t.done)
}

// killed ends a task other than the first because its container has ended.
func (t *task) killed() {
	if t.end(128 + int(syscall.SIGKILL)) {
		t.streams.end()
		close(t.done)
	}
}

// end stops the program; it tells whether it was still running.
func (t *task) end(code int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	t.ended, t.code = true, code
	t.stop()
	t.input.drop()
	t.stdin.Close()
	t.typing.Close()
	return true
}

// status is the exit status; ok is false while the task runs.
func (t *task) status() (code int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.code, t.ended
}

// signal sends a signal. Process 1 of a PID namespace is only reached by
// SIGKILL and by what it has a trap for.
func (t *task) signal(s syscall.Signal) {
	t.mu.Lock()
	action, trapped := t.traps[s]
	if trapped && s != syscall.SIGKILL {
		if action != "" {
			t.due = append(t.due, action)
		}
		t.mu.Unlock()
		return
	}
	t.mu.Unlock()
	ignored := []syscall.Signal{syscall.SIGCHLD, syscall.SIGWINCH, syscall.SIGURG, syscall.SIGCONT}
	spec := t.container.spec
	shielded := t.first && !spec.Init && spec.PID != run.Host
	if s != syscall.SIGKILL && (shielded || slices.Contains(ignored, s)) {
		return
	}
	t.finish(128 + int(s))
}

// trap has an action carried out on a signal, none for the empty one; reset
// takes it back.
func (t *task) trap(s syscall.Signal, action string, reset bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if reset {
		delete(t.traps, s)
	} else {
		t.traps[s] = action
	}
}

// dueActions are those of traps since the last time.
func (t *task) dueActions() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	due := t.due
	t.due = nil
	return due
}

// parseSignal reads a signal as kill(1) and the engines take it: by number, or
// by name with or without SIG.
func parseSignal(text string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n < 65 {
		return syscall.Signal(n), nil
	}
	name := strings.ToUpper(text)
	if s := unix.SignalNum("SIG" + strings.TrimPrefix(name, "SIG")); s != 0 {
		return s, nil
	}
	return 0, fmt.Errorf("there is no signal %q", text)
}

// absolute is a path of the container, from a directory of it.
func absolute(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", dir, name)
}
