package podman

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// An idleWatch ends a context when nothing has moved for too long. Time in
// which the caller's own reader or writer is slow does not count against the
// service.
type idleWatch struct {
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
}

// watchIdle makes a context that ends with ErrTimeout when limit has gone by
// without a byte. Call stop at the end.
func watchIdle(ctx context.Context, limit time.Duration) (context.Context, *idleWatch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &idleWatch{limit: limit, cancel: cancel}
	w.timer = time.AfterFunc(limit, func() { cancel(images.ErrTimeout) })
	return ctx, w
}

func (w *idleWatch) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Reset(w.limit)
}

func (w *idleWatch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
}

func (w *idleWatch) stop() {
	w.pause()
	w.cancel(nil)
}

// reader reads from the service: it has to be quick.
func (w *idleWatch) reader(r io.Reader) io.Reader { return &idleReader{w, r} }

type idleReader struct {
	watch *idleWatch
	r     io.Reader
}

func (r *idleReader) Read(p []byte) (int, error) {
	r.watch.moved()
	n, err := r.r.Read(p)
	r.watch.pause()
	return n, err
}

// A source is what the caller has us send. It also has to go forward, and its
// error is told from one of the connection.
type source struct {
	watch *idleWatch
	r     io.Reader

	mu  sync.Mutex
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.watch.moved()
	if err != nil && err != io.EOF {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func (s *source) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
