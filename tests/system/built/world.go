package built

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/docker"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/installed"
	"github.com/projectatomic/atomic/images/podman"
	"github.com/projectatomic/atomic/tests/real"
)

// limit is how long anything may take that a test waits for. A machine that
// does other work takes many times what an idle one does.
const limit = time.Minute

// A World is what the command sees: an engine, an environment and a home of
// its own. Env may be changed before a command is made.
type World struct {
	Kind   images.Kind
	Engine images.Engine // the way to look at what the command did
	Env    []string
	Dir    string // its home; also that of its files

	t testing.TB
}

// Each runs f as a sub-test for each kind of engine, one after the other.
func Each(t *testing.T, f func(t *testing.T, w *World)) {
	t.Helper()
	for _, kind := range []images.Kind{images.Docker, images.Podman} {
		t.Run(string(kind), func(t *testing.T) { f(t, New(t, kind)) })
	}
}

// New makes a world with a real engine of the kind.
func New(t testing.TB, kind images.Kind) *World {
	t.Helper()
	w := &World{Kind: kind, Dir: t.TempDir(), t: t}
	w.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.Dir, "LANG=C", "TERM=xterm",
		"ATOMIC_CONF=" + filepath.Join(w.Dir, "atomic.conf"),
		"ATOMIC_INSTALL_JSON=" + filepath.Join(w.Dir, "install.json"),
	}
	var err error
	if kind == images.Docker {
		url := real.Docker(t)
		w.Env = append(w.Env, "DOCKER_HOST="+url)
		w.Engine, err = docker.New(url)
	} else {
		url := real.Podman(t)
		w.Env = append(w.Env, "CONTAINER_HOST="+url)
		w.Engine, err = podman.New(url)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Engine.Close() })
	return w
}

// Program is the path of the command.
func Program(t testing.TB) string {
	t.Helper()
	program := os.Getenv(variable)
	if program == "" {
		t.Fatal("the tests of this package need built.Main as their TestMain")
	}
	return program
}

// Command is a command line that has not been started. It is killed when the
// test takes too long.
func (w *World) Command(args ...string) *exec.Cmd {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	w.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, Program(w.t), args...)
	cmd.Env = w.Env
	cmd.Dir = w.Dir
	return cmd
}

// A Result is how a command line ended.
type Result struct {
	Stdout string
	Stderr string
	Status int // -1 after a signal
}

// Run runs a command line with nothing on its standard input.
func (w *World) Run(args ...string) Result {
	w.t.Helper()
	return w.Finish(w.Command(args...))
}

// Finish runs a command to its end. Streams that are connected already are
// left out of the result.
func (w *World) Finish(cmd *exec.Cmd) Result {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &stderr
	}
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		w.t.Fatalf("%q: %v", cmd.Args, err)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Must is Run for what has to work.
func (w *World) Must(args ...string) Result {
	w.t.Helper()
	return w.MustFinish(w.Command(args...))
}

// MustFinish is Finish for what has to work.
func (w *World) MustFinish(cmd *exec.Cmd) Result {
	w.t.Helper()
	r := w.Finish(cmd)
	if r.Status != 0 {
		w.t.Fatalf("%q: status %d\n--- stdout\n%s--- stderr\n%s", cmd.Args, r.Status, r.Stdout, r.Stderr)
	}
	return r
}

// Need fails the test when the engine has not the image that was made for it.
func (w *World) Need(image string) {
	w.t.Helper()
	if _, err := w.Engine.Image(w.t.Context(), image); err != nil {
		w.t.Fatalf("%v: start the engines with go run ./tests/bed exec --with-images", err)
	}
}

// Load gives the engine a busybox image for the time of the test. The name of
// its container, which is the last part of its own, must be free, and is again
// afterwards.
func (w *World) Load(name string, o enginetest.ImageOptions) {
	w.t.Helper()
	archive, err := enginetest.Archive(name, o)
	if err == nil {
		_, err = w.Engine.Load(w.t.Context(), bytes.NewReader(archive))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.Engine.RemoveImage(context.Background(), name, true); err != nil && !errors.Is(err, images.ErrNotFound) {
			w.t.Errorf("cleaning up: %v", err)
		}
	})
	w.Own(name[strings.LastIndexByte(name, '/')+1:])
}

// Own removes the container of that name at the end of the test, and now, in
// case that an earlier test was killed.
func (w *World) Own(container string) {
	w.t.Helper()
	remove := func() {
		if err := w.Engine.Remove(context.Background(), container, true); err != nil && !errors.Is(err, images.ErrNotFound) {
			w.t.Errorf("cleaning up: %v", err)
		}
	}
	remove()
	w.t.Cleanup(remove)
}

// Container is the container of that name, which must be there.
func (w *World) Container(name string) images.Container {
	w.t.Helper()
	c, err := w.Engine.Container(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// Gone tells whether there is no container of that name.
func (w *World) Gone(name string) bool {
	_, err := w.Engine.Container(w.t.Context(), name)
	return errors.Is(err, images.ErrNotFound)
}

// Running tells whether the container of that name runs.
func (w *World) Running(name string) bool {
	c, err := w.Engine.Container(w.t.Context(), name)
	return err == nil && c.State == images.Running
}

// Installed are the install records of the image.
func (w *World) Installed(image string) []installed.Found {
	w.t.Helper()
	img, err := w.Engine.Image(w.t.Context(), image)
	if err != nil {
		w.t.Fatal(err)
	}
	found, err := installed.Open(filepath.Join(w.Dir, "install.json")).Match(img, image)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

// Eventually waits until a condition holds, and fails the test when it does
// not come to that.
func (w *World) Eventually(what string, condition func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}
