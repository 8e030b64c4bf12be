package podman

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/real"
)

// BenchmarkRun is what podman run --rm --net=host IMAGE true does, from the
// request to make the container to its exit status.
func BenchmarkRun(b *testing.B) {
	e := open(b, real.Podman(b))
	image := loadImage(b, e)
	for b.Loop() {
		if code := runToEnd(b, e, run.Spec{
			Image: image, Args: []string{"true"}, Remove: true, Networks: []run.Network{{Name: "host"}},
		}, nil); code != 0 {
			b.Fatalf("exit status %d", code)
		}
	}
}

// loadImage loads the image of the suite and gives its name.
func loadImage(t testing.TB, e *Engine) string {
	t.Helper()
	const name = "podman-test-busybox"
	archive, err := enginetest.Archive(name, enginetest.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(t.Context(), bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	// A container that goes by itself may still have it; then it stays.
	t.Cleanup(func() { e.RemoveImage(context.WithoutCancel(t.Context()), name, false) })
	return name
}

// runToEnd runs a container the way a client does and gives its exit status.
func runToEnd(t testing.TB, e *Engine, spec run.Spec, out *bytes.Buffer) int {
	t.Helper()
	ctx := t.Context()
	id, _, err := e.Create(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if !spec.Remove {
		defer func() {
			if err := e.Remove(context.WithoutCancel(ctx), id, true); err != nil && !errors.Is(err, images.ErrNotFound) {
				t.Error(err)
			}
		}()
	}
	s, err := e.Attach(ctx, id, images.AttachOptions{})
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
	var streams images.Streams
	if out != nil {
		streams.Stdout = out
	}
	if err := s.Pipe(ctx, streams); err != nil {
		t.Fatal(err)
	}
	exit := <-exits
	if exit.Err != nil {
		t.Fatal(exit.Err)
	}
	return exit.Code
}
