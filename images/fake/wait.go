package fake

import (
	"context"

	"github.com/projectatomic/atomic/images"
)

// A wait is one who waits for the end of a container.
type wait struct {
	exits chan images.Exit // has room for the one
	stop  func()
}

// tell reports the end; the wait is to be forgotten then.
func (w *wait) tell(exit images.Exit) {
	w.exits <- exit
	w.stop()
}

// Wait is images.Engine's.
func (e *Engine) Wait(ctx context.Context, name string) (<-chan images.Exit, error) {
	w := &wait{exits: make(chan images.Exit, 1)}
	err := e.call(ctx, "Wait", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err != nil {
			return err
		}
		c.waits[w] = true
		// The context of this call ends with it; that of the wait does not.
		live, stop := e.live(ctx)
		w.stop = stop
		context.AfterFunc(live, func() {
			e.world.mu.Lock()
			defer e.world.mu.Unlock()
			if c.waits[w] {
				delete(c.waits, w)
				w.tell(images.Exit{Err: about(context.Cause(live), "waiting for container %q", name)})
			}
		})
		return nil
	})
	if err != nil {
		return nil, about(err, "waiting for container %q", name)
	}
	return w.exits, nil
}
