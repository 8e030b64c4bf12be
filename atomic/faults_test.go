package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
)

// engineMethods are the calls that a command may make.
var engineMethods = []string{
	"Image", "Container", "Containers", "Create", "Rename", "Remove", "Start", "Stop", "Wait", "Attach", "Exec", "Pipe",
}

// A scene is a command and what must hold before and after it.
type scene struct {
	name   string
	before func(te *testEnv)
	args   []string
}

var faultScenes = []scene{
	{"run creates", func(te *testEnv) {
		te.addImage(time.Now(), map[string]string{"RUN": "docker run --name NAME IMAGE echo hi"}, "web:latest")
	}, []string{"run", "web"}},
	{"run detached", func(te *testEnv) {
		te.addImage(time.Now(), map[string]string{"RUN": "docker run -d --name NAME IMAGE sleep 1000"}, "web:latest")
	}, []string{"run", "web"}},
	{"run replaces", func(te *testEnv) {
		te.addImage(time.Now(), map[string]string{"RUN": "docker run --name NAME IMAGE echo hi"}, "web:latest")
		te.addStoppable("web")
	}, []string{"run", "--replace", "web"}},
	{"run enters", func(te *testEnv) {
		te.addImage(time.Now(), nil, "web:latest")
		te.addContainer("web", "web", true)
	}, []string{"run", "web", "echo", "hi"}},
	{"install", func(te *testEnv) {
		te.addImage(time.Now(), map[string]string{"INSTALL": "docker run --rm --name setup IMAGE true"}, "web:latest")
	}, []string{"install", "web"}},
	{"uninstall", func(te *testEnv) {
		te.addImage(time.Now(), map[string]string{"UNINSTALL": "docker run --rm IMAGE true"}, "web:latest")
		te.addStoppable("web")
	}, []string{"uninstall", "--name", "web", "web"}},
}

// addStoppable makes a running container that needs no grace to stop.
func (te *testEnv) addStoppable(name string) {
	te.t.Helper()
	now := 0
	id, _, err := te.engine.Create(te.t.Context(), run.Spec{Name: name, Image: name, Args: []string{"sleep", "1000"}, StopTimeout: &now})
	if err == nil {
		err = te.engine.Start(te.t.Context(), id)
	}
	if err != nil {
		te.t.Fatal(err)
	}
}

// Whatever call fails, the command says so with a status, keeps what was there
// until the new is made, leaves no container that never ran, and can be run
// again with success.
func TestEveryCallMayFail(t *testing.T) {
	for _, s := range faultScenes {
		for _, method := range engineMethods {
			for n := 1; n <= 2; n++ {
				t.Run(fmt.Sprintf("%s/%s %d", s.name, method, n), func(t *testing.T) { s.fail(t, method, n) })
			}
		}
	}
}

func (s scene) fail(t *testing.T, method string, n int) {
	te := newTestEnv(t)
	s.before(te)
	client := te.engine.Client()
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return client, nil }
	boom := fmt.Errorf("the %s call: %w", method, images.ErrConflict)
	client.Fail(method, n, boom)
	_, stderr, status := te.run(s.args...)
	if status == 0 && strings.Contains(stderr, boom.Error()) {
		t.Errorf("status 0 with %q", stderr)
	}
	if left := te.engine.String(); strings.Contains(left, "created") {
		t.Errorf("a container is left that never ran:\n%s", left)
	}
	if _, err := os.Stat(te.environ["ATOMIC_INSTALL_JSON"]); status != 0 && s.name == "install" && err == nil {
		t.Error("a failed install is recorded")
	}
	if status != 0 && s.name == "run replaces" {
		s.stillThere(te)
	}
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return te.engine, nil }
	if _, stderr, status := te.run(s.args...); status != 0 {
		t.Errorf("run again: status %d\n%s\n%s", status, stderr, te.engine)
	}
}

// stillThere demands that one of the two containers bears the name.
func (s scene) stillThere(te *testEnv) {
	te.t.Helper()
	if _, err := te.engine.Container(te.t.Context(), "web"); err != nil {
		te.t.Errorf("no container web is left: %v\n%s", err, te.engine)
	}
}

// An engine that dies in the middle gives status 6, promptly.
func TestEngineDies(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(time.Now(), map[string]string{"RUN": "docker run --name NAME IMAGE sleep 1000"}, "web:latest")
	client := te.engine.Client()
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return client, nil }
	whenRunning(t, te.engine, "web", client.Die)
	_, stderr, status := te.run("run", "web")
	if status != exitUnreachable {
		t.Errorf("status %d, want %d\n%s", status, exitUnreachable, stderr)
	}
	if err := te.engine.Remove(t.Context(), "web", true); err != nil {
		t.Error(err)
	}
}

// whenRunning calls f once the container runs.
func whenRunning(t *testing.T, engine *fake.Engine, name string, f func()) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	watching := make(chan struct{})
	go func() {
		defer close(done)
		err := engine.Client().Events(ctx, func() { close(watching) }, func(event images.Event) {
			if event.Action == "start" && event.Name == name {
				f()
				cancel()
			}
		})
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	<-watching
}

// onWrite calls f once, when something is first written.
type onWrite struct {
	once sync.Once
	f    func()
}

func (w *onWrite) Write(p []byte) (int, error) {
	w.once.Do(w.f)
	return len(p), nil
}

// A signal to atomic reaches the container in the foreground.
func TestSignalsAreForwarded(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(time.Now(), map[string]string{"RUN": "docker run --name NAME IMAGE"}, "web:latest")
	var errs strings.Builder
	e := te.env(nil, nil, &errs)
	e.stdout = &onWrite{f: func() { e.signals.caught <- syscall.SIGTERM }}
	// The first process of a container ignores SIGTERM unless it has a handler.
	status := e.main(t.Context(), []string{"atomic", "run", "web", "sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done"})
	if status != 7 {
		t.Errorf("status %d, want the trap's 7\n%s", status, errs.String())
	}
}

// Without a container in the foreground a signal ends the command.
func TestSignalEndsTheCommand(t *testing.T) {
	te := newTestEnv(t)
	client := te.engine.Client()
	client.Hang("Container")
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return client, nil }
	var out, errs strings.Builder
	e := te.env(nil, &out, &errs)
	e.signals.caught <- syscall.SIGTERM
	if status := e.main(t.Context(), []string{"atomic", "run", "web"}); status != 128+15 {
		t.Errorf("status %d, want 143\n%s", status, errs.String())
	}
}

// An engine that does not answer gives status 6 and says where to look.
func TestEngineHangs(t *testing.T) {
	te := newTestEnv(t, fake.WithDeadline(20*time.Millisecond))
	client := te.engine.Client()
	client.Stall()
	te.open = func(context.Context, images.Choice) (images.Engine, error) { return client, nil }
	_, stderr, status := te.run("run", "web")
	if status != exitUnreachable || !strings.Contains(stderr, "journalctl") {
		t.Errorf("status %d, want %d\n%s", status, exitUnreachable, stderr)
	}
}

// A replacement that was killed between its steps is taken back by the next run.
func TestInterruptedReplacement(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(time.Now(), map[string]string{"RUN": "docker run --name NAME IMAGE"}, "web:latest")
	te.addContainer("web.old", "web", true)
	te.addContainer("web.new", "web", false)
	if out, _, status := te.run("run", "--display", "web"); status != 0 || out != "docker run --name web web\n" {
		t.Errorf("display: status %d, %q", status, out)
	}
	stdout, stderr, status := te.run("run", "web", "echo", "entered")
	if status != 0 || stdout != "entered\n" || !strings.Contains(stderr, "the old one is back") {
		t.Errorf("status %d, %q, %q", status, stdout, stderr)
	}
	if _, err := te.engine.Container(t.Context(), "web"); err != nil {
		t.Error(err)
	}
	if err := te.engine.Stop(t.Context(), "web", new(time.Duration)); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := te.run("run", "--replace", "web", "true"); status != 0 {
		t.Errorf("replacing: status %d\n%s", status, stderr)
	}
	if left := te.engine.String(); strings.Count(left, "\ncontainer ") != 1 {
		t.Errorf("more than the new container is left:\n%s", left)
	}
}

// Proxies of the configuration reach the programs that atomic starts, unless
// the caller has some.
func TestProxies(t *testing.T) {
	te := newTestEnv(t)
	te.addImage(time.Now(), map[string]string{"RUN": "env"}, "web:latest")
	te.environ["HTTPS_PROXY"] = "http://caller"
	conf := "http_proxy: http://proxy:3128\nhttps_proxy: http://other\n"
	if err := os.WriteFile(te.environ["ATOMIC_CONF"], []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout := te.mustRun("run", "--accept-risk", "host-command", "web")
	for _, want := range []string{"HTTP_PROXY=http://proxy:3128\n", "HTTPS_PROXY=http://caller\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q lacks %q", stdout, want)
		}
	}
	if strings.Contains(stdout, "NO_PROXY") {
		t.Errorf("%q has a proxy that nobody set", stdout)
	}
}
