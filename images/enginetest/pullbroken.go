package enginetest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/projectatomic/atomic/images"
)

func brokenPullTests() []test {
	return []test{
		{"from a registry that is not there", pullNobody},
		{"of a layer that was altered leaves no name", pullAltered},
		{"from a registry that dies leaves no name", pullDies},
		{"that is interrupted leaves no name", pullInterrupted},
	}
}

func pullNobody(ctx context.Context, t *testing.T, b *bench) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ref := l.Addr().String() + "/image"
	l.Close()
	_, err = b.pull(ctx, t, ref, images.PullOptions{})
	if err == nil || !strings.Contains(err.Error(), ref) {
		t.Errorf("got error %v, want one that names %s", err, ref)
	}
	// The engine is there, and whether the image is nobody knows.
	for _, wrong := range []error{images.ErrUnreachable, images.ErrNotFound, images.ErrTimeout} {
		if errors.Is(err, wrong) {
			t.Errorf("error %q is %q", err, wrong)
		}
	}
}

// topLayer is the layer that only this image has.
func topLayer(t *testing.T, img v1.Image) (digest string, size int) {
	t.Helper()
	layers, err := img.Layers()
	must(t, err)
	top := layers[len(layers)-1]
	d, err := top.Digest()
	must(t, err)
	n, err := top.Size()
	must(t, err)
	return d.String(), int(n)
}

func pullAltered(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	digest, size := topLayer(t, r.Push(t, "image", big()))
	r.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, digest) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Write(bytes.Repeat([]byte{'x'}, size))
		return true
	})
	ref := r.Host + "/image"
	_, err := b.pull(ctx, t, ref, images.PullOptions{})
	if err == nil || !strings.Contains(err.Error(), ref) {
		t.Errorf("got error %v, want one that names %s", err, ref)
	}
	_, err = b.Image(ctx, ref)
	wantError(t, err, images.ErrNotFound)
}

// pullDies breaks the configuration and not a layer: engines try again to get
// a layer, Docker for almost a minute.
func pullDies(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	config, err := r.Push(t, "image", big()).ConfigName()
	must(t, err)
	r.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, config.String()) {
			return false
		}
		panic(http.ErrAbortHandler)
	})
	ref := r.Host + "/image"
	_, err = b.pull(ctx, t, ref, images.PullOptions{})
	if err == nil || errors.Is(err, images.ErrUnreachable) {
		t.Errorf("got error %v, want one that is not %q", err, images.ErrUnreachable)
	}
	_, err = b.Image(ctx, ref)
	wantError(t, err, images.ErrNotFound)

	r.Break(nil)
	_, err = b.pull(ctx, t, ref, images.PullOptions{})
	must(t, err)
}

// A stall is a registry that stops in the middle of a layer.
type stall struct {
	reached chan struct{} // closed when half of the layer was sent
	gone    chan struct{} // closed when the engine hung up
	release chan struct{} // closed to send the rest
}

func stallLayer(t *testing.T, r *Registry, img v1.Image) *stall {
	t.Helper()
	digest, size := topLayer(t, img)
	s := &stall{make(chan struct{}), make(chan struct{}), make(chan struct{})}
	var taken atomic.Bool
	r.Break(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodGet || !strings.HasSuffix(req.URL.Path, digest) || taken.Swap(true) {
			return false
		}
		half := halfWriter{ResponseWriter: w, left: size / 2, full: func() {
			close(s.reached)
			select {
			case <-req.Context().Done():
				close(s.gone)
			case <-s.release:
			}
		}}
		r.handler.ServeHTTP(&half, req)
		return true
	})
	t.Cleanup(func() {
		select {
		case <-s.release:
		default:
			close(s.release)
		}
	})
	return s
}

// A halfWriter calls full when it has sent what it had left.
type halfWriter struct {
	http.ResponseWriter
	left int
	full func()
}

func (w *halfWriter) Write(p []byte) (int, error) {
	if w.full == nil || len(p) < w.left {
		w.left -= len(p)
		return w.ResponseWriter.Write(p)
	}
	n, err := w.ResponseWriter.Write(p[:w.left])
	if err != nil {
		return n, err
	}
	w.ResponseWriter.(http.Flusher).Flush()
	full := w.full
	w.full = nil
	full()
	m, err := w.ResponseWriter.Write(p[n:])
	return n + m, err
}

func pullInterrupted(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	s := stallLayer(t, r, r.Push(t, "image", big()))
	ref := r.Host + "/image"
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := b.pull(inner, t, ref, images.PullOptions{})
		done <- err
	}()
	select {
	case <-s.reached:
	case err := <-done:
		t.Fatalf("the pull ended before it was interrupted: %v", err)
	}
	cancel()
	wantError(t, soonDone(t, "Pull", done), context.Canceled, ref)

	// An engine may go on with the pull that nobody waits for any more, but
	// then it must not give the name.
	select {
	case <-s.gone:
	case <-time.After(promptly):
		close(s.release)
	}
	for range 10 {
		_, err := b.Image(ctx, ref)
		wantError(t, err, images.ErrNotFound)
		time.Sleep(30 * time.Millisecond)
	}
}
