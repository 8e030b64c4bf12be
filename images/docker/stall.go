package docker

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// A stall ends a context when nothing moves for too long. Only the engine's
// time counts: the clock stands while the caller reads or writes.
type stall struct {
	limit time.Duration
	timer *time.Timer
}

// watchStall starts the clock. The context is for one request; the caller
// calls stop when it is over.
func watchStall(ctx context.Context, limit time.Duration) (_ context.Context, s *stall, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s = &stall{limit: limit}
	s.timer = time.AfterFunc(limit, func() { cancel(noByte(limit)) })
	return ctx, s, func() {
		s.timer.Stop()
		cancel(nil)
	}
}

// A fromEngine reads what the engine sends; the clock runs meanwhile.
type fromEngine struct {
	io.Reader
	stall *stall
}

func (r fromEngine) Read(p []byte) (int, error) {
	r.stall.timer.Reset(r.stall.limit)
	n, err := r.Reader.Read(p)
	r.stall.timer.Stop()
	return n, err
}

// pump reads what the engine is sent; the clock stands meanwhile. The pipe can
// be closed while the caller's reader blocks; then one more piece is read and
// lost. failed is the reader's error, which the HTTP client would hide in its
// own.
func pump(r io.Reader, s *stall) (body *io.PipeReader, failed *atomic.Pointer[callerError]) {
	body, w := io.Pipe()
	failed = &atomic.Pointer[callerError]{}
	go func() {
		_, err := io.Copy(w, pausing{r, s, failed})
		w.CloseWithError(err)
	}()
	return body, failed
}

type pausing struct {
	io.Reader
	stall  *stall
	failed *atomic.Pointer[callerError]
}

func (r pausing) Read(p []byte) (int, error) {
	r.stall.timer.Stop()
	n, err := r.Reader.Read(p)
	r.stall.timer.Reset(r.stall.limit)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed.Store(&callerError{err})
	}
	return n, err
}

// A toCaller writes what the engine sent, and marks the caller's errors.
type toCaller struct{ io.Writer }

func (w toCaller) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		err = callerError{err}
	}
	return n, err
}
