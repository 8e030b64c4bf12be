package system_test

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/tests/system/built"
)

// A text is written and read at the same time.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *text) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *text) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A started command line goes on while the test looks at what it does.
type started struct {
	w              *built.World
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr text
}

func start(t *testing.T, w *built.World, args ...string) *started {
	t.Helper()
	s := &started{w: w, t: t, cmd: w.Command(args...)}
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
	})
	return s
}

// prints waits until the command's program has printed something.
func (s *started) prints(words string) {
	s.t.Helper()
	s.w.Eventually("the program to print "+words, func() bool { return strings.Contains(s.stdout.String(), words) })
}

// signal sends a signal to the command.
func (s *started) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ends waits for the end and wants the exit status.
func (s *started) ends(status int) {
	s.t.Helper()
	s.cmd.Wait() // its error is the status
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.t.Errorf("%q: status %d, want %d\n--- stdout\n%s--- stderr\n%s", s.cmd.Args, got, status, s.stdout.String(), s.stderr.String())
	}
}
