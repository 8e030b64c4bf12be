package podman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

var _ images.Session = (*session)(nil)

// A session is a connection to the streams of one process.
type session struct {
	e      *Engine
	what   string // for errors: container "x"
	conn   *stream
	tty    bool
	keys   []byte // that detach; none without a terminal
	sure   bool   // that it is these keys
	target target

	mu       sync.Mutex
	piping   bool
	detached bool
	status   *int  // if it is known
	trouble  error // why the process did not begin, as far as the output tells
	closed   bool
}

// A target is the process at the other end of a session.
type target interface {
	// resize tells it the size of its terminal.
	resize(ctx context.Context, size images.Size) error
	// look tells whether it has ended, and how. Something that is gone has.
	look(ctx context.Context) (ended bool, code int, err error)
	// replay writes what the process has printed, if that can be known.
	replay(ctx context.Context, streams images.Streams) error
	// watched tells whether what look tells can be relied on while a session
	// goes on, or when it was left.
	watched() bool
	// leave is called when no more is seen of it.
	leave()
}

// errRuns is why there is no exit status.
var errRuns = fmt.Errorf("%w: it still runs", images.ErrConflict)

// Pipe connects the streams.
func (s *session) Pipe(ctx context.Context, streams images.Streams) error {
	err := s.pipe(ctx, streams)
	if err != nil {
		return fmt.Errorf("connected to %s: %w", s.what, err)
	}
	return nil
}

func (s *session) pipe(ctx context.Context, streams images.Streams) error {
	defer s.target.leave()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.setPiping(true)
	defer s.setPiping(false)
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(past()) })
	defer stop()
	over := make(chan struct{})
	defer close(over)
	typed := &typist{session: s, over: over}
	if streams.Stdin != nil {
		go typed.copy(streams.Stdin)
	}
	err := s.output(streams)
	var mine writeError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &mine):
		return mine.error
	case errors.Is(err, errDetached):
		s.setDetached()
		return nil
	case s.isClosed():
		return net.ErrClosed
	case s.isDetached():
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF), isGarbled(err):
		return unreachable(ctx, err)
	case errors.Is(err, errUnheard):
		if err := s.target.replay(ctx, streams); err != nil {
			return err
		}
	}
	return s.confirm(ctx, typed.hasDetached())
}

func (s *session) output(streams images.Streams) error {
	out := sink{stdout: streams.Stdout, stderr: streams.Stderr}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.trouble = kindOfProgram(string(out.said))
	}()
	if s.tty && !s.conn.framed {
		return out.raw(s.conn.in)
	}
	return out.frames(s.conn.in)
}

// confirm tells the end of a process from that of the connection, which look
// alike. The monitor closes the streams a moment before it tells how the
// process ended.
func (s *session) confirm(ctx context.Context, keysTyped bool) error {
	limit, cancel := context.WithTimeoutCause(ctx, s.e.limits.settle, images.ErrTimeout)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		over, code, err := s.target.look(limit)
		switch {
		case err == nil && over:
			s.setStatus(code)
			return nil
		case errors.Is(err, images.ErrNotFound):
			return nil
		case err != nil && limit.Err() == nil:
			return err
		case err == nil && keysTyped:
			s.setDetached()
			return nil
		}
		select {
		case <-time.After(pause):
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &lostError{images.ErrUnreachable, errors.New("the connection broke while the process runs")}
		}
	}
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// letGo ends a session whose keys were typed when the service takes its time
// to: for an exec'd process it waits five seconds for an end that is not near.
func (s *session) letGo() {
	s.setDetached()
	s.conn.SetReadDeadline(past())
}

func (s *session) isDetached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.detached
}

func (s *session) setPiping(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.piping = on
}

func (s *session) setDetached() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detached = true
}

func (s *session) setStatus(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = &code
}

// Resize tells the process the size of its terminal.
func (s *session) Resize(ctx context.Context, size images.Size) error {
	if err := s.target.resize(ctx, size); err != nil {
		return fmt.Errorf("setting the terminal size of %s: %w", s.what, err)
	}
	return nil
}

// resized adds a size to a request.
func resized(r request, size images.Size) request {
	return r.with("w", strconv.FormatUint(uint64(size.Columns), 10), "h", strconv.FormatUint(uint64(size.Rows), 10))
}

// Wait gives the exit status of a process that has ended.
func (s *session) Wait(ctx context.Context) (int, error) {
	code, err := s.exitStatus(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking how %s ended: %w", s.what, err)
	}
	return code, nil
}

func (s *session) exitStatus(ctx context.Context) (int, error) {
	s.mu.Lock()
	status, trouble := s.status, s.trouble
	unsure := s.detached || s.piping
	s.mu.Unlock()
	if status != nil {
		return shellStatus(*status, trouble), nil
	}
	if unsure && !s.target.watched() {
		return 0, errRuns
	}
	over, code, err := s.target.look(ctx)
	switch {
	case err != nil:
		return 0, err
	case !over:
		return 0, errRuns
	}
	return code, nil
}

// shellStatus is the status that a shell gives. A service that does not know
// the words of its runtime says 125 of a program that it could not run.
func shellStatus(status int, trouble error) int {
	switch {
	case status == 125 && errors.Is(trouble, images.ErrProgramNotFound):
		return 127
	case status == 125 && errors.Is(trouble, images.ErrProgramNotExecutable):
		return 126
	}
	return status
}

// Close closes the connection.
func (s *session) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.target.leave()
	return s.conn.Close()
}

// A typist passes input on. It keeps the detach keys apart: services before 5
// know them only if each comes by itself.
type typist struct {
	*session
	over <-chan struct{} // closed when nobody reads any more

	mu    sync.Mutex
	typed bool // the keys were the last that was typed
}

// copy copies input to its end and passes that on. A reader that is stuck in a
// read when the session ends stays there; what it gets then is lost.
func (t *typist) copy(r io.Reader) {
	buf := make([]byte, 32<<10)
	matched := 0
	for {
		n, err := r.Read(buf)
		if t.isOver() {
			return
		}
		for text := buf[:n]; len(text) > 0; {
			var alone bool
			var end int
			end, matched, alone = nextKeys(text, t.keys, matched)
			if !t.send(text[:end], alone, matched == len(t.keys) && matched > 0) {
				return
			}
			if matched == len(t.keys) {
				matched = 0
				if t.sure && len(t.keys) > 0 && t.pause() && t.pause() {
					t.letGo()
					return
				}
			}
			text = text[end:]
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				t.conn.closeWrite()
			}
			return
		}
	}
}

// nextKeys cuts off the next part of text that can be sent at once: either one
// byte that may belong to the keys, or what comes before such a byte. matched
// is how many of the keys came just before, and how many did after.
func nextKeys(text, keys []byte, matched int) (end, now int, alone bool) {
	if len(keys) == 0 {
		return len(text), 0, false
	}
	if matched > 0 && text[0] == keys[matched] {
		return 1, matched + 1, true
	}
	if text[0] == keys[0] {
		return 1, 1, true
	}
	for end = 1; end < len(text) && text[end] != keys[0]; {
		end++
	}
	return end, 0, false
}

func (t *typist) isOver() bool {
	select {
	case <-t.over:
		return true
	default:
		return false
	}
}

// send writes to the connection; it gives false when there is nobody to write
// to. A key that is sent alone has a pause around it, so that the service
// reads it alone.
func (t *typist) send(p []byte, alone, complete bool) bool {
	if alone && !t.pause() {
		return false
	}
	t.mu.Lock()
	t.typed = complete
	t.mu.Unlock()
	if _, err := t.conn.Write(p); err != nil {
		return false
	}
	return !alone || t.pause()
}

func (t *typist) pause() bool {
	select {
	case <-t.over:
		return false
	case <-time.After(t.e.limits.keys):
		return true
	}
}

func (t *typist) hasDetached() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.typed
}
