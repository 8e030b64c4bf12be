package podman

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
)

// attachTo attaches to container x of a service that plays f as its streams
// and then says after of it.
func attachTo(t *testing.T, tty bool, opts images.AttachOptions, f func(net.Conn), after ...http.HandlerFunc) (*fake, images.Session) {
	t.Helper()
	states := append([]http.HandlerFunc{says(200, container("created", 0, tty))}, after...)
	s := newFake(t, map[string]http.HandlerFunc{
		"POST /containers/x/attach": upgrades(f),
		"GET /containers/x/json":    inTurn(states...),
	})
	session, err := s.engine(t).Attach(t.Context(), "x", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return s, session
}

// prints plays a process that prints and ends.
func prints(text string) func(net.Conn) {
	return func(c net.Conn) { io.WriteString(c, text) }
}

func TestPipeEnds(t *testing.T) {
	running, gone := says(200, container("running", 0, false)), refuses(404, "no such container", "no such container")
	for name, c := range map[string]struct {
		tty   bool
		in    string
		after []http.HandlerFunc
		kind  error // of Pipe
		fails bool
		out   string
		code  int
		wait  error
	}{
		"with the process":       {in: frame(1, "a"), after: []http.HandlerFunc{says(200, container("stopped", 3, false))}, out: "a", code: 3},
		"a moment before it":     {in: frame(1, "a"), after: []http.HandlerFunc{running, running, says(200, container("exited", 4, false))}, out: "a", code: 4},
		"and the container goes": {in: frame(1, "a"), after: []http.HandlerFunc{gone}, out: "a", wait: images.ErrNotFound},
		"of a terminal":          {tty: true, in: "a\r\n", after: []http.HandlerFunc{says(200, container("exited", 0, true))}, out: "a\r\n"},
		"while it runs":          {in: frame(1, "a"), after: []http.HandlerFunc{running}, kind: images.ErrUnreachable, fails: true, out: "a", wait: images.ErrConflict},
		"with the service":       {in: frame(1, "a"), after: []http.HandlerFunc{dies("")}, kind: images.ErrUnreachable, fails: true, out: "a", wait: images.ErrUnreachable},
		"in a frame":             {in: frame(1, "abc")[:9], after: []http.HandlerFunc{says(200, container("exited", 0, false))}, kind: images.ErrUnreachable, fails: true, out: "a"},
		"detached by the engine": {in: frame(1, "a") + frame(2, detachedLine), after: []http.HandlerFunc{running}, out: "a", wait: images.ErrConflict},
		"garbled":                {in: "no frames here", after: []http.HandlerFunc{says(200, container("exited", 0, false))}, fails: true},
	} {
		_, s := attachTo(t, c.tty, images.AttachOptions{}, prints(c.in), c.after...)
		var out bytes.Buffer
		err := s.Pipe(t.Context(), images.Streams{Stdout: &out})
		switch {
		case c.fails:
			isOnly(t, name, err, c.kind)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if out.String() != c.out {
			t.Errorf("%s: got %q, want %q", name, &out, c.out)
		}
		code, err := s.Wait(t.Context())
		if code != c.code || !errors.Is(err, c.wait) {
			t.Errorf("%s: exit status %d, %v; want %d, %v", name, code, err, c.code, c.wait)
		}
	}
}

// reads plays a process that tells each read of its input, and at the end of
// it what it has done.
func reads(got chan<- string) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 100)
		for {
			n, err := c.Read(buf)
			if n > 0 {
				got <- string(buf[:n])
			}
			if err != nil {
				got <- err.Error()
				return
			}
			if strings.HasSuffix(string(buf[:n]), "\x11") {
				io.WriteString(c, detachedLine)
				return
			}
		}
	}
}

func TestInput(t *testing.T) {
	exited := says(200, container("exited", 0, false))
	t.Run("its end is passed on", func(t *testing.T) {
		got := make(chan string, 10)
		_, s := attachTo(t, false, images.AttachOptions{Stdin: true}, reads(got), exited)
		if err := s.Pipe(t.Context(), images.Streams{Stdin: strings.NewReader("some \x10\x11 text")}); err != nil {
			t.Error(err)
		}
		if first, second := <-got, <-got; first != "some \x10\x11 text" || second != "EOF" {
			t.Errorf("the process read %q and %q", first, second)
		}
	})
	t.Run("that never ends is not waited for", func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		_, s := attachTo(t, false, images.AttachOptions{Stdin: true}, prints(frame(1, "x")), exited)
		if err := s.Pipe(t.Context(), images.Streams{Stdin: r}); err != nil {
			t.Error(err)
		}
	})
	t.Run("detach keys come one by one", func(t *testing.T) {
		got := make(chan string, 10)
		f, s := attachTo(t, true, images.AttachOptions{Stdin: true}, reads(got), says(200, container("running", 0, true)))
		if !strings.Contains(f.query(), "stdin=true") || strings.Contains(f.query(), "detachKeys") {
			t.Errorf("asked %s", f.query())
		}
		// A reader that has more, so that no end is passed on.
		r, w := io.Pipe()
		defer w.Close()
		go w.Write([]byte("ab\x10\x11"))
		var out bytes.Buffer
		if err := s.Pipe(t.Context(), images.Streams{Stdin: r, Stdout: &out}); err != nil || out.Len() > 0 {
			t.Errorf("got %q, %v", &out, err)
		}
		var reads []string
		for range 3 {
			reads = append(reads, <-got)
		}
		if fmt.Sprintf("%q", reads) != `["ab" "\x10" "\x11"]` {
			t.Errorf("the process read %q", reads)
		}
		if _, err := s.Wait(t.Context()); !errors.Is(err, images.ErrConflict) {
			t.Errorf("exit status after detaching: %v", err)
		}
	})
}

// A service that says nothing at detaching is understood by what was typed.
func TestDetachWithoutWord(t *testing.T) {
	_, s := attachTo(t, true, images.AttachOptions{Stdin: true}, func(c net.Conn) {
		io.ReadFull(c, make([]byte, 2))
	}, says(200, container("running", 0, true)))
	r, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte("\x10\x11"))
	if err := s.Pipe(t.Context(), images.Streams{Stdin: r}); err != nil {
		t.Error(err)
	}
}

func TestKeysAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		tty  bool
		keys string
		want string
	}{{true, "ctrl-x,y", "detachKeys=ctrl-x%2Cy"}, {false, "ctrl-x,y", "detachKeys="}, {false, "", "detachKeys="}} {
		f, _ := attachTo(t, c.tty, images.AttachOptions{DetachKeys: c.keys}, prints(""), says(200, container("exited", 0, false)))
		if !strings.HasPrefix(f.query(), c.want+"&") {
			t.Errorf("terminal %v, keys %q: asked %s, want %s", c.tty, c.keys, f.query(), c.want)
		}
	}
	e := newFake(t, map[string]http.HandlerFunc{"GET /containers/x/json": says(200, container("created", 0, false))}).engine(t)
	if _, err := e.Attach(t.Context(), "x", images.AttachOptions{DetachKeys: "what"}); err == nil {
		t.Error("strange keys were taken")
	}
}

// What never reached the session is taken from the log.
func TestReplay(t *testing.T) {
	const reset = "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n"
	gone := refuses(404, "no such container", "no such container")
	for name, c := range map[string]struct {
		log   http.HandlerFunc
		out   string
		fails bool
	}{
		"log":                {says(200, frame(1, "o\n")+frame(2, "e\n")), "o\n+e\n", false},
		"container gone":     {gone, "+", true},
		"log cannot be read": {refuses(500, "", "no logs of driver none"), "+", true},
	} {
		f := newFake(t, map[string]http.HandlerFunc{
			"POST /containers/x/attach": upgrades(prints(frame(2, reset))),
			"GET /containers/x/json":    inTurn(says(200, container("created", 0, false)), says(200, container("stopped", 3, false))),
			"GET /containers/x/logs":    c.log,
		})
		s, err := f.engine(t).Attach(t.Context(), "x", images.AttachOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var out, errs bytes.Buffer
		err = s.Pipe(t.Context(), images.Streams{Stdout: &out, Stderr: &errs})
		if got := out.String() + "+" + errs.String(); got != c.out || (err != nil) != c.fails {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.out)
		}
	}
}

func TestSessionContext(t *testing.T) {
	_, s := attachTo(t, false, images.AttachOptions{}, func(c net.Conn) { io.Copy(io.Discard, c) }, says(200, container("running", 0, false)))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := s.Pipe(ctx, images.Streams{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := s.Pipe(ctx, images.Streams{}); !errors.Is(err, context.Canceled) {
		t.Errorf("again: got %v", err)
	}
}

func TestSessionOutputFails(t *testing.T) {
	_, s := attachTo(t, false, images.AttachOptions{}, prints(frame(1, "x")), says(200, container("running", 0, false)))
	if err := s.Pipe(t.Context(), images.Streams{Stdout: failing{}}); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, images.ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

func TestAttachRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   error
	}{
		"no program": {refuses(409, "", `preparing container x for attach: runc: exec: "y": executable file not found in $PATH`), images.ErrProgramNotFound},
		"paused":     {refuses(500, "container state improper", "can only attach to created or running containers - currently in state paused: container state improper"), images.ErrConflict},
		"no upgrade": {says(204, ""), nil},
		"hangs":      {hangs, images.ErrTimeout},
		"hangs up":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, images.ErrUnreachable},
	} {
		f := newFake(t, map[string]http.HandlerFunc{"POST /containers/x/attach": c.answer, "GET /containers/x/json": says(200, container("created", 0, false))})
		_, err := f.engine(t).Attach(t.Context(), "x", images.AttachOptions{})
		isOnly(t, name, err, c.kind)
	}
}

// A container that Podman has not cleaned up after is left alone until it has.
func TestSettles(t *testing.T) {
	stopped, exited := says(200, container("stopped", 0, false)), says(200, container("exited", 0, false))
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /containers/x/json":    inTurn(stopped, stopped, exited),
		"GET /containers/y/json":    stopped,
		"POST /containers/x/start":  says(204, ""),
		"POST /containers/y/start":  says(204, ""),
		"POST /containers/x/attach": upgrades(prints("")),
	})
	e := f.engine(t)
	if err := e.Start(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if got := strings.Join(f.asked(), ", "); got != strings.Repeat("GET /containers/x/json, ", 3)+"POST /containers/x/start" {
		t.Errorf("asked %s", got)
	}
	// One whose cleanup never comes is started all the same.
	if err := e.Start(t.Context(), "y"); err != nil {
		t.Error(err)
	}
}

func execIn(t *testing.T, p images.Process, f func(net.Conn), looks ...http.HandlerFunc) images.Session {
	t.Helper()
	s, err := newFake(t, map[string]http.HandlerFunc{
		"POST /containers/x/exec": says(201, `{"Id":"e1"}`),
		"POST /exec/e1/start":     upgrades(f),
		"GET /exec/e1/json":       inTurn(looks...),
	}).engine(t).Exec(t.Context(), "x", p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestExecEnds(t *testing.T) {
	runs, ended := says(200, `{"Running":true,"ExitCode":0}`), says(200, `{"Running":false,"ExitCode":5}`)
	t.Run("by itself", func(t *testing.T) {
		s := execIn(t, images.Process{}, prints(frame(1, "x")), runs, ended)
		if err := s.Pipe(t.Context(), images.Streams{}); err != nil {
			t.Error(err)
		}
		if code, err := s.Wait(t.Context()); err != nil || code != 5 {
			t.Errorf("got %d, %v", code, err)
		}
	})
	t.Run("before it began, and the service does not know why", func(t *testing.T) {
		unknown := says(200, `{"Running":false,"ExitCode":125}`)
		for text, want := range map[string]int{
			"Error: runc: exec failed: unable to start container process: exec: \"/etc\": is a directory\n":        126,
			"Error: runc: exec failed: exec: \"x\": executable file not found in $PATH\n":                          127,
			"Error: runc: exec failed: unable to start container process: error adding pid 5 to cgroups: failed\n": 125,
			"not my day\n": 125,
		} {
			for _, tty := range []bool{true, false} {
				in := text
				if !tty {
					in = frame(2, text)
				}
				s := execIn(t, images.Process{TTY: tty}, prints(in), unknown)
				var out, errs bytes.Buffer
				if err := s.Pipe(t.Context(), images.Streams{Stdout: &out, Stderr: &errs}); err != nil || out.String()+errs.String() != text {
					t.Errorf("%q: got %q, %q, %v", text, &out, &errs, err)
				}
				if code, err := s.Wait(t.Context()); err != nil || code != want {
					t.Errorf("%q: got %d, %v; want %d", text, code, err, want)
				}
			}
		}
	})
	t.Run("with its container", func(t *testing.T) {
		s := execIn(t, images.Process{}, prints(""), refuses(404, "no such exec session", "no such exec session"))
		if err := s.Pipe(t.Context(), images.Streams{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("not, but the connection", func(t *testing.T) {
		s := execIn(t, images.Process{}, prints(""), runs)
		isOnly(t, "Pipe", s.Pipe(t.Context(), images.Streams{}), images.ErrUnreachable)
	})
	t.Run("for us, by the keys, although the service goes on", func(t *testing.T) {
		gone := make(chan struct{})
		s := execIn(t, images.Process{TTY: true, Stdin: true, DetachKeys: "x,y"}, func(c net.Conn) {
			io.Copy(io.Discard, c)
			close(gone)
		}, ended)
		r, w := io.Pipe()
		defer w.Close()
		go w.Write([]byte("xy"))
		if err := s.Pipe(t.Context(), images.Streams{Stdin: r}); err != nil {
			t.Error(err)
		}
		// The service would say that it has ended.
		if _, err := s.Wait(t.Context()); !errors.Is(err, images.ErrConflict) {
			t.Errorf("exit status after detaching: %v", err)
		}
		s.Close()
		<-gone
	})
	t.Run("detached", func(t *testing.T) {
		over := make(chan struct{})
		s := execIn(t, images.Process{Detach: true}, func(c net.Conn) {
			io.WriteString(c, frame(1, strings.Repeat("x", 1<<20)))
			<-over
		}, ended)
		// The service may say that it has ended before it has begun.
		if _, err := s.Wait(t.Context()); !errors.Is(err, images.ErrConflict) {
			t.Errorf("while it runs: %v", err)
		}
		close(over)
		for {
			code, err := s.Wait(t.Context())
			if errors.Is(err, images.ErrConflict) {
				runtime.Gosched()
				continue
			}
			if err != nil || code != 5 {
				t.Errorf("at the end: %d, %v", code, err)
			}
			break
		}
	})
}

func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("use", func(t *testing.T) {
		running := says(200, container("running", 0, false))
		r, w := io.Pipe()
		_, s := attachTo(t, false, images.AttachOptions{Stdin: true}, func(c net.Conn) { io.Copy(io.Discard, c) }, running)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		s.Pipe(ctx, images.Streams{Stdin: r})
		w.Close()
		execIn(t, images.Process{Detach: true}, func(c net.Conn) { io.Copy(io.Discard, c) }, says(200, `{"Running":true}`))
		f := newFake(t, map[string]http.HandlerFunc{"GET /containers/x/json": running, "POST /containers/x/wait": hangs})
		if _, err := f.engine(t).Wait(ctx, "x"); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(time.Millisecond)
	}
}
