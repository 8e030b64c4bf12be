package enginetest

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A Line leads to an engine, and can be broken.
type Line interface {
	// Cut ends all connections, and there will be no new ones: to the other
	// end the engine has died.
	Cut()
	// Stall leaves all connections open, and takes new ones, but nothing
	// comes through any more: to the other end the engine hangs.
	Stall()
}

// A Wire is a Line made of a unix socket before that of an engine.
type Wire struct {
	// URL is where to find the engine through the wire: unix://…
	URL string

	target   string
	listener net.Listener
	stalled  chan struct{}

	mu    sync.Mutex
	conns []net.Conn
	done  bool
}

// NewWire puts a wire before the engine at a unix:// URL, until the test ends.
func NewWire(t testing.TB, url string) *Wire {
	t.Helper()
	// The path of a socket must be short, and the test's own directory is not.
	dir, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{
		URL:      "unix://" + path,
		target:   strings.TrimPrefix(url, "unix://"),
		listener: l,
		stalled:  make(chan struct{}),
	}
	var accepting sync.WaitGroup
	accepting.Go(w.accept)
	t.Cleanup(func() {
		w.Cut()
		accepting.Wait()
	})
	return w
}

// accept joins connections until the wire is cut.
func (w *Wire) accept() {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		var d net.Dialer
		far, err := d.DialContext(context.Background(), "unix", w.target)
		if err != nil {
			near.Close()
			continue
		}
		if !w.keep(near, far) {
			return
		}
		open.Go(func() { w.carry(near, far) })
		open.Go(func() { w.carry(far, near) })
	}
}

// keep notes connections to be cut; it closes them if the wire is cut already.
func (w *Wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		for _, c := range conns {
			c.Close()
		}
		return false
	}
	w.conns = append(w.conns, conns...)
	return true
}

// carry copies one way and passes on the end.
func (w *Wire) carry(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-w.stalled:
			// Read on, so that the other end does not see a full pipe.
			n = 0
		default:
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err == io.EOF {
			to.(*net.UnixConn).CloseWrite()
		}
		if err != nil {
			return
		}
	}
}

// Cut is Line's.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.listener.Close()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// Stall is Line's.
func (w *Wire) Stall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.stalled:
	default:
		close(w.stalled)
	}
}
