package terminal_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/projectatomic/atomic/tests/system/built"
)

// limit is how long anything may take that is waited for.
const limit = time.Minute

// The keys that are typed beside text.
const (
	enter  = "\r"
	ctrlC  = "\x03"
	ctrlD  = "\x04"
	detach = "\x10\x11" // Ctrl-P Ctrl-Q
)

// A screen is a terminal with the command on it.
type screen struct {
	t      *testing.T
	keys   *os.File // the user's end
	tty    *os.File // the command's end, kept open so that its settings can be read
	before term.State
	cmd    *exec.Cmd

	mu   sync.Mutex
	text string // printed, and not expected yet
	all  string
	more chan struct{} // something was printed
}

// open starts a command line on a terminal of that size.
func open(t *testing.T, w *built.World, rows, columns uint16, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, cmd: w.Command(args...), more: make(chan struct{}, 1)}
	var err error
	if s.keys, s.tty, err = pty.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.tty.Close()
		s.keys.Close()
	})
	s.resize(rows, columns)
	s.before = s.settings()
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = s.tty, s.tty, s.tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
	})
	go s.read()
	return s
}

// read collects what is printed until the terminal is closed.
func (s *screen) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.keys.Read(buf)
		s.mu.Lock()
		s.text += string(buf[:n])
		s.all += string(buf[:n])
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// expect waits until words are printed behind what was expected before.
func (s *screen) expect(words string) {
	s.t.Helper()
	late := time.After(limit)
	for {
		s.mu.Lock()
		_, rest, found := strings.Cut(s.text, words)
		if found {
			s.text = rest
		}
		s.mu.Unlock()
		if found {
			return
		}
		select {
		case <-s.more:
		case <-late:
			s.t.Fatalf("waited in vain for %q; on the screen is\n%q", words, s.printed())
		}
	}
}

// printed is all that was.
func (s *screen) printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

func (s *screen) press(keys string) {
	s.t.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// enter types a line. It is echoed, so what is expected after it should be
// spelled in another way.
func (s *screen) enter(line string) {
	s.t.Helper()
	s.press(line + enter)
}

func (s *screen) resize(rows, columns uint16) {
	s.t.Helper()
	if err := pty.Setsize(s.keys, &pty.Winsize{Rows: rows, Cols: columns}); err != nil {
		s.t.Fatal(err)
	}
}

// settings are those of the terminal: echo, line editing and the like.
func (s *screen) settings() term.State {
	s.t.Helper()
	state, err := term.GetState(int(s.tty.Fd()))
	if err != nil {
		s.t.Fatal(err)
	}
	return *state
}

// ends waits for the end of the command, and wants the exit status and the
// terminal as it was.
func (s *screen) ends(status int) {
	s.t.Helper()
	if err := s.cmd.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		s.t.Fatal(err)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != status {
		s.t.Errorf("%q: status %d, want %d; on the screen is\n%q", s.cmd.Args, got, status, s.printed())
	}
	if after := s.settings(); after != s.before {
		s.t.Errorf("the settings of the terminal were\n%+v\nand are\n%+v", s.before, after)
	}
}
