package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

const (
	raw         = "application/vnd.docker.raw-stream"
	multiplexed = "application/vnd.docker.multiplexed-stream"
)

// drain reads until the other side has nothing more to say.
func drain(c net.Conn) { io.Copy(io.Discard, c) }

// attach attaches to a server's container.
func attach(t *testing.T, e *Engine, o images.AttachOptions) images.Session {
	t.Helper()
	s, err := e.Attach(t.Context(), "box", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestPipeEnds has all ways in which the output of a container ends.
func TestPipeEnds(t *testing.T) {
	const head = "\x01\x00\x00\x00\x00\x00\x00\x05"
	for _, c := range []struct {
		what     string
		media    string
		stream   string
		inspect  http.HandlerFunc
		typed    string
		out      string
		kind     error
		fine     bool
		inspects bool
	}{
		{"it ended", multiplexed, frame(1, "out"), boxed("exited", false), "", "out", nil, true, true},
		{"it is gone", multiplexed, frame(1, "out"), says(404, "No such container: box"), "", "out", nil, true, true},
		{"it runs", multiplexed, frame(1, "out"), boxed("running", true), "", "out", images.ErrUnreachable, false, true},
		{"it runs on a terminal", raw, "out", boxed("running", true), "x", "out", images.ErrUnreachable, false, true},
		{"it is started again", multiplexed, "", gives(`{"Id":"1","State":{"Running":true},"Config":{},"HostConfig":{"RestartPolicy":{"Name":"always"}}}`), "", "", nil, true, true},
		{"it keeps its stdin", multiplexed, "", gives(`{"Id":"1","State":{"Running":true},"Config":{},"HostConfig":{}}`), "x", "", nil, true, true},
		{"the engine does not say", multiplexed, "", says(500, "sick"), "", "", nil, false, true},
		{"the user detached", raw, "out", boxed("running", true), "ab\x10\x11", "out", nil, true, false},
		{"the keys on no terminal", multiplexed, "", boxed("running", true), "\x10\x11", "", images.ErrUnreachable, false, true},
		{"cut in a frame", multiplexed, head + "ou", boxed("running", true), "", "ou", images.ErrUnreachable, false, false},
		{"cut in a head", multiplexed, head[:5], boxed("exited", false), "", "", images.ErrUnreachable, false, false},
		{"nonsense", multiplexed, "Hello, world!", boxed("running", true), "", "", nil, false, false},
	} {
		s := newServer(t, "1.47")
		s.on("/attach", hijacks(c.media, func(conn net.Conn) {
			if c.typed != "" {
				got := make([]byte, len(c.typed))
				io.ReadFull(conn, got)
			}
			io.WriteString(conn, c.stream)
		}))
		s.on("/json", c.inspect)
		e := openLimited(t, s.host, brief())
		session := attach(t, e, images.AttachOptions{Stdin: true})
		var out bytes.Buffer
		streams := images.Streams{Stdout: &out}
		if c.typed != "" {
			streams.Stdin = strings.NewReader(c.typed)
		}
		err := session.Pipe(t.Context(), streams)
		if c.fine && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !c.fine {
			wantKind(t, c.what, err, c.kind)
		}
		if out.String() != c.out {
			t.Errorf("%s: printed %q, want %q", c.what, out.String(), c.out)
		}
		asked := strings.Contains(strings.Join(s.seen(), "\n"), "GET /containers/box/json")
		if asked != c.inspects {
			t.Errorf("%s: inspected: %v", c.what, asked)
		}
	}
}

// TestPipeReset has a process that does not read all its input.
func TestPipeReset(t *testing.T) {
	for _, running := range []bool{true, false} {
		s := newServer(t, "1.47")
		s.on("/json", boxed("whatever", running))
		s.on("/attach", hijacks(multiplexed, func(c net.Conn) {
			io.ReadFull(c, make([]byte, 1)) // what is unread makes a reset of the close
			io.WriteString(c, frame(1, "out"))
		}))
		e := openLimited(t, s.host, brief())
		var out bytes.Buffer
		err := attach(t, e, images.AttachOptions{Stdin: true}).Pipe(t.Context(), images.Streams{
			Stdin: strings.NewReader(strings.Repeat("typed", 1000)), Stdout: &out,
		})
		if running {
			wantKind(t, "reset while it runs", err, images.ErrUnreachable)
		} else if err != nil {
			t.Errorf("reset when it has ended: %v", err)
		}
		if out.String() != "out" {
			t.Errorf("printed %q", out.String())
		}
	}
}

// TestPipeWithWait tells from the answer to a Wait why the output ended.
func TestPipeWithWait(t *testing.T) {
	for _, c := range []struct {
		what string
		wait string
		kind error
		fine bool
	}{
		{"it ended", `{"StatusCode":3}`, nil, true},
		{"the engine died", `{"Stat`, images.ErrUnreachable, false},
	} {
		s := newServer(t, "1.47")
		s.on("/json", boxed("running", true))
		ended := make(chan struct{})
		s.on("/wait", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
			<-ended
			time.Sleep(10 * time.Millisecond) // the output ends first
			io.WriteString(conn, c.wait)
		})
		s.on("/attach", hijacks(multiplexed, func(net.Conn) { close(ended) }))
		e := openLimited(t, s.host, patient())
		exits, err := e.Wait(t.Context(), "box")
		if err != nil {
			t.Fatal(err)
		}
		err = attach(t, e, images.AttachOptions{}).Pipe(t.Context(), images.Streams{})
		if c.fine && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !c.fine {
			wantKind(t, c.what, err, c.kind)
		}
		if exit := <-exits; c.fine && exit != (images.Exit{Code: 3}) || !c.fine && !errors.Is(exit.Err, c.kind) {
			t.Errorf("%s: the end is %+v", c.what, exit)
		}
		// Wait asks before it waits and, for the list to be right, at the end.
		want := []string{"HEAD /_ping", "GET /containers/box/json", "POST /containers/box/wait", "POST /containers/box/attach"}
		if c.fine {
			want = append(want, "GET /containers/box/json")
		}
		if d := cmp.Diff(want, s.seen()); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, d)
		}
	}
}

// TestPipeStdin passes the input on, its end, and nothing after the end of the
// process.
func TestPipeStdin(t *testing.T) {
	for _, c := range []struct{ what, media, typed, want string }{
		{"a pipe", multiplexed, "some\ninput", "some\ninput"},
		{"nothing", multiplexed, "", ""},
		{"a terminal", raw, "line\n", "line\n\x04"},
		{"a terminal, in a line", raw, "half a line", "half a line\x04\x04"},
		{"a terminal, after return", raw, "line\r", "line\r\x04"},
	} {
		got := make(chan string, 1)
		s := newServer(t, "1.47")
		s.on("/json", boxed("exited", false))
		s.on("/attach", hijacks(c.media, func(conn net.Conn) {
			text := make([]byte, len(c.want))
			io.ReadFull(conn, text)
			if c.media == multiplexed {
				rest, _ := io.ReadAll(conn) // ends if the end was passed on
				text = append(text, rest...)
			}
			got <- string(text)
		}))
		e := openLimited(t, s.host, patient())
		session := attach(t, e, images.AttachOptions{Stdin: true})
		if err := session.Pipe(t.Context(), images.Streams{Stdin: strings.NewReader(c.typed)}); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if text := <-got; text != c.want {
			t.Errorf("%s: the process read %q, want %q", c.what, text, c.want)
		}
	}
}

// TestPipeEndlessStdin has a terminal at which nobody types when the process
// ends. What is typed then is another's to read.
func TestPipeEndlessStdin(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		s := newServer(t, "1.47")
		s.on("/json", boxed("exited", false))
		s.on("/attach", hijacks(raw, func(net.Conn) {}))
		e := openLimited(t, s.host, patient())
		stdin, keyboard, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer stdin.Close()
		defer keyboard.Close()
		if err := attach(t, e, images.AttachOptions{Stdin: true}).Pipe(t.Context(), images.Streams{Stdin: stdin}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(keyboard, "later")
		text := make([]byte, 5)
		if _, err := io.ReadFull(stdin, text); err != nil || string(text) != "later" {
			t.Errorf("read %q, %v after Pipe", text, err)
		}

		// A reader that cannot be interrupted does not hold Pipe up.
		blocked, end := io.Pipe()
		if err := attach(t, e, images.AttachOptions{Stdin: true}).Pipe(t.Context(), images.Streams{Stdin: blocked}); err != nil {
			t.Fatal(err)
		}
		end.Close()
	})
	settleGoroutines(t, before)
}

// TestPipeIsCut ends a session from outside, in each way.
func TestPipeIsCut(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		for what, cut := range map[string]func(s images.Session, attached, piped context.CancelFunc){
			"Close":               func(s images.Session, _, _ context.CancelFunc) { s.Close() },
			"the context of Pipe": func(_ images.Session, _, piped context.CancelFunc) { piped() },
			"the context of Attach": func(_ images.Session, attached, _ context.CancelFunc) {
				attached()
			},
		} {
			s := newServer(t, "1.47")
			s.on("/attach", hijacks(multiplexed, func(c net.Conn) {
				io.WriteString(c, frame(1, "out"))
				drain(c)
			}))
			e := openLimited(t, s.host, patient())
			ctx1, attached := context.WithCancel(t.Context())
			ctx2, piped := context.WithCancel(t.Context())
			defer attached()
			defer piped()
			session, err := e.Attach(ctx1, "box", images.AttachOptions{Stdin: true})
			if err != nil {
				t.Fatal(err)
			}
			in, out := io.Pipe()
			defer out.Close()
			err = session.Pipe(ctx2, images.Streams{Stdin: in, Stdout: notify(func() { cut(session, attached, piped) })})
			wantKind(t, what, err, nil)
			if what != "Close" && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", what, err)
			}
			session.Close()
			session.Close()
		}
	})
	settleGoroutines(t, before)
}

// A notify is a writer that calls itself.
type notify func()

func (n notify) Write(p []byte) (int, error) { n(); return len(p), nil }

// TestPipeCallersWriter has a caller whose own writer fails, as that of
// "| head" does.
func TestPipeCallersWriter(t *testing.T) {
	s := newServer(t, "1.47")
	s.on("/json", boxed("running", true))
	s.on("/attach", hijacks(multiplexed, func(c net.Conn) {
		io.WriteString(c, frame(1, "out"))
		drain(c)
	}))
	e := openLimited(t, s.host, patient())
	err := attach(t, e, images.AttachOptions{}).Pipe(t.Context(), images.Streams{Stdout: brokenWriter{}})
	wantKind(t, "the caller's writer", err, nil)
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

// TestExecEnds has all ways in which an exec'd process ends.
func TestExecEnds(t *testing.T) {
	const notFound = `OCI runtime exec failed: exec failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown` + "\r\n"
	for _, c := range []struct {
		what    string
		p       images.Process
		stream  string
		typed   string
		inspect http.HandlerFunc
		pipe    error // of Pipe
		code    int
		wait    error // of Wait
	}{
		{"it ended", images.Process{}, frame(1, "out"), "", gives(`{"ExitCode":5,"Pid":7}`), nil, 5, nil},
		{"it was not found", images.Process{}, frame(1, notFound), "", gives(`{"ExitCode":126,"Pid":0}`), nil, 127, nil},
		{"it was not found, on a terminal", images.Process{TTY: true}, notFound, "", gives(`{"ExitCode":126,"Pid":0}`), nil, 127, nil},
		{"it says so itself", images.Process{}, frame(1, notFound), "", gives(`{"ExitCode":126,"Pid":7}`), nil, 126, nil},
		{"it says so later", images.Process{}, frame(1, "a") + frame(1, notFound), "", gives(`{"ExitCode":126,"Pid":0}`), nil, 126, nil},
		{"it runs", images.Process{}, "", "", gives(`{"Running":true,"Pid":7}`), images.ErrUnreachable, -1, images.ErrConflict},
		{"the user detached", images.Process{TTY: true, Stdin: true}, "", "\x10\x11", gives(`{"Running":true,"Pid":7}`), nil, -1, images.ErrConflict},
		{"the user detached with own keys", images.Process{TTY: true, Stdin: true, DetachKeys: "q"}, "", "q", gives(`{"Running":true,"Pid":7}`), nil, -1, images.ErrConflict},
		{"the engine has forgotten it", images.Process{}, "", "", says(404, "No such exec instance: e"), images.ErrUnreachable, -1, images.ErrUnreachable},
	} {
		s := newServer(t, "1.47")
		s.on("/exec", gives(`{"Id":"e"}`))
		s.on("/start", hijacks(raw, func(conn net.Conn) {
			io.ReadFull(conn, make([]byte, len(c.typed)))
			io.WriteString(conn, c.stream)
		}))
		s.on("/json", c.inspect)
		e := openLimited(t, s.host, brief())
		session, err := e.Exec(t.Context(), "box", c.p)
		if err != nil {
			t.Fatal(err)
		}
		err = session.Pipe(t.Context(), images.Streams{Stdin: strings.NewReader(c.typed)})
		if c.pipe == nil && err != nil {
			t.Errorf("%s: Pipe: %v", c.what, err)
		} else if c.pipe != nil {
			wantKind(t, c.what+": Pipe", err, c.pipe)
		}
		code, err := session.Wait(t.Context())
		if code != c.code || c.wait == nil && err != nil {
			t.Errorf("%s: Wait: %d, %v, want %d", c.what, code, err, c.code)
		} else if c.wait != nil {
			wantKind(t, c.what+": Wait", err, c.wait)
		}
		session.Close()
		if c.pipe == nil && c.wait == nil {
			if n := strings.Count(strings.Join(s.seen(), "\n"), "GET /exec/e/json"); n != 1 {
				t.Errorf("%s: asked %d times how it ended", c.what, n)
			}
		}
	}
}

// TestExecDetachKeys does not let the engine have the keys, which would end
// the process, but all that only looks like them.
func TestExecDetachKeys(t *testing.T) {
	for _, c := range []struct {
		keys, typed, want string
		detached          bool
	}{
		{"", "abc\x10\x11more", "abc", true},
		{"", "abc\x10d\x10\x10\x11", "abc\x10d\x10", true},
		{"", "\x10", "\x10\x04\x04", false},
		{"", "\x10\n", "\x10\n\x04", false},
		{"a,b,c", "aababc", "aab", true},
		{"a,b,c", "ab", "ab\x04\x04", false},
	} {
		for what, stdin := range map[string]io.Reader{
			"at once": strings.NewReader(c.typed), "key by key": iotest.OneByteReader(strings.NewReader(c.typed)),
		} {
			got := make(chan string, 1)
			s := newServer(t, "1.47")
			s.on("/exec", gives(`{"Id":"e"}`))
			s.on("/start", hijacks(raw, func(conn net.Conn) {
				var text []byte
				for one := make([]byte, 1); !bytes.HasSuffix(text, []byte("\x04")) || len(text) < len(c.want); {
					if _, err := conn.Read(one); err != nil {
						break
					}
					text = append(text, one...)
				}
				got <- string(text)
			}))
			s.on("/json", gives(`{"Running":true,"Pid":7}`))
			e := openLimited(t, s.host, brief())
			session, err := e.Exec(t.Context(), "box", images.Process{TTY: true, Stdin: true, DetachKeys: c.keys})
			if err != nil {
				t.Fatal(err)
			}
			err = session.Pipe(t.Context(), images.Streams{Stdin: stdin})
			if c.detached != (err == nil) {
				t.Errorf("%q, %s: %v", c.typed, what, err)
			}
			if text := <-got; text != c.want {
				t.Errorf("%q, %s: the process read %q, want %q", c.typed, what, text, c.want)
			}
			session.Close()
		}
	}
}

// TestExecSize tells the size of the terminal with the start, and older
// engines after it.
func TestExecSize(t *testing.T) {
	for version, want := range map[string][]string{
		"1.41": {"HEAD /_ping", "POST /containers/box/exec", "POST /exec/e/start", "POST /exec/e/resize", "POST /exec/e/resize"},
		"1.47": {"HEAD /_ping", "POST /containers/box/exec", "POST /exec/e/start"},
	} {
		s := newServer(t, version)
		s.on("/exec", gives(`{"Id":"e"}`))
		var started string
		s.on("/start", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			started = string(body)
			hijacks(raw, drain)(w, r)
		})
		resized := 0
		s.on("/resize", func(w http.ResponseWriter, r *http.Request) {
			if resized++; resized == 1 {
				says(500, "no process yet")(w, r)
			}
			if q := r.URL.Query(); q.Get("w") != "80" || q.Get("h") != "24" {
				t.Errorf("resized to %s", r.URL.RawQuery)
			}
		})
		e := openLimited(t, s.host, patient())
		session, err := e.Exec(t.Context(), "box", images.Process{Args: []string{"sh"}, TTY: true, Size: images.Size{Columns: 80, Rows: 24}})
		if err != nil {
			t.Fatal(err)
		}
		session.Close()
		if d := cmp.Diff(want, s.seen()); d != "" {
			t.Errorf("API %s (-want +got):\n%s", version, d)
		}
		if !strings.Contains(started, `"ConsoleSize":[24,80]`) {
			t.Errorf("API %s: started with %s", version, started)
		}
	}
}

// TestRefusedStreams keeps what the engine says where it does not hand the
// connection over: as JSON, or as the stream that it does not become.
func TestRefusedStreams(t *testing.T) {
	for _, c := range []struct {
		what   string
		answer http.HandlerFunc
		words  string
		kind   error
	}{
		{"JSON", says(404, "No such container: box"), "No such container: box", images.ErrNotFound},
		{"text", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "No such container: box", 404) }, "No such container: box", images.ErrNotFound},
		{"conflict", says(409, "container is paused"), "container is paused", images.ErrConflict},
		{"forbidden", says(403, "by plugin"), "by plugin", images.ErrDenied},
		{"no words", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "500 Internal", nil},
		{"no upgrade", gives(`{}`), "200 OK", nil},
	} {
		s := newServer(t, "1.47")
		s.on("/attach", c.answer)
		_, err := openLimited(t, s.host, patient()).Attach(t.Context(), "box", images.AttachOptions{})
		wantKind(t, c.what, err, c.kind)
		if err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %q has no %q", c.what, err, c.words)
		}
	}
}
