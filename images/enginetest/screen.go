package enginetest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/projectatomic/atomic/images"
)

// A screen keeps what is printed and lets others wait for it.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	printed chan struct{} // closed and replaced with each write
}

func newScreen() *screen { return &screen{printed: make(chan struct{})} }

// Write is io.Writer's.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.printed)
	s.printed = make(chan struct{})
	return s.text.Write(p)
}

// String is what was printed so far.
func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the text was printed.
func (s *screen) await(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	s.awaitTimes(ctx, t, 1, text)
}

// awaitTimes waits until the text was printed so many times.
func (s *screen) awaitTimes(ctx context.Context, t *testing.T, n int, text string) {
	t.Helper()
	for {
		s.mu.Lock()
		now, more := s.text.String(), s.printed
		s.mu.Unlock()
		if strings.Count(now, text) >= n {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("%q was never printed, only %q", text, now)
		}
	}
}

// A dialog is a session whose Pipe runs beside the test.
type dialog struct {
	images.Session
	in   *io.PipeWriter
	out  *screen
	err  *screen
	done chan error // what Pipe returned
}

// dialogue starts to pipe a session; it is closed with the test.
func dialogue(ctx context.Context, t *testing.T, s images.Session) *dialog {
	t.Helper()
	r, w := io.Pipe()
	d := &dialog{Session: s, in: w, out: newScreen(), err: newScreen(), done: make(chan error, 1)}
	go func() {
		d.done <- s.Pipe(ctx, images.Streams{Stdin: r, Stdout: d.out, Stderr: d.err})
		r.Close() // so that nobody types into a session that is over
	}()
	t.Cleanup(func() {
		w.Close()
		s.Close()
	})
	return d
}

// attach attaches to a container and pipes.
func (b *bench) attach(ctx context.Context, t *testing.T, name string, o images.AttachOptions) *dialog {
	t.Helper()
	s, err := b.Attach(ctx, name, o)
	must(t, err)
	return dialogue(ctx, t, s)
}

// exec starts a process in a container and pipes.
func (b *bench) exec(ctx context.Context, t *testing.T, name string, p images.Process) *dialog {
	t.Helper()
	s, err := b.Exec(ctx, name, p)
	must(t, err)
	return dialogue(ctx, t, s)
}

// say types text.
func (d *dialog) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(d.in, text); err != nil {
		t.Fatalf("typing %q into a session that printed %q: %v", text, d.out, err)
	}
}

// ended waits for Pipe and gives its error.
func (d *dialog) ended(ctx context.Context, t *testing.T) error {
	t.Helper()
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		t.Fatalf("Pipe did not end; printed were %q and %q", d.out, d.err)
		return nil
	}
}
