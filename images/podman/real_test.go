package podman

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/real"
)

// open opens the engine at url until the test ends.
func open(t testing.TB, url string) *Engine {
	t.Helper()
	e, err := New(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestEngine(t *testing.T) {
	url := real.Podman(t)
	enginetest.Run(t, func(t *testing.T) images.Engine { return open(t, url) })
}

func TestBrokenEngine(t *testing.T) {
	url := real.Podman(t)
	enginetest.RunBroken(t, func(t *testing.T) (images.Engine, images.Engine, enginetest.Line) {
		line := enginetest.NewWire(t, url)
		return open(t, url), open(t, line.URL), line
	})
}

// A name without a registry is found under localhost and under docker.io.
func TestShortNames(t *testing.T) {
	e := open(t, real.Podman(t))
	image := loadImage(t, e)
	want, err := e.Image(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	for full, short := range map[string]string{
		"docker.io/pt7/tools:latest":      "pt7/tools",
		"docker.io/library/pt7alone:v1":   "pt7alone:v1",
		"localhost/pt7/other:latest":      "pt7/other",
		"registry.example.com/pt7/reg:v2": "registry.example.com/pt7/reg:v2",
	} {
		if err := e.Tag(t.Context(), image, full); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.RemoveImage(context.WithoutCancel(t.Context()), full, false) })
		if got, err := e.Image(t.Context(), short); err != nil || got.ID != want.ID {
			t.Errorf("%s, looked for as %s: got %s, %v", full, short, got.ID, err)
		}
		id, _, err := e.Create(t.Context(), run.Spec{Image: short, Args: []string{"true"}})
		if err != nil {
			t.Errorf("%s, run as %s: %v", full, short, err)
			continue
		}
		e.remove(t, id)
	}
}

// Directories that docker would make for -v are made; those of --mount are not.
func TestMissingDirectories(t *testing.T) {
	e := open(t, real.Podman(t))
	image := loadImage(t, e)
	dir := t.TempDir()
	mount := func(name string, must bool) []run.Mount {
		return []run.Mount{{Type: run.Bind, Source: filepath.Join(dir, name), Target: "/data", MustExist: must}}
	}
	id, _, err := e.Create(t.Context(), run.Spec{Image: image, Args: []string{"true"}, Mounts: mount("deep/down", false)})
	if err != nil {
		t.Fatal(err)
	}
	e.remove(t, id)
	if info, err := os.Stat(filepath.Join(dir, "deep/down")); err != nil || !info.IsDir() || info.Mode().Perm() != 0o755 {
		t.Errorf("the directory: %v, %v", info, err)
	}
	spec := run.Spec{Image: image, Args: []string{"true"}, Mounts: mount("strict", true)}
	if _, _, err := e.Create(t.Context(), spec); err == nil {
		t.Error("a mount of what must exist was made without it")
	}
	spec.Image, spec.Mounts = "pt7-no-such-image", mount("in-vain", false)
	if _, _, err := e.Create(t.Context(), spec); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("without the image: %v", err)
	}
	// What was made for a container that cannot be is taken away again.
	spec = run.Spec{Image: image, Name: "-bad-", Args: []string{"true"}, Mounts: mount("up/and/away", false)}
	if _, _, err := e.Create(t.Context(), spec); err == nil {
		t.Error("a container with a bad name was made")
	}
	for _, name := range []string{"strict", "in-vain", "up"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made", name)
		}
	}
}

// No exit status is lost, with a session to see the end or without, when the
// containers go by themselves and the machine is busy.
func TestRemovedContainersTell(t *testing.T) {
	e := open(t, real.Podman(t))
	image := loadImage(t, e)
	const workers, each = 5, 10
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				code := (w*each + i) % 125
				spec := run.Spec{
					Image: image, Args: []string{"sh", "-c", "exit $CODE"}, Remove: true,
					Env:      []run.EnvVar{{Name: "CODE", Value: strconv.Itoa(code)}},
					Networks: []run.Network{{Name: "host"}},
				}
				got, err := e.runWithoutSession(t.Context(), spec)
				if err != nil || got != code {
					t.Errorf("exit status %d: got %d, %v", code, got, err)
				}
			}
		})
	}
	all.Wait()
}

// runWithoutSession runs a container that is attached to by nobody.
func (e *Engine) runWithoutSession(ctx context.Context, spec run.Spec) (int, error) {
	id, _, err := e.Create(ctx, spec)
	if err != nil {
		return 0, err
	}
	exits, err := e.Wait(ctx, id)
	if err != nil {
		return 0, err
	}
	if err := e.Start(ctx, id); err != nil {
		return 0, err
	}
	exit := <-exits
	return exit.Code, exit.Err
}

// A container that somebody else starts and that goes at once still tells.
func TestStartedByOthers(t *testing.T) {
	url := real.Podman(t)
	e, other := open(t, url), open(t, url)
	spec := run.Spec{Image: loadImage(t, e), Args: []string{"sh", "-c", "exit 7"}, Remove: true, Networks: []run.Network{{Name: "host"}}}
	id, _, err := e.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	exits, err := e.Wait(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if exit := <-exits; exit.Err != nil || exit.Code != 7 {
		t.Errorf("got %+v, want exit status 7", exit)
	}
}
