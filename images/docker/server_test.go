package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// containerID is what the server of these tests calls its container.
const containerID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// A server answers on a unix socket as a test tells it to.
type server struct {
	host    string
	version string // of the API, in the answer to a ping

	mu       sync.Mutex
	answers  map[string]http.HandlerFunc // by the end of the path
	requests []string
	closed   chan struct{}
}

// newServer starts a server that knows a ping and nothing else.
func newServer(t testing.TB, version string) *server {
	t.Helper()
	s := &server{version: version, answers: map[string]http.HandlerFunc{}, closed: make(chan struct{})}
	l := listen(t)
	s.host = "unix://" + l.Addr().String()
	h := &http.Server{Handler: s}
	go h.Serve(l)
	t.Cleanup(func() {
		close(s.closed)
		h.Close()
	})
	return s
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	// The path of a socket must be short, and the test's own directory is not.
	dir, err := os.MkdirTemp("", "dk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// on tells what to answer to paths that end so.
func (s *server) on(suffix string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[suffix] = h
}

// seen are the requests so far, without the version.
func (s *server) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v"+s.version)
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+strings.ReplaceAll(path, containerID, "ID"))
	var answer http.HandlerFunc
	longest := -1
	for suffix, h := range s.answers {
		if strings.HasSuffix(path, suffix) && len(suffix) > longest {
			answer, longest = h, len(suffix)
		}
	}
	s.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case strings.HasSuffix(path, "/_ping"):
		w.Header().Set("Api-Version", s.version)
	default:
		says(http.StatusNotFound, "page not found")(w, r)
	}
}

// gives answers with JSON.
func gives(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, text)
	}
}

// pings answers as an engine of 1.47 answers a ping.
func pings(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.47") }

// says answers with an error as the engine does.
func says(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, words)
	}
}

// hangs answers nothing until the client is gone, which it does not see before
// it has read all of the question.
func (s *server) hangs(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}

// hijacks hands the connection over, and calls f with it.
func hijacks(mediaType string, f func(net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: %s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", mediaType)
		f(conn)
	}
}

// boxed is what an inspection says of a container in a state.
func boxed(state string, running bool) http.HandlerFunc {
	return gives(fmt.Sprintf(`{"Id":%q,"Name":"/box","Path":"sh","Args":["-c"],"Image":"sha256:1","State":{"Status":%q,"Running":%v,"ExitCode":3},`+
		`"Config":{"Image":"image","StdinOnce":true},"HostConfig":{"RestartPolicy":{"Name":"no"}}}`, containerID, state, running))
}

// A step is well within the deadlines of quick, late is beyond them.
const (
	step = 150 * time.Millisecond
	late = 6 * step
)

// quick are deadlines for tests that wait for them.
func quick() limits {
	l := brief()
	l.answer, l.stall = 4*step, 4*step
	return l
}

// brief are those of New, but for the time to find out how a stream ended.
func brief() limits {
	l := patient()
	l.settle, l.tidy = step, step/3
	return l
}

// patient are those of New.
func patient() limits {
	return limits{answer: 30 * time.Second, stall: 30 * time.Second, settle: 5 * time.Second, tidy: time.Second, body: 1 << 20}
}

func openLimited(t testing.TB, host string, l limits) *Engine {
	t.Helper()
	e, err := newEngine(host, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// An op is a call of an Engine.
type op struct {
	name string
	call func(ctx context.Context, e *Engine) error
}

// ops are all calls that ask the engine something.
func ops() []op {
	second := time.Second
	none := strings.NewReader
	return []op{
		{"Info", func(ctx context.Context, e *Engine) error { _, err := e.Info(ctx); return err }},
		{"Image", func(ctx context.Context, e *Engine) error { _, err := e.Image(ctx, "x"); return err }},
		{"Images", func(ctx context.Context, e *Engine) error { _, err := e.Images(ctx); return err }},
		{"Pull", func(ctx context.Context, e *Engine) error {
			_, err := e.Pull(ctx, "x", images.PullOptions{})
			return err
		}},
		{"Tag", func(ctx context.Context, e *Engine) error { return e.Tag(ctx, "x", "y") }},
		{"RemoveImage", func(ctx context.Context, e *Engine) error { return e.RemoveImage(ctx, "x", false) }},
		{"Save", func(ctx context.Context, e *Engine) error { return e.Save(ctx, []string{"x"}, io.Discard) }},
		{"Load", func(ctx context.Context, e *Engine) error { _, err := e.Load(ctx, none("tar")); return err }},
		{"Container", func(ctx context.Context, e *Engine) error { _, err := e.Container(ctx, "box"); return err }},
		{"Containers", func(ctx context.Context, e *Engine) error { _, err := e.Containers(ctx); return err }},
		{"Create", func(ctx context.Context, e *Engine) error {
			_, _, err := e.Create(ctx, run.Spec{Image: "x"})
			return err
		}},
		{"Rename", func(ctx context.Context, e *Engine) error { return e.Rename(ctx, "box", "y") }},
		{"Remove", func(ctx context.Context, e *Engine) error { return e.Remove(ctx, "box", false) }},
		{"Start", func(ctx context.Context, e *Engine) error { return e.Start(ctx, "box") }},
		{"Stop", func(ctx context.Context, e *Engine) error { return e.Stop(ctx, "box", &second) }},
		{"Stop in its own time", func(ctx context.Context, e *Engine) error { return e.Stop(ctx, "box", nil) }},
		{"Kill", func(ctx context.Context, e *Engine) error { return e.Kill(ctx, "box", syscall.SIGTERM) }},
		{"Wait", func(ctx context.Context, e *Engine) error { _, err := e.Wait(ctx, "box"); return err }},
		{"Attach", func(ctx context.Context, e *Engine) error {
			_, err := e.Attach(ctx, "box", images.AttachOptions{})
			return err
		}},
		{"Exec", func(ctx context.Context, e *Engine) error {
			_, err := e.Exec(ctx, "box", images.Process{Args: []string{"true"}})
			return err
		}},
		{"Logs", func(ctx context.Context, e *Engine) error {
			return e.Logs(ctx, "box", images.LogOptions{}, io.Discard, io.Discard)
		}},
		{"Events", func(ctx context.Context, e *Engine) error { return e.Events(ctx, func() {}, func(images.Event) {}) }},
	}
}

// TestRoundTrips counts what each call asks. A run asks no more than docker's
// own command does.
func TestRoundTrips(t *testing.T) {
	want := map[string][]string{
		"Info":                 {"GET /info"},
		"Image":                {"GET /images/x/json"},
		"Images":               {"GET /images/json"},
		"Pull":                 {"GET /images/x/json", "POST /images/create", "GET /images/x/json"},
		"Tag":                  {"POST /images/x/tag"},
		"RemoveImage":          {"DELETE /images/x"},
		"Save":                 {"GET /images/get"},
		"Load":                 {"POST /images/load"},
		"Container":            {"GET /containers/box/json"},
		"Containers":           {"GET /containers/json"},
		"Create":               {"POST /containers/create"},
		"Rename":               {"POST /containers/box/rename"},
		"Remove":               {"DELETE /containers/box"},
		"Start":                {"POST /containers/box/start"},
		"Stop":                 {"POST /containers/box/stop", "GET /containers/box/json"},
		"Stop in its own time": {"GET /containers/box/json", "POST /containers/box/stop", "GET /containers/box/json"},
		"Kill":                 {"POST /containers/box/kill"},
		"Wait":                 {"GET /containers/box/json", "POST /containers/box/wait"},
		"Attach":               {"POST /containers/box/attach"},
		"Exec":                 {"POST /containers/box/exec", "POST /exec/e/start"},
		"Logs":                 {"GET /containers/box/json", "GET /containers/box/logs"},
		"Events":               {"GET /events"},
	}
	for _, o := range ops() {
		s := newServer(t, "1.47")
		s.sound()
		e := openLimited(t, s.host, patient())
		if err := o.call(t.Context(), e); err != nil && o.name != "Events" {
			t.Errorf("%s: %v", o.name, err)
		}
		if d := cmp.Diff(append([]string{"HEAD /_ping"}, want[o.name]...), s.seen()); d != "" {
			t.Errorf("%s (-want +got):\n%s", o.name, d)
		}
	}
}

// sound answers everything as a sound engine does.
func (s *server) sound() {
	for suffix, h := range map[string]http.HandlerFunc{
		"/info":                      gives(`{"ServerVersion":"99"}`),
		"/images/x/json":             gives(`{"Id":"sha256:1"}`),
		"/images/json":               gives(`[{"Id":"sha256:1"}]`),
		"/images/create":             gives(`{"status":"Status: Image is up to date"}`),
		"/tag":                       gives(``),
		"/images/x":                  gives(`[]`),
		"/images/get":                gives(strings.Repeat("\x00", tarEnd)),
		"/images/load":               gives(`{"stream":"Loaded image: x\n"}`),
		"/containers/json":           gives(`[]`),
		"/containers/create":         gives(`{"Id":"` + containerID + `","Warnings":["beware"]}`),
		"/rename":                    gives(``),
		"/containers/box":            gives(``),
		"/containers/box/json":       boxed("exited", false),
		containerID + "/json":        boxed("exited", false),
		"/containers/" + containerID: gives(``),
		"/stop":                      gives(``),
		"/kill":                      gives(``),
		"/attach":                    hijacks("application/vnd.docker.multiplexed-stream", func(c net.Conn) {}),
		"/exec":                      gives(`{"Id":"e"}`),
		"/exec/e/start":              hijacks("application/vnd.docker.multiplexed-stream", func(c net.Conn) { io.WriteString(c, frame(1, "out")) }),
		"/exec/e/json":               gives(`{"ID":"e","Running":false,"ExitCode":5,"Pid":7}`),
		"/logs":                      gives(frame(1, "line\n")),
		"/events":                    gives(``),
		"/start":                     gives(``),
		"/wait":                      gives(`{"StatusCode":3}`),
	} {
		s.on(suffix, h)
	}
}

// TestRunRoundTrips follows "run --rm" from the first question to the last,
// with engines that tell of the terminal and those that do not.
func TestRunRoundTrips(t *testing.T) {
	for _, version := range []string{"1.41", "1.47"} {
		s := newServer(t, version)
		s.sound()
		started := make(chan struct{})
		s.on("/wait", func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("condition"); got != "removed" {
				t.Errorf("waits until it is %s", got)
			}
			w.(http.Flusher).Flush()
			<-started
			io.WriteString(w, `{"StatusCode":3}`)
		})
		s.on("/attach", hijacks("application/vnd.docker.raw-stream", func(c net.Conn) {
			if version != "1.41" {
				return
			}
			<-started
			io.WriteString(c, frame(1, "out"))
		}))
		s.on("/start", func(http.ResponseWriter, *http.Request) { close(started) })
		e := openLimited(t, s.host, patient())
		code, _ := runOnce(t, e, run.Spec{Image: "x", Remove: true, TTY: version != "1.41"}, images.Streams{})
		if code != 3 {
			t.Errorf("exit status %d", code)
		}
		want := []string{
			"HEAD /_ping", "POST /containers/create", "POST /containers/ID/attach", "POST /containers/ID/wait", "POST /containers/ID/start",
		}
		if d := cmp.Diff(want, s.seen()); d != "" {
			t.Errorf("API %s (-want +got):\n%s", version, d)
		}
	}
}

// runOnce runs a container as the command line does.
func runOnce(t testing.TB, e *Engine, spec run.Spec, streams images.Streams) (int, error) {
	t.Helper()
	ctx := t.Context()
	id, _, err := e.Create(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	s, err := e.Attach(ctx, id, images.AttachOptions{Stdin: spec.Stdin})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	exits, err := e.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	err = s.Pipe(ctx, streams)
	exit := <-exits
	if exit.Err != nil {
		t.Errorf("the end: %v", exit.Err)
	}
	return exit.Code, err
}

// settleGoroutines waits until no more run than before.
func settleGoroutines(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}
