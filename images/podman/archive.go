package podman

import (
	"context"
	"errors"
	"fmt"
	"io"

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
	if _, err := io.Copy(to, idle.reader(resp.Body)); err != nil && to.err == nil {
		return unreachable(ctx, err)
	}
	return to.err
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
	// The HTTP client waits for the reader of a request that was given up, so
	// it does not get one that may be stuck.
	body, feed := io.Pipe()
	defer body.Close()
	stop := context.AfterFunc(ctx, func() { body.CloseWithError(ended(ctx)) })
	defer stop()
	from := &source{watch: idle, r: r}
	go func() {
		_, err := io.Copy(feed, from)
		feed.CloseWithError(err)
	}()
	var answer struct{ Names []string }
	err := e.exchange(ctx, post("/images/load").sending(body), &answer)
	if failure := from.failure(); failure != nil {
		return nil, failure
	}
	return answer.Names, err
}
