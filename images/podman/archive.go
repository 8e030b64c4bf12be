package podman

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/projectatomic/atomic/images"
)

// Save writes images as one docker-archive.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) error {
	if err := e.save(ctx, refs, w); err != nil {
		return fmt.Errorf("saving images %q: %w", refs, err)
	}
	return nil
}

func (e *Engine) save(ctx context.Context, refs []string, w io.Writer) error {
	if len(refs) == 0 {
		return errors.New("there are none to save")
	}
	r := get("/images/export").with("format", "docker-archive")
	for _, ref := range refs {
		if ref == "" {
			return images.ErrNotFound
		}
		r = r.with("references", lookup(ref))
	}
	ctx, idle := watchIdle(ctx, e.limits.stall)
	defer idle.stop()
	resp, err := e.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	to := &saveWriter{w: w}
	_, err = io.Copy(to, idle.reader(resp.Body))
	switch {
	case to.err != nil:
		return to.err
	case ctx.Err() != nil:
		return ended(ctx)
	}
	return unreachable(ctx, err)
}

// A saveWriter tells its own error from one of the connection.
type saveWriter struct {
	w   io.Writer
	err error
}

func (s *saveWriter) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// Load reads a docker-archive.
func (e *Engine) Load(ctx context.Context, r io.Reader) ([]string, error) {
	names, err := e.load(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("loading images: %w", err)
	}
	return names, nil
}

func (e *Engine) load(ctx context.Context, r io.Reader) ([]string, error) {
	ctx, idle := watchIdle(ctx, e.limits.stall)
	defer idle.stop()
	conn, err := e.dialRaw(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(past()) })
	defer stop()
	from := &source{watch: idle, r: r}
	req, err := post("/images/load").sending(io.Reader(from)).build(ctx)
	if err != nil {
		return nil, err
	}
	// An HTTP client would wait for the reader, which may be stuck, before it
	// tells that the service is gone.
	go func() {
		if req.Write(conn) != nil {
			conn.Close()
		}
	}()
	names, err := e.loaded(ctx, conn, req)
	if failure := from.failure(); failure != nil {
		return nil, failure
	}
	return names, err
}

// loaded reads which names an archive brought.
func (e *Engine) loaded(ctx context.Context, conn io.Reader, req *http.Request) ([]string, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, readError(ctx, resp, e.limits.body)
	}
	var answer struct{ Names []string }
	err = e.read(ctx, resp, &answer)
	return answer.Names, err
}
