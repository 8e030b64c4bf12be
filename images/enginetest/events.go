package enginetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func eventsTests() []test {
	return []test{
		{"tell the life of a container", eventsContainer},
		{"tell of images", eventsImage},
		{"begin now", eventsNow},
		{"end with the context", eventsCancelled},
	}
}

// A diary is the events so far.
type diary struct {
	mu     sync.Mutex
	events []images.Event
	cancel context.CancelFunc
	done   chan error // what Events returned
}

// watch records the events from now on.
func (b *bench) watch(ctx context.Context, t *testing.T) *diary {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	d := &diary{cancel: cancel, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() {
		d.done <- b.Events(ctx, func() { close(ready) }, func(e images.Event) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.events = append(d.events, e)
		})
	}()
	select {
	case <-ready:
	case err := <-d.done:
		t.Fatalf("events ended before they began: %v", err)
	}
	return d
}

// of are the events of one container or image.
func (d *diary) of(id string) []images.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.events), func(e images.Event) bool { return e.ID != id })
}

// await waits until something has happened to one container or image.
func (d *diary) await(ctx context.Context, t *testing.T, id, action string) {
	t.Helper()
	eventually(ctx, t, "there is an event "+action, func() bool {
		return slices.ContainsFunc(d.of(id), func(e images.Event) bool { return e.Action == action })
	})
}

func eventsContainer(ctx context.Context, t *testing.T, b *bench) {
	d := b.watch(ctx, t)
	before := time.Now().Add(-2 * time.Second)
	name := b.create(ctx, t, run.Spec{Args: sh("exit 3")})
	id := b.inspect(ctx, t, name).ID
	b.runCreated(ctx, t, name, nil)
	d.await(ctx, t, id, "die")
	must(t, b.Remove(ctx, name, false))
	d.await(ctx, t, id, "destroy")

	var life []string
	for _, e := range d.of(id) {
		if slices.Contains([]string{"create", "start", "die", "destroy"}, e.Action) {
			life = append(life, e.Action)
		}
		equal(t, "type of "+e.Action, e.Type, "container")
		equal(t, "name of "+e.Action, e.Name, name)
		if e.Time.Before(before) || e.Time.After(time.Now().Add(2*time.Second)) {
			t.Errorf("time of %s: %v, want now", e.Action, e.Time)
		}
	}
	if !slices.Equal(life, []string{"create", "start", "die", "destroy"}) {
		t.Errorf("life of a container: %q", life)
	}
}

func eventsImage(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	d := b.watch(ctx, t)
	must(t, b.Tag(ctx, name, name+":v2"))
	b.forgetImage(t, name+":v2")
	d.await(ctx, t, id, "tag")
	equal(t, "type", d.of(id)[0].Type, "image")
}

func eventsNow(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	id := b.inspect(ctx, t, name).ID
	d := b.watch(ctx, t)
	b.runCreated(ctx, t, name, nil)
	d.await(ctx, t, id, "die")
	for _, e := range d.of(id) {
		if e.Action == "create" {
			t.Errorf("an event from before: %+v", e)
		}
	}
}

func eventsCancelled(ctx context.Context, t *testing.T, b *bench) {
	d := b.watch(ctx, t)
	d.cancel()
	if err := soonDone(t, "Events", d.done); err != nil {
		t.Errorf("events ended with %v, want nil", err)
	}
}
