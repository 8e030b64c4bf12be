package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// A bench is the engine under test, with an image that no test may change.
type bench struct {
	images.Engine
	image   string // its name, as a user would type it
	imageID string
}

// newBench loads the image, which goes away with t.
func newBench(t *testing.T, e images.Engine) *bench {
	t.Helper()
	b := &bench{Engine: e}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	b.image, b.imageID = b.newImage(ctx, t, ImageOptions{})
	return b
}

// unique is a name that nobody else uses, good for images and containers.
func unique() string {
	return "et" + strings.ToLower(rand.Text()[:12])
}

// newImage loads an image with an ID of its own and gives its name and ID.
func (b *bench) newImage(ctx context.Context, t *testing.T, o ImageOptions) (name, id string) {
	t.Helper()
	name = unique()
	b.load(ctx, t, name, o)
	img, err := b.Image(ctx, name)
	must(t, err)
	return name, img.ID
}

// load loads an image with an ID of its own under a name.
func (b *bench) load(ctx context.Context, t *testing.T, name string, o ImageOptions) []string {
	t.Helper()
	archive, err := Archive(name, distinct(o))
	must(t, err)
	if name != "" {
		b.forgetImage(t, name)
	}
	names, err := b.Load(ctx, bytes.NewReader(archive))
	must(t, err)
	return names
}

// distinct makes the image differ from all others. A bare one gets a layer of
// its own: Podman loses a layer that it is about to use when the last other
// image that has it is removed at the same time.
func distinct(o ImageOptions) ImageOptions {
	o.Labels = maps.Clone(o.Labels)
	if o.Labels == nil {
		o.Labels = make(map[string]string)
	}
	id := unique()
	o.Labels["test"] = id
	if o.Bare {
		o.Layers = append(slices.Clone(o.Layers), map[string]string{"/id": id})
	}
	return o
}

// forgetImage removes the image when the test is over, if it is there.
func (b *bench) forgetImage(t *testing.T, ref string) {
	b.cleanup(t, "image "+ref, func(ctx context.Context) error {
		return b.RemoveImage(ctx, ref, true)
	})
}

// forget removes the container when the test is over, if it is there.
func (b *bench) forget(t *testing.T, name string) {
	b.cleanup(t, "container "+name, func(ctx context.Context) error {
		return b.Remove(ctx, name, true)
	})
}

// cleanup undoes something when the test is over; the context of the test has
// ended by then.
func (b *bench) cleanup(t *testing.T, what string, undo func(context.Context) error) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if err := undo(ctx); err != nil && !errors.Is(err, images.ErrNotFound) {
			t.Errorf("cleaning up %s: %v", what, err)
		}
	})
}

// create makes a container, by default of the plain image, with a name of its
// own, which it returns, and without a network: engines on one machine share
// its packet filter and trip over one another there.
func (b *bench) create(ctx context.Context, t *testing.T, spec run.Spec) string {
	t.Helper()
	if spec.Name == "" {
		spec.Name = unique()
	}
	if spec.Image == "" {
		spec.Image = b.image
	}
	if spec.Networks == nil {
		spec.Networks = []run.Network{{Name: "none"}}
	}
	b.forget(t, spec.Name)
	_, _, err := b.Create(ctx, spec)
	must(t, err)
	return spec.Name
}

// start makes a container and starts it.
func (b *bench) start(ctx context.Context, t *testing.T, spec run.Spec) string {
	t.Helper()
	name := b.create(ctx, t, spec)
	must(t, b.Start(ctx, name))
	return name
}

// idle starts a container that does nothing for as long as it takes.
func (b *bench) idle(ctx context.Context, t *testing.T) string {
	t.Helper()
	return b.start(ctx, t, run.Spec{Args: []string{"sleep", "1000"}})
}

// ended makes a container, runs it to its end and gives its name.
func (b *bench) ended(ctx context.Context, t *testing.T, script string) string {
	t.Helper()
	name := b.create(ctx, t, run.Spec{Args: sh(script)})
	b.runCreated(ctx, t, name, nil)
	return name
}

// sh is the command line of a shell script.
func sh(script string) []string { return []string{"sh", "-c", script} }

// trap is a script that says "ready" once it obeys the signal, obeys it, and
// does nothing else.
func trap(signal, action string) []string {
	return sh("trap '" + action + "' " + signal + "; echo ready; while :; do sleep 0.05; done")
}

// inspect gives the container as it is now.
func (b *bench) inspect(ctx context.Context, t *testing.T, name string) images.Container {
	t.Helper()
	c, err := b.Container(ctx, name)
	must(t, err)
	return c
}

// awaitLog waits until the container has printed the text.
func (b *bench) awaitLog(ctx context.Context, t *testing.T, name, text string) {
	t.Helper()
	eventually(ctx, t, "the log has "+text, func() bool {
		var out bytes.Buffer
		must(t, b.Logs(ctx, name, images.LogOptions{}, &out, &out))
		return strings.Contains(out.String(), text)
	})
}

// A result is what a program printed and its exit status.
type result struct {
	out, err string
	code     int
}

// runToEnd makes a container and runs it as the command line does: attached
// and watched before it starts.
func (b *bench) runToEnd(ctx context.Context, t *testing.T, spec run.Spec, stdin io.Reader) result {
	t.Helper()
	spec.Stdin = stdin != nil
	return b.runCreated(ctx, t, b.create(ctx, t, spec), stdin)
}

// runCreated runs a container that is there already.
func (b *bench) runCreated(ctx context.Context, t *testing.T, name string, stdin io.Reader) result {
	t.Helper()
	exits, err := b.Wait(ctx, name)
	must(t, err)
	s, err := b.Attach(ctx, name, images.AttachOptions{Stdin: stdin != nil})
	must(t, err)
	defer s.Close()
	must(t, b.Start(ctx, name))
	var r result
	r.out, r.err = pipe(ctx, t, s, stdin)
	r.code = exitCode(ctx, t, exits)
	return r
}

// pipe connects a session until its output ends.
func pipe(ctx context.Context, t *testing.T, s images.Session, stdin io.Reader) (out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	must(t, s.Pipe(ctx, images.Streams{Stdin: stdin, Stdout: &o, Stderr: &e}))
	return o.String(), e.String()
}

// exitCode waits for the exit status of a container.
func exitCode(ctx context.Context, t *testing.T, exits <-chan images.Exit) int {
	t.Helper()
	select {
	case exit, ok := <-exits:
		if !ok {
			t.Fatal("the channel of Wait was closed without an exit status")
		}
		must(t, exit.Err)
		return exit.Code
	case <-ctx.Done():
		t.Fatal("no exit status came")
		return -1
	}
}

// must ends the test if something that has to work did not.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks that an error is of a kind, and names what it is about.
func wantError(t *testing.T, err, kind error, about ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got error %v, want one that is %q", err, kind)
		return
	}
	for _, word := range about {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not name %q", err, word)
		}
	}
}

// equal compares what was got with what was wanted.
func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// eventually waits until the condition holds.
func eventually(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never came that %s", what)
		}
	}
}

// soon runs a call that is to end promptly, and gives its error.
func soon(t *testing.T, what string, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	return soonDone(t, what, done)
}

// soonDone waits for a call that is to end promptly, and gives its error.
func soonDone(t *testing.T, what string, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(promptly):
		t.Fatalf("%s did not end within %v", what, promptly)
		return nil
	}
}
