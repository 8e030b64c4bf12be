package fake

import (
	"context"
	"time"

	"github.com/projectatomic/atomic/images"
)

// tell reports an event to all who listen.
func (w *world) tell(event images.Event) {
	event.Time = time.Now()
	for q := range w.listeners {
		q.put(event)
	}
}

// tellOf reports an event of a container.
func (w *world) tellOf(c *container, action string) {
	w.tell(images.Event{Type: "container", Action: action, ID: c.id, Name: c.name})
}

// Events is images.Engine's.
func (e *Engine) Events(ctx context.Context, ready func(), f func(images.Event)) error {
	err := e.call(ctx, "Events", func(live context.Context) error {
		q := newQueue[images.Event]()
		e.world.mu.Lock()
		e.world.listeners[q] = true
		e.world.mu.Unlock()
		defer func() {
			e.world.mu.Lock()
			defer e.world.mu.Unlock()
			delete(e.world.listeners, q)
		}()
		ready()
		for {
			event, _, err := q.take(live)
			if err != nil {
				return err
			}
			f(event)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return about(err, "listening to events")
}
