package fake

import (
	"context"
	"sync"
)

// A queue hands things from those that have them to one that takes them,
// without ever holding up the former.
type queue[T any] struct {
	mu     sync.Mutex
	things []T
	closed bool
	more   chan struct{} // has something when there may be more
}

func newQueue[T any]() *queue[T] { return &queue[T]{more: make(chan struct{}, 1)} }

func (q *queue[T]) put(things ...T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.things = append(q.things, things...)
		q.wake()
	}
}

// close says that nothing comes any more; what is there can still be taken.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake()
}

func (q *queue[T]) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take waits for the next thing; ok is false after the last. A context that
// ends gives its cause.
func (q *queue[T]) take(ctx context.Context) (thing T, ok bool, err error) {
	for {
		if ctx.Err() != nil {
			return thing, false, context.Cause(ctx)
		}
		q.mu.Lock()
		if len(q.things) > 0 {
			thing = q.things[0]
			q.things = q.things[1:]
			q.mu.Unlock()
			return thing, true, nil
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return thing, false, nil
		}
		select {
		case <-q.more:
		case <-ctx.Done():
		}
	}
}
