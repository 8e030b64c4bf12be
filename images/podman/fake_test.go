package podman

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/projectatomic/atomic/labels/run"
)

// A fake is a service that says what it is told to.
type fake struct {
	uri string

	mu       sync.Mutex
	requests []string
	queries  []string
	answers  map[string]http.HandlerFunc // by method and path without the version
	conns    []net.Conn
}

// newFake starts a service on a socket, until the test ends. Besides what is
// in answers it knows only the ping.
func newFake(t testing.TB, answers map[string]http.HandlerFunc) *fake {
	t.Helper()
	path := shortDir(t) + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{uri: "unix://" + path, answers: answers}
	server := &http.Server{Handler: f, ConnState: func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.conns = append(f.conns, c)
		}
	}}
	done := make(chan struct{})
	go func() {
		server.Serve(l)
		close(done)
	}()
	t.Cleanup(func() {
		server.Close()
		f.die()
		<-done
	})
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == base+"/_ping" || r.URL.Path == "/v4.9.5/libpod/_ping" {
		ping(w, r)
		return
	}
	what := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), base)
	f.mu.Lock()
	f.requests = append(f.requests, what)
	f.queries = append(f.queries, r.URL.RawQuery)
	answer := f.answers[what]
	f.mu.Unlock()
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	answer(w, r)
}

// die breaks all connections.
func (f *fake) die() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.Close()
	}
}

// asked are the requests so far.
func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...)
}

// query is the query of the last request.
func (f *fake) query() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.queries[len(f.queries)-1]
}

// engine opens an engine for it that is short of patience.
func (f *fake) engine(t testing.TB) *Engine {
	t.Helper()
	l := defaultLimits()
	l.answer, l.stall, l.settle = 300*time.Millisecond, 300*time.Millisecond, 200*time.Millisecond
	l.keys, l.again, l.look, l.body = 5*time.Millisecond, time.Millisecond, 5*time.Millisecond, 1<<20
	e, err := newEngine(f.uri, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// says answers with a status and a text, which is JSON or not.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

// refuses answers as libpod does.
func refuses(status int, cause, message string) http.HandlerFunc {
	text, err := json.Marshal(map[string]any{"cause": cause, "message": message, "response": status})
	if err != nil {
		panic(err)
	}
	return says(status, string(text))
}

// hangs never answers.
func hangs(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// dies sends the beginning of an answer and ends the connection.
func dies(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, text)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// upgrades makes the connection a stream and lets f play the service.
func upgrades(f func(c net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		fmt.Fprint(c, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		f(c)
	}
}

// container is what is said of a container when it is inspected.
func container(status string, exitCode int, tty bool) string {
	started := "0001-01-01T00:00:00Z"
	if status != "created" {
		started = "2026-11-21T01:55:03.637757383Z"
	}
	return fmt.Sprintf(`{"Id":"abc","Name":"c","State":{"Status":%q,"ExitCode":%d,"StartedAt":%q},"Config":{"Tty":%t,"StopTimeout":10}}`,
		status, exitCode, started, tty)
}

// inTurn answers one after the other, and then with the last again.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		mu.Unlock()
		answer(w, r)
	}
}

// runSpec is a container that goes by itself.
func runSpec() run.Spec { return run.Spec{Image: "x", Remove: true} }
