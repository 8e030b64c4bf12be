package podman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/projectatomic/atomic/images"
)

// Logs writes what the container printed.
func (e *Engine) Logs(ctx context.Context, name string, opts images.LogOptions, stdout, stderr io.Writer) error {
	if err := e.logs(ctx, name, opts, stdout, stderr); err != nil {
		return fmt.Errorf("reading the log of container %q: %w", name, err)
	}
	return nil
}

func (e *Engine) logs(ctx context.Context, name string, opts images.LogOptions, stdout, stderr io.Writer) error {
	r := get(path("containers", name, "logs")).with(
		"stdout", "true", "stderr", "true",
		"follow", strconv.FormatBool(opts.Follow), "timestamps", strconv.FormatBool(opts.Timestamps))
	if opts.Tail > 0 {
		r = r.with("tail", strconv.Itoa(opts.Tail))
	}
	if !opts.Since.IsZero() {
		r = r.with("since", opts.Since.Format(time.RFC3339Nano))
	}
	ctx, idle := watchIdle(ctx, e.limits.answer)
	defer idle.stop()
	resp, err := e.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body := io.Reader(idle.reader(resp.Body))
	if opts.Follow {
		idle.pause()
		body = resp.Body
	}
	out := sink{stdout: stdout, stderr: stderr, plain: true}
	err = out.frames(body)
	var mine writeError
	if errors.As(err, &mine) {
		return mine.error
	}
	return unreachable(ctx, err)
}
