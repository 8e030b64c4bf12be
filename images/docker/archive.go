package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// Save writes the images as one docker-archive.
func (e *Engine) Save(ctx context.Context, refs []string, w io.Writer) error {
	doing := fmt.Sprintf("saving %s", quoted(refs))
	for _, ref := range refs {
		if err := checkRef(doing, ref); err != nil {
			return err
		}
	}
	return e.move(ctx, e.limits.stall, doing, func(ctx context.Context, s *stall) error {
		r, err := e.cli.ImageSave(ctx, refs)
		if err != nil {
			return saveKind(err)
		}
		defer r.Close()
		var end tail
		if _, err := io.Copy(io.MultiWriter(toCaller{w}, &end), fromEngine{r, s}); err != nil {
			return err
		}
		return end.complete()
	})
}

func quoted(refs []string) string {
	words := make([]string, len(refs))
	for i, r := range refs {
		words[i] = fmt.Sprintf("image %q", r)
	}
	return strings.Join(words, ", ")
}

// saveKind marks the error of an image that is not there: old engines have a
// status of their own for it.
func saveKind(err error) error {
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "no such image") || strings.Contains(text, "reference does not exist") || strings.Contains(text, "failed to get digest") {
		return &callError{kind: images.ErrNotFound, err: err}
	}
	return err
}

// A tail keeps the end of a stream. What goes wrong after the first byte of an
// archive cannot be a status any more: the engine appends an error, or stops.
type tail struct{ last []byte }

// The end of a tar archive is two blocks of zeros.
const tarEnd = 1024

func (t *tail) Write(p []byte) (int, error) {
	const kept = 4 * tarEnd
	t.last = append(t.last, p[max(0, len(p)-kept):]...)
	if over := len(t.last) - kept; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(p), nil
}

// complete tells whether the stream ended as an archive does.
func (t *tail) complete() error {
	if len(t.last) >= tarEnd && len(bytes.Trim(t.last[len(t.last)-tarEnd:], "\x00")) == 0 {
		return nil
	}
	if i := bytes.LastIndex(t.last, []byte(`{"errorDetail"`)); i >= 0 {
		var m message
		if json.Unmarshal(t.last[i:], &m) == nil && m.err() != nil {
			return saveKind(m.err())
		}
	}
	return errors.New("the archive ends too early")
}

// Load reads a docker-archive.
func (e *Engine) Load(ctx context.Context, r io.Reader) ([]string, error) {
	var names []string
	err := e.move(ctx, e.limits.stall, "loading images", func(ctx context.Context, s *stall) error {
		body, failed := pump(r, s)
		defer body.CloseWithError(io.ErrClosedPipe)
		// While it sends, the HTTP client notices neither that ctx ends nor that
		// the engine is gone: it waits for the caller's next byte.
		stop := context.AfterFunc(ctx, func() { body.CloseWithError(ctx.Err()) })
		defer stop()
		sending := onBreak(ctx, func() { body.CloseWithError(io.ErrUnexpectedEOF) })
		answer, err := e.cli.ImageLoad(sending, body, client.ImageLoadWithQuiet(false))
		if own := failed.Load(); own != nil {
			return *own
		}
		if err != nil {
			return err
		}
		defer answer.Close()
		names, err = readLoad(fromEngine{answer, s})
		return err
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// readLoad reads the stream of a load. That it brings images is told in
// sentences only.
func readLoad(r io.Reader) ([]string, error) {
	var names []string
	err := readMessages(r, func(m message) error {
		for line := range strings.Lines(m.Stream) {
			line = strings.TrimSpace(line)
			for _, start := range []string{"Loaded image: ", "Loaded image ID: "} {
				if name, ok := strings.CutPrefix(line, start); ok && name != "" {
					names = append(names, name)
				}
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(names) == 0:
		return nil, errors.New("there was no image in it")
	}
	return names, nil
}
