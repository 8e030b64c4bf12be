package podman

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/projectatomic/atomic/images"
)

// A stream is a connection that has become one to a process.
type stream struct {
	net.Conn
	in     *bufio.Reader // what comes from the connection
	framed bool          // for certain
}

// hijack sends a request that turns its connection into a stream.
func (e *Engine) hijack(ctx context.Context, r request) (*stream, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, e.limits.answer, images.ErrTimeout)
	defer cancel()
	conn, err := e.dialRaw(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.upgrade(ctx, conn, r)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// dialRaw makes a connection of its own. To a tcp:// service the bindings mind
// no context while they do.
func (e *Engine) dialRaw(ctx context.Context) (net.Conn, error) {
	c, err := e.connect(ctx)
	if err != nil {
		return nil, err
	}
	type answer struct {
		conn net.Conn
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		conn, err := c.GetDialer(ctx)
		done <- answer{conn, err}
	}()
	select {
	case a := <-done:
		return a.conn, unreachable(ctx, a.err)
	case <-ctx.Done():
		go func() {
			if a := <-done; a.err == nil {
				a.conn.Close()
			}
		}()
		return nil, ended(ctx)
	}
}

// past is a deadline that makes what goes on at a connection stop.
func past() time.Time { return time.Unix(1, 0) }

func (e *Engine) upgrade(ctx context.Context, conn net.Conn, r request) (*stream, error) {
	req, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past()) })
	defer stop()
	if err := req.Write(conn); err != nil {
		return nil, unreachable(ctx, err)
	}
	in := bufio.NewReaderSize(conn, 32<<10)
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	switch {
	case resp.StatusCode >= http.StatusBadRequest:
		defer resp.Body.Close()
		return nil, readError(ctx, resp, e.limits.body)
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the service answers %s instead of connecting", resp.Status)
	}
	if !stop() {
		return nil, ended(ctx)
	}
	framed := strings.HasSuffix(resp.Header.Get("Content-Type"), ".multiplexed-stream")
	return &stream{Conn: conn, in: in, framed: framed}, nil
}

// closeWrite passes on the end of the input.
func (s *stream) closeWrite() {
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		// A broken connection shows in what is read of it.
		_ = c.CloseWrite()
	}
}
