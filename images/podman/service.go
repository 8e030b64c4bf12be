package podman

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/images"
)

// How long a service may take to answer, and to end when it is asked to.
const (
	beginning = 30 * time.Second
	ending    = 10 * time.Second
)

// Serve starts a Podman service of our own: program, podman or a path to it,
// as "system service" on a socket in a directory that only we can enter. It
// returns when the service answers; ctx counts until then. The containers do
// not depend on the service.
//
// stop ends the service and removes its directory. A service whose starter is
// killed ends too.
func Serve(ctx context.Context, program string) (uri string, stop func() error, err error) {
	dir, err := privateDir()
	if err != nil {
		return "", nil, fmt.Errorf("starting a Podman service: %w", err)
	}
	socket := filepath.Join(dir, "podman.sock")
	uri = (&url.URL{Scheme: "unix", Path: socket}).String()
	s, err := start(program, uri)
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("starting a Podman service: %w", err)
	}
	stop = sync.OnceValue(func() error {
		err := s.stop()
		return errors.Join(err, os.RemoveAll(dir))
	})
	if err := s.answers(ctx, uri); err != nil {
		return "", nil, fmt.Errorf("starting a Podman service: %w", errors.Join(err, stop()))
	}
	return uri, stop, nil
}

// privateDir makes a directory for a socket where such things belong, or else
// where it can. The path of a socket has to be short.
func privateDir() (string, error) {
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run"} {
		if parent == "" {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "atomic-podman-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "atomic-podman-")
}

// A service is a process that we started.
type service struct {
	process *os.Process
	ending  time.Duration // how long it may take to end
	said    *tail
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read it after done
}

// start starts the program. The signal that it gets at our death is really
// sent at the death of the thread that started it, so one thread is kept for
// it. A group of its own keeps the keyboard's interrupts from it.
func start(program, uri string) (*service, error) {
	s := &service{ending: ending, said: &tail{limit: 4 << 10}, done: make(chan struct{})}
	cmd := exec.Command(program, "system", "service", "--time=0", uri)
	cmd.Stderr = s.said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	// Whoever else holds on to stderr does not keep us.
	cmd.WaitDelay = time.Second
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		s.process = cmd.Process
		started <- err
		if err == nil {
			s.err = cmd.Wait()
			close(s.done)
		}
	}()
	return s, <-started
}

// answers waits until the service does, or has ended.
func (s *service) answers(ctx context.Context, uri string) error {
	e, err := New(uri)
	if err != nil {
		return err
	}
	defer e.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, beginning, images.ErrTimeout)
	defer cancel()
	for {
		if err = e.Ping(ctx); err == nil {
			return nil
		}
		select {
		case <-s.done:
			return s.failure()
		case <-ctx.Done():
			return fmt.Errorf("%w: %w%s", ended(ctx), err, s.said.quoted())
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// failure is why the service ended by itself.
func (s *service) failure() error {
	err := s.err
	if err == nil {
		err = errors.New("it ended")
	}
	return fmt.Errorf("%w%s", err, s.said.quoted())
}

// stop ends the service.
func (s *service) stop() error {
	// One that has ended already is done.
	_ = s.process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		return nil
	case <-time.After(s.ending):
	}
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending a Podman service: %w", err)
	}
	<-s.done
	return nil
}

// A tail keeps the end of what is written to it.
type tail struct {
	limit int
	mu    sync.Mutex
	kept  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// quoted is what was written, as it goes at the end of an error.
func (t *tail) quoted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.kept)); text != "" {
		return ": " + text
	}
	return ""
}
