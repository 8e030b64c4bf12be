package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

func TestReadLine(t *testing.T) {
	in := strings.NewReader("one\ntwo\n\nlast")
	for _, want := range []string{"one", "two", "", "last"} {
		if got, err := readLine(in); got != want || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := readLine(in); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if _, err := readLine(strings.NewReader(strings.Repeat("y", longestLine))); err == nil {
		t.Error("a line without an end is read")
	}
	broken := errors.New("broken")
	if _, err := readLine(io.MultiReader(strings.NewReader("y"), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("a line that breaks off: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestConfirmInterrupted(t *testing.T) {
	never, end := io.Pipe()
	defer end.Close()
	var stderr syncBuffer
	e := newTestEnv(t).env(never, io.Discard, &stderr)
	done := make(chan error, 1)
	go func() {
		_, err := e.confirm("Really")
		done <- err
	}()
	var err error
	eventually(t, "the question to end", func() bool {
		e.signals.deliver(syscall.SIGUSR1, func(error) {}) // means nothing
		e.signals.deliver(syscall.SIGTERM, func(error) {})
		select {
		case err = <-done:
			return true
		default:
			return false
		}
	})
	var interrupted interruptedError
	if !errors.As(err, &interrupted) || interrupted.signal != syscall.SIGTERM {
		t.Errorf("got %v", err)
	}
	if got := stderr.String(); got != "Really (y/N) \n" {
		t.Errorf("printed %q", got)
	}
}

func TestConfirmAtTerminal(t *testing.T) {
	screen, tty := openPTY(t)
	var stderr bytes.Buffer
	e := newTestEnv(t).env(tty, io.Discard, &stderr)
	io.WriteString(screen, "y\n")
	if sure, err := e.confirm("Really"); !sure || err != nil {
		t.Errorf("got %v, %v", sure, err)
	}
	if got := stderr.String(); got != "Really (y/N) " { // the user's own newline is there
		t.Errorf("printed %q", got)
	}
}

func openPTY(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		tty.Close()
		screen.Close()
	})
	return screen, tty
}

// echoes tells whether a terminal shows what is typed.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return mode.Lflag&unix.ECHO != 0
}

func TestAskPassword(t *testing.T) {
	screen, tty := openPTY(t)
	var stderr syncBuffer
	e := newTestEnv(t).env(tty, io.Discard, &stderr)
	type answer struct {
		password string
		err      error
	}
	done := make(chan answer, 1)
	ask := func() {
		password, err := e.askPassword("Password: ")
		done <- answer{password, err}
	}
	go ask()
	eventually(t, "the terminal to be quiet", func() bool { return !echoes(t, tty) })
	io.WriteString(screen, "se cret\n")
	if a := <-done; a.password != "se cret" || a.err != nil {
		t.Errorf("got %q, %v", a.password, a.err)
	}
	if !echoes(t, tty) {
		t.Error("the terminal stays quiet")
	}

	go ask()
	eventually(t, "the terminal to be quiet", func() bool { return !echoes(t, tty) })
	var a answer
	eventually(t, "the question to end", func() bool {
		e.signals.deliver(syscall.SIGINT, func(error) {})
		select {
		case a = <-done:
			return true
		default:
			return false
		}
	})
	if !errors.As(a.err, new(interruptedError)) || !echoes(t, tty) {
		t.Errorf("interrupted: %v, echo %v", a.err, echoes(t, tty))
	}
	io.WriteString(screen, "\n") // lets the read end
	if got := stderr.String(); got != "Password: \nPassword: \n" {
		t.Errorf("printed %q", got)
	}
}

func TestAskPasswordWithoutTerminal(t *testing.T) {
	te := newTestEnv(t)
	if _, err := te.env(strings.NewReader("secret\n"), io.Discard, io.Discard).askPassword("Password: "); err == nil {
		t.Error("a password is read from a pipe")
	}
}
