package enginetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// RunBroken checks what an engine says when what it stands for goes away or
// falls silent. open opens two engines for the same thing, one of them through
// a line, and registers what closes them with t.Cleanup; it is called for each
// test. With a real engine the test of silence takes most of a minute; -short
// leaves it out.
func RunBroken(t *testing.T, open func(t *testing.T) (sound, broken images.Engine, line Line)) {
	t.Helper()
	test := func(name string, f func(context.Context, *testing.T, *brokenBench)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			sound, broken, line := open(t)
			f(ctx, t, &brokenBench{newBench(t, sound), broken, line})
		})
	}
	test("dead", deadEngine)
	for _, c := range pendingCalls() {
		test("dies under "+c.name, func(ctx context.Context, t *testing.T, b *brokenBench) { dies(ctx, t, b, c) })
	}
	test("silent", silentEngine)
	test("silent for longer than the caller waits", impatient)
}

// A brokenBench is a sound engine with one beside it that can be broken.
type brokenBench struct {
	*bench
	broken images.Engine
	line   Line
}

// allCalls are all calls that ask the engine.
func allCalls() []call {
	return slices.Concat(containerCalls(), imageCalls(), otherCalls(), []call{
		{"Events", func(ctx context.Context, e images.Engine, _, _ string) error {
			return e.Events(ctx, func() {}, func(images.Event) {})
		}},
	})
}

func deadEngine(ctx context.Context, t *testing.T, b *brokenBench) {
	name := b.idle(ctx, t)
	b.line.Cut()
	for _, c := range allCalls() {
		err := soon(t, c.name, func() error { return c.make(ctx, b.broken, name, b.image) })
		if !errors.Is(err, images.ErrUnreachable) {
			t.Errorf("%s: got error %v, want one that is %q", c.name, err, images.ErrUnreachable)
		}
	}
	equal(t, "state", b.inspect(ctx, t, name).State, images.Running)
}

func silentEngine(ctx context.Context, t *testing.T, b *brokenBench) {
	if testing.Short() {
		t.Skip("takes as long as the deadlines of an engine")
	}
	name := b.idle(ctx, t)
	b.line.Stall()
	var all sync.WaitGroup
	for _, c := range slices.Concat(containerCalls(), imageCalls(), otherCalls()) {
		switch c.name {
		case "Wait", "Logs", "Logs that follow", "Pull", "Load", "Save":
			continue // these may last
		}
		all.Go(func() {
			err := c.make(ctx, b.broken, name, b.image)
			if !errors.Is(err, images.ErrTimeout) {
				t.Errorf("%s: got error %v, want one that is %q", c.name, err, images.ErrTimeout)
			}
		})
	}
	all.Wait()
}

func impatient(ctx context.Context, t *testing.T, b *brokenBench) {
	name := b.idle(ctx, t)
	b.line.Stall()
	var all sync.WaitGroup
	for _, c := range slices.Concat(containerCalls(), imageCalls(), otherCalls()) {
		all.Go(func() {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			began := time.Now()
			err := c.make(short, b.broken, name, b.image)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, images.ErrTimeout) {
				t.Errorf("%s: got error %v, want one that is %q", c.name, err, context.DeadlineExceeded)
			}
			if took := time.Since(began); took > promptly {
				t.Errorf("%s ended after %v", c.name, took)
			}
		})
	}
	all.Wait()
}

// A pendingCall is one that lasts. begin prepares it and returns the call
// itself, which says when it is under way.
type pendingCall struct {
	name  string
	begin func(ctx context.Context, t *testing.T, b *brokenBench) func(going func()) error
}

// A notify is a writer that calls a function when it has first seen a text.
type notify struct {
	text string
	seen strings.Builder
	f    func()
}

func (n *notify) Write(p []byte) (int, error) {
	n.seen.Write(p)
	if n.f != nil && strings.Contains(n.seen.String(), n.text) {
		n.f()
		n.f = nil
	}
	return len(p), nil
}

func pendingCalls() []pendingCall {
	return []pendingCall{
		{"Wait", pendingWait},
		{"Attach", pendingAttach},
		{"Exec", pendingExec},
		{"Logs", pendingLogs},
		{"Events", pendingEvents},
		{"Stop", pendingStop},
		{"Pull", pendingPull},
		{"Load", pendingLoad},
	}
}

// ticking is a program that prints all the time.
func ticking() []string { return sh("while :; do echo tick; sleep 0.1; done") }

func pendingWait(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	exits, err := b.broken.Wait(ctx, b.idle(ctx, t))
	must(t, err)
	return func(going func()) error {
		going()
		return (<-exits).Err
	}
}

func pendingAttach(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	s, err := b.broken.Attach(ctx, b.start(ctx, t, run.Spec{Args: ticking()}), images.AttachOptions{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return func(going func()) error {
		return s.Pipe(ctx, images.Streams{Stdout: &notify{text: "tick", f: going}})
	}
}

func pendingExec(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	s, err := b.broken.Exec(ctx, b.idle(ctx, t), images.Process{Args: ticking()})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return func(going func()) error {
		return s.Pipe(ctx, images.Streams{Stdout: &notify{text: "tick", f: going}})
	}
}

func pendingLogs(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	name := b.start(ctx, t, run.Spec{Args: ticking()})
	return func(going func()) error {
		out := &notify{text: "tick", f: going}
		return b.broken.Logs(ctx, name, images.LogOptions{Follow: true}, out, io.Discard)
	}
}

func pendingEvents(ctx context.Context, _ *testing.T, b *brokenBench) func(func()) error {
	return func(going func()) error {
		return b.broken.Events(ctx, going, func(images.Event) {})
	}
}

func pendingStop(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	name := b.start(ctx, t, run.Spec{Args: trap("TERM", "echo not yet")})
	b.awaitLog(ctx, t, name, "ready")
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		reading.Wait()
	})
	return func(going func()) error {
		reading.Go(func() {
			out := &notify{text: "not yet", f: going}
			b.Logs(ctx, name, images.LogOptions{Follow: true}, out, io.Discard)
		})
		return b.broken.Stop(ctx, name, seconds(50))
	}
}

func pendingPull(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	r := NewRegistry(t)
	s := stallLayer(t, r, r.Push(t, "image", big()))
	ref := r.Host + "/image"
	b.forgetImage(t, ref)
	return func(going func()) error {
		go func() {
			<-s.reached
			going()
		}()
		_, err := b.broken.Pull(ctx, ref, images.PullOptions{Insecure: true})
		return err
	}
}

func pendingLoad(ctx context.Context, t *testing.T, b *brokenBench) func(func()) error {
	archive, err := Archive(unique(), distinct(ImageOptions{}))
	must(t, err)
	g := newGate(archive[:len(archive)/2])
	t.Cleanup(g.open)
	return func(going func()) error {
		go func() {
			<-g.reached
			going()
		}()
		_, err := b.broken.Load(ctx, g)
		return err
	}
}

// dies breaks the engine under a call.
func dies(ctx context.Context, t *testing.T, b *brokenBench, c pendingCall) {
	call := c.begin(ctx, t, b)
	going := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- call(func() { close(going) }) }()
	select {
	case <-going:
	case err := <-done:
		t.Fatalf("the call ended before the engine died: %v", err)
	case <-ctx.Done():
		t.Fatal("the call is not under way")
	}
	b.line.Cut()
	wantError(t, soonDone(t, c.name, done), images.ErrUnreachable)
}
