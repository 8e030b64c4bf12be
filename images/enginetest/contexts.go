package enginetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func contextTests() []test {
	return []test{
		{"that have ended", contextEnded},
		{"that end while the engine stops a container", contextStop},
		{"that end while an archive is read", contextLoad},
		{"that end while an archive is written", contextSave},
	}
}

func contextEnded(ctx context.Context, t *testing.T, b *bench) {
	container := b.idle(ctx, t)
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range slices.Concat(containerCalls(), imageCalls(), otherCalls()) {
		for want, ended := range map[error]context.Context{
			context.Canceled:         cancelled,
			context.DeadlineExceeded: late,
		} {
			err := soon(t, c.name, func() error { return c.make(ended, b, container, b.image) })
			if !errors.Is(err, want) {
				t.Errorf("%s: got error %v, want one that is %q", c.name, err, want)
			}
			if errors.Is(err, images.ErrTimeout) {
				t.Errorf("%s: error %q is %q, though it was the caller's time that ended", c.name, err, images.ErrTimeout)
			}
		}
	}
	equal(t, "state", b.inspect(ctx, t, container).State, images.Running)
}

func contextStop(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("TERM", "echo not yet")})
	b.awaitLog(ctx, t, name, "ready")
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- b.Stop(inner, name, seconds(50)) }()
	b.awaitLog(ctx, t, name, "not yet")
	cancel()
	wantError(t, soonDone(t, "Stop", done), context.Canceled, name)
}

// A gate is a reader that gives what it has and then nothing until it opens.
type gate struct {
	content io.Reader
	reached chan struct{} // closed when it has nothing more to give
	opened  chan struct{}
	reach   sync.Once
}

func newGate(content []byte) *gate {
	return &gate{content: bytes.NewReader(content), reached: make(chan struct{}), opened: make(chan struct{})}
}

func (g *gate) open() { close(g.opened) }

func (g *gate) Read(p []byte) (int, error) {
	n, err := g.content.Read(p)
	if err == io.EOF {
		g.reach.Do(func() { close(g.reached) })
		<-g.opened
	}
	return n, err
}

func contextLoad(ctx context.Context, t *testing.T, b *bench) {
	name := unique()
	archive, err := Archive(name, distinct(ImageOptions{}))
	must(t, err)
	b.forgetImage(t, name)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	g := newGate(archive[:len(archive)/2])
	defer g.open()
	done := make(chan error, 1)
	go func() {
		_, err := b.Load(inner, g)
		done <- err
	}()
	select {
	case <-g.reached:
	case <-ctx.Done():
		t.Fatal("the archive was not read")
	}
	cancel()
	wantError(t, soonDone(t, "Load", done), context.Canceled)
	_, err = b.Image(ctx, name)
	wantError(t, err, images.ErrNotFound)
}

// cancelWriter ends a context when it is written to.
type cancelWriter struct{ cancel context.CancelFunc }

func (w cancelWriter) Write(p []byte) (int, error) {
	w.cancel()
	return len(p), nil
}

func contextSave(ctx context.Context, t *testing.T, b *bench) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	err := soon(t, "Save", func() error { return b.Save(inner, []string{b.image}, cancelWriter{cancel}) })
	wantError(t, err, context.Canceled, b.image)
}

// leaks checks that nothing runs any more when an engine was used and closed,
// in whatever way the calls ended.
func leaks(t *testing.T, open func(t *testing.T) images.Engine) {
	before := runtime.NumGoroutine()
	t.Run("used", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		e := open(t)
		b := newBench(t, e)
		for _, use := range []func(context.Context, *testing.T, *bench){
			attachMissesNothing, attachEndlessInput, attachCancelled, attachEOF, terminalDetach,
			execRuns, execCancelled, execNoProgram, execDetachKeys, waitRunning, waitCancelled, waitEnded, waitRemoved,
			logsFollow, logsCancelled, eventsContainer, eventsCancelled,
			pullByName, pullInterrupted, pullLogin, contextEnded, contextStop, contextLoad, contextSave,
			saveBrokenWriter, loadBrokenReader, containerMissing, imageMissing,
		} {
			use(ctx, t, b)
		}
	})
	// Goroutines that were told to end need a moment to do so.
	deadline := time.Now().Add(promptly)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// stacks are those of all goroutines but the tests' own.
func stacks() string {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	return strings.Join(slices.DeleteFunc(all, func(s string) bool {
		return strings.Contains(s, "testing.(*T).Run") || strings.Contains(s, "enginetest.stacks")
	}), "\n\n")
}
