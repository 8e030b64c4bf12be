package enginetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func waitTests() []test {
	return []test{
		{"gives the exit status", waitStatus},
		{"before Start misses nothing, not even with Remove", waitRemove},
		{"on a running container", waitRunning},
		{"tells once, and everyone", waitOnce},
		{"on an ended container waits for the next run", waitEnded},
		{"on a container that is removed ends", waitRemoved},
		{"ends with its context", waitCancelled},
	}
}

func waitStatus(ctx context.Context, t *testing.T, b *bench) {
	for _, code := range []int{0, 3, 125, 126, 127, 255} {
		got := b.runToEnd(ctx, t, run.Spec{Args: sh("exit " + strconv.Itoa(code))}, nil)
		equal(t, "exit status", got.code, code)
	}
}

func waitRemove(ctx context.Context, t *testing.T, b *bench) {
	for i := range 20 {
		name := b.create(ctx, t, run.Spec{Args: sh(fmt.Sprintf("echo %d; exit %d", i, i)), Remove: true})
		got := b.runCreated(ctx, t, name, nil)
		equal(t, "run", got, result{out: strconv.Itoa(i) + "\n", code: i})
		b.awaitGone(ctx, t, name)
	}
}

// awaitGone waits until there is no such container.
func (b *bench) awaitGone(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	eventually(ctx, t, "the container is gone", func() bool {
		_, err := b.Container(ctx, name)
		if err != nil && !errors.Is(err, images.ErrNotFound) {
			t.Fatal(err)
		}
		return err != nil
	})
}

func waitRunning(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("TERM", "exit 5")})
	b.awaitLog(ctx, t, name, "ready")
	exits, err := b.Wait(ctx, name)
	must(t, err)
	select {
	case exit := <-exits:
		t.Fatalf("a running container ended with %+v", exit)
	default:
	}
	must(t, b.Stop(ctx, name, nil))
	equal(t, "exit status", exitCode(ctx, t, exits), 5)
}

func waitOnce(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("exit 9")})
	var waits []<-chan images.Exit
	for range 3 {
		exits, err := b.Wait(ctx, name)
		must(t, err)
		waits = append(waits, exits)
	}
	b.runCreated(ctx, t, name, nil)
	for _, exits := range waits {
		equal(t, "exit status", exitCode(ctx, t, exits), 9)
	}
	b.runCreated(ctx, t, name, nil)
	for _, exits := range waits {
		select {
		case exit, open := <-exits:
			if open {
				t.Errorf("told a second time: %+v", exit)
			}
		default:
		}
	}
}

func waitEnded(ctx context.Context, t *testing.T, b *bench) {
	name := b.ended(ctx, t, "exit 3")
	exits, err := b.Wait(ctx, name)
	must(t, err)
	select {
	case exit := <-exits:
		t.Fatalf("a container that had ended was reported: %+v", exit)
	case <-time.After(200 * time.Millisecond):
	}
	must(t, b.Start(ctx, name))
	equal(t, "exit status", exitCode(ctx, t, exits), 3)
}

// waitRemoved only wants an answer: Docker says that a container that was
// removed before it ran ended with 0, and leaves no way to know better.
func waitRemoved(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	exits, err := b.Wait(ctx, name)
	must(t, err)
	must(t, b.Remove(ctx, name, false))
	soon(t, "the wait", func() error { return (<-exits).Err })
}

func waitCancelled(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	exits, err := b.Wait(inner, name)
	must(t, err)
	cancel()
	err = soon(t, "Wait", func() error { return (<-exits).Err })
	wantError(t, err, context.Canceled)
	equal(t, "state", b.inspect(ctx, t, name).State, images.Running)
}
