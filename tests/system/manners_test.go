package system_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/system/built"
)

// untilTold runs until it gets a signal, and has an exit status for each.
const untilTold = `trap "echo got TERM; exit 42" TERM; trap "echo got INT; exit 43" INT; trap "exit 44" USR1
	echo ready; while :; do sleep 0.05; done`

func shell(script string) []string { return []string{"sh", "-c", script} }

// As in the %post of a kickstart: no terminal, no session of a user, and
// standard input is not even open.
func TestWithoutStandardInput(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "system/kickstart"
		w.Load(image, enginetest.ImageOptions{
			Labels: map[string]string{"RUN": "docker run -it --rm --net=none --name NAME IMAGE"},
			Cmd:    shell(`test -t 0 || echo no terminal; cat; exit 9`),
		})
		cmd := w.Command("run", image)
		cmd.Args = append([]string{"sh", "-c", `exec "$0" "$@" <&-`}, cmd.Args...)
		cmd.Path = "/bin/sh"
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if r := w.Finish(cmd); r.Status != 9 || r.Stdout != "no terminal\n" {
			t.Errorf("status %d, want 9; printed %q\n%s", r.Status, r.Stdout, r.Stderr)
		}
	})
}

func TestSignalsReachTheProgram(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "system/signals"
		w.Load(image, enginetest.ImageOptions{
			Labels: map[string]string{"RUN": "docker run --rm --net=none --name NAME IMAGE"}, Cmd: shell(untilTold),
		})
		for _, tt := range []struct {
			signal syscall.Signal
			status int
			prints string
		}{
			{syscall.SIGTERM, 42, "ready\ngot TERM\n"},
			{syscall.SIGINT, 43, "ready\ngot INT\n"},
			{syscall.SIGUSR1, 44, "ready\n"},
		} {
			s := start(t, w, "run", image)
			s.prints("ready")
			s.signal(tt.signal)
			s.ends(tt.status)
			if got := s.stdout.String(); got != tt.prints {
				t.Errorf("%v: the program printed %q, want %q", tt.signal, got, tt.prints)
			}
		}
	})
}

// The engine removes the container also when nobody is left to ask for it.
func TestKilledDuringEphemeralRun(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image, name = "system/killed", "killed"
		w.Load(image, enginetest.ImageOptions{
			Labels: map[string]string{"RUN": "docker run --net=none --name NAME IMAGE"}, Cmd: shell(untilTold),
		})
		s := start(t, w, "run", "--ephemeral", image)
		s.prints("ready")
		s.signal(syscall.SIGKILL)
		s.ends(-1)
		if !w.Running(name) {
			t.Fatal("the container does not run any more")
		}
		if err := w.Engine.Kill(t.Context(), name, syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		w.Eventually("the end of the container", func() bool { return w.Gone(name) })
	})
}

// An interrupted pull leaves a host on which the same command works.
func TestInterruptedPull(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		registry := enginetest.NewRegistry(t)
		image := registry.Host + "/system/interrupted"
		// A layer that no engine has already.
		registry.Push(t, "system/interrupted", enginetest.ImageOptions{
			Labels: map[string]string{"INSTALL": "docker run --rm --net=none --name NAME IMAGE true"},
			Layers: []map[string]string{{"/of-registry": registry.Host}},
		})
		w.Own("interrupted")
		asked, stop := withholdLayers(registry)
		s := start(t, w, "install", image)
		w.Eventually("the engine to ask for a layer", asked)
		s.signal(syscall.SIGINT)
		s.ends(128 + int(syscall.SIGINT))
		stop()

		if _, err := w.Engine.Image(t.Context(), image); !errors.Is(err, images.ErrNotFound) {
			t.Errorf("the image is there: %v", err)
		}
		if !w.Gone("interrupted") {
			t.Error("a container is left")
		}
		w.Must("install", image)
		t.Cleanup(func() { w.Run("--ignore", "uninstall", image) })
		if found := w.Installed(image); len(found) != 1 {
			t.Errorf("the records are %+v", found)
		}
	})
}

// withholdLayers makes a registry wait before it gives any layer, until stop is
// called. asked tells whether one was asked for.
func withholdLayers(registry *enginetest.Registry) (asked func() bool, stop func()) {
	var waiting atomic.Bool
	release := make(chan struct{})
	registry.Break(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
			waiting.Store(true)
			select {
			case <-release:
			case <-req.Context().Done():
			}
		}
		return false
	})
	return waiting.Load, func() {
		registry.Break(nil)
		close(release)
	}
}

func TestInterruptedInstall(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image, name = "system/half", "half"
		w.Load(image, enginetest.ImageOptions{
			Labels: map[string]string{"INSTALL": "docker run --rm --net=none --name NAME IMAGE"}, Cmd: shell(untilTold),
		})
		s := start(t, w, "install", image)
		s.prints("ready")
		s.signal(syscall.SIGINT)
		s.ends(43)
		if found := w.Installed(image); len(found) != 0 {
			t.Errorf("it is recorded: %+v", found)
		}
		if !w.Gone(name) {
			t.Error("the container is left")
		}
	})
}

func TestTwoInstallsAtOnce(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "system/twice"
		w.Load(image, enginetest.ImageOptions{
			Labels: map[string]string{"INSTALL": "docker run --rm --net=none -v ${PWD}:/host IMAGE"},
			// Each goes on when the other is there.
			Cmd: shell(`echo here >> /host/installs; until [ "$(wc -l < /host/installs)" = 2 ]; do sleep 0.05; done`),
		})
		one, other := start(t, w, "install", image), start(t, w, "install", image)
		one.ends(0)
		other.ends(0)
		if found := w.Installed(image); len(found) != 1 {
			t.Errorf("the records are %+v, want one", found)
		}
	})
}
