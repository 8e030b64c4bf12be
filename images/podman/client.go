package podman

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/containers/podman/v4/pkg/bindings"

	"github.com/projectatomic/atomic/images"
)

// base is the version of the API that all services from 4.0 on have. Newer
// ones answer it in the form of 4.0, where they differ.
const base = "/v4.0.0/libpod"

// A client sends requests to one service.
type client struct {
	uri    *url.URL
	limits limits

	turn  chan struct{} // held by who connects
	mu    sync.Mutex
	conn  *bindings.Connection // nil until the first call
	ended bool
}

// A request is one call of the API.
type request struct {
	method string
	path   string // already escaped
	query  url.Values
	header http.Header
	body   any // nil, an io.Reader, or what becomes JSON
}

func get(path string) request { return request{method: http.MethodGet, path: path} }

func post(path string) request { return request{method: http.MethodPost, path: path} }

// with adds query parameters, names and values in turn.
func (r request) with(pairs ...string) request {
	if r.query == nil {
		r.query = url.Values{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.query.Add(pairs[i], pairs[i+1])
	}
	return r
}

// sending sets the body.
func (r request) sending(body any) request {
	r.body = body
	return r
}

// path joins elements and escapes each, since names of images have slashes.
func path(elements ...string) string {
	var b strings.Builder
	for _, e := range elements {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(e))
	}
	return b.String()
}

// connect gives the connection, made at the first call. A failure is not kept.
func (c *client) connect(ctx context.Context) (*bindings.Connection, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ended(ctx)
	}
	c.mu.Lock()
	conn, ended := c.conn, c.ended
	c.mu.Unlock()
	switch {
	case ended:
		return nil, fmt.Errorf("%w: the connection was closed", images.ErrUnreachable)
	case conn != nil:
		return conn, nil
	}
	conn, err := dial(ctx, c.uri)
	if err != nil {
		return nil, fmt.Errorf("connecting to Podman at %s: %w", c.uri.Redacted(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	return conn, nil
}

// dial connects and sees that a Podman service answers. The bindings mind no
// context while they log in with SSH and while they try again, so they get a
// goroutine that may outlast the call by the time limit of TCP.
func dial(ctx context.Context, u *url.URL) (*bindings.Connection, error) {
	if u.Scheme == "unix" {
		// Where nobody listens the bindings would take most of a second to say so.
		probe, err := (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		if err != nil {
			return nil, unreachable(ctx, err)
		}
		probe.Close()
	}
	type answer struct {
		conn *bindings.Connection
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		conn, err := newConnection(ctx, u)
		done <- answer{conn, err}
	}()
	select {
	case a := <-done:
		return a.conn, unreachable(ctx, a.err)
	case <-ctx.Done():
		return nil, ended(ctx)
	}
}

func newConnection(ctx context.Context, u *url.URL) (*bindings.Connection, error) {
	inner, err := bindings.NewConnectionWithIdentity(ctx, u.String(), os.Getenv("CONTAINER_SSHKEY"), false)
	if err != nil {
		return nil, err
	}
	if bindings.ServiceVersion(inner).Major == 0 {
		return nil, errors.New("what answers there is not Podman")
	}
	return bindings.GetClient(inner)
}

// close forgets the connection.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.conn != nil {
		c.conn.Client.CloseIdleConnections()
	}
}

// send sends a request and gives the answer of a service that agreed; other
// answers become errors. The caller closes the body.
func (c *client) send(ctx context.Context, r request) (*http.Response, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	req, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := conn.Client.Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, readError(ctx, resp, c.limits.body)
	}
	return resp, nil
}

// build makes the HTTP request. The host is of no meaning on a socket.
func (r request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	switch b := r.body.(type) {
	case nil:
	case io.Reader:
		body = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://d"+base+r.path, body)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = r.query.Encode()
	for name, values := range r.header {
		req.Header[name] = values
	}
	if _, streamed := r.body.(io.Reader); !streamed && r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// call asks a question or gives a small order, and reads the answer as JSON
// into answer, unless that is nil, or as it is if answer is a *[]byte.
func (c *client) call(ctx context.Context, r request, answer any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limits.answer, images.ErrTimeout)
	defer cancel()
	return c.exchange(ctx, r, answer)
}

// exchange is call without a time limit of its own.
func (c *client) exchange(ctx context.Context, r request, answer any) error {
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	return c.read(ctx, resp, answer)
}

// read reads an answer to its end.
func (c *client) read(ctx context.Context, resp *http.Response, answer any) error {
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, c.limits.body+1))
	switch {
	case err != nil:
		return unreachable(ctx, err)
	case int64(len(text)) > c.limits.body:
		return fmt.Errorf("the answer is longer than %d bytes", c.limits.body)
	case answer == nil || len(text) == 0 && resp.StatusCode == http.StatusNotModified:
		return nil
	}
	if raw, ok := answer.(*[]byte); ok {
		*raw = text
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("reading the answer %.80q: %w", text, err)
	}
	return nil
}
