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

// logs reads the log. The service does not follow that of a container that is
// being stopped, so it is read again, past what was seen, until the container
// has ended. What comes after the last lines of many cannot be told from them.
func (e *Engine) logs(ctx context.Context, name string, opts images.LogOptions, stdout, stderr io.Writer) error {
	out := sink{stdout: stdout, stderr: stderr, plain: true}
	for {
		if err := e.readLog(ctx, name, opts, &out); err != nil || !opts.Follow || opts.Tail > 0 {
			return err
		}
		a, err := e.inspect(ctx, name)
		if err != nil || !stateRuns(a.State.Status) {
			return ignoreGone(err)
		}
		select {
		case <-time.After(e.limits.look):
		case <-ctx.Done():
			return ctx.Err()
		}
		out.skip, out.count = out.count, [3]int64{}
	}
}

// ignoreGone is nil for a container that is gone by now.
func ignoreGone(err error) error {
	if errors.Is(err, images.ErrNotFound) {
		return nil
	}
	return err
}

// readLog reads the log as far as the service gives it.
func (e *Engine) readLog(ctx context.Context, name string, opts images.LogOptions, out *sink) error {
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
	body := idle.reader(resp.Body)
	if opts.Follow {
		idle.pause()
		body = resp.Body
	}
	err = out.frames(body)
	var mine writeError
	if errors.As(err, &mine) {
		return mine.error
	}
	return unreachable(ctx, err)
}
