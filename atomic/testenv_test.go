package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
)

// A testEnv is a world for command lines: strings for streams, a map for the
// environment, an empty directory and an engine in memory. Change what a test
// needs changed before it runs.
type testEnv struct {
	t       testing.TB
	engine  *fake.Engine
	environ map[string]string
	dir     string    // of HOME, the working directory and all files
	stdin   io.Reader // nil: it has ended
	uid     int
	now     func() time.Time
	open    func(context.Context, images.Choice) (images.Engine, error)
}

func newTestEnv(t testing.TB, opts ...fake.Option) *testEnv {
	t.Helper()
	dir := t.TempDir()
	te := &testEnv{t: t, engine: fake.New(opts...), dir: dir, now: time.Now}
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return te.engine, nil }
	te.environ = map[string]string{
		"HOME": dir, "PWD": dir, "XDG_RUNTIME_DIR": filepath.Join(dir, "run"), "TERM": "xterm",
		"ATOMIC_CONF":         filepath.Join(dir, "atomic.conf"),
		"ATOMIC_INSTALL_JSON": filepath.Join(dir, "install.json"),
	}
	info, err := te.engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A variable that names the engine is believed without a question.
	if info.Kind == images.Podman {
		te.environ["CONTAINER_HOST"] = "unix:///fake.sock"
	} else {
		te.environ["DOCKER_HOST"] = "unix:///fake.sock"
	}
	return te
}

// env is the world with the streams given.
func (te *testEnv) env(stdin io.Reader, stdout, stderr io.Writer) *env {
	if stdin == nil {
		stdin = strings.NewReader("")
	}
	environ := maps.Clone(te.environ)
	return &env{
		stdin: stdin, stdout: stdout, stderr: stderr, uid: te.uid, now: te.now, open: te.open, signals: newSignals(),
		getenv: func(name string) string { return environ[name] },
		environ: func() (list []string) {
			for name, value := range environ {
				list = append(list, name+"="+value)
			}
			return list
		},
		setenv: func(name, value string) error { environ[name] = value; return nil },
		getwd:  func() (string, error) { return te.dir, nil },
	}
}

// run runs one command line, without the word atomic.
func (te *testEnv) run(args ...string) (stdout, stderr string, status int) {
	te.t.Helper()
	var out, err bytes.Buffer
	status = te.env(te.stdin, &out, &err).main(te.t.Context(), append([]string{"atomic"}, args...))
	return out.String(), err.String(), status
}

// mustRun is run for what has to work; it returns what is printed on standard
// output.
func (te *testEnv) mustRun(args ...string) string {
	te.t.Helper()
	stdout, stderr, status := te.run(args...)
	if status != 0 {
		te.t.Fatalf("atomic %s: status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// A call is a command line and what is to come of it.
type call struct {
	args   string // without spaces in them
	stdout string
	stderr string
	status int
}

func (te *testEnv) check(c call) {
	te.t.Helper()
	stdout, stderr, status := te.run(strings.Fields(c.args)...)
	if stdout != c.stdout || stderr != c.stderr || status != c.status {
		te.t.Errorf("atomic %s:\nstatus %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s",
			c.args, status, c.status, stdout, c.stdout, stderr, c.stderr)
	}
}

// addImage adds an image; the labels make its ID.
func (te *testEnv) addImage(created time.Time, labels map[string]string, names ...string) images.Image {
	te.t.Helper()
	id := te.engine.AddImage(images.Image{Names: names, Labels: labels, Created: created})
	img, err := te.engine.Image(te.t.Context(), id)
	if err != nil {
		te.t.Fatal(err)
	}
	return img
}

// addContainer makes a container that would sleep, and starts it if it is to
// run.
func (te *testEnv) addContainer(name, image string, running bool) images.Container {
	te.t.Helper()
	ctx := te.t.Context()
	id, _, err := te.engine.Create(ctx, run.Spec{Name: name, Image: image, Args: []string{"sleep", "1000"}})
	if err == nil && running {
		err = te.engine.Start(ctx, id)
	}
	if err != nil {
		te.t.Fatal(err)
	}
	if running {
		te.t.Cleanup(func() { te.engine.Client().Remove(context.Background(), id, true) })
	}
	c, err := te.engine.Container(ctx, id)
	if err != nil {
		te.t.Fatal(err)
	}
	return c
}

// syncBuffer is a buffer that a test reads while somebody writes.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
