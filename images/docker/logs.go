package docker

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// Logs writes what the container printed.
func (e *Engine) Logs(ctx context.Context, name string, opts images.LogOptions, stdout, stderr io.Writer) error {
	c, err := e.Container(ctx, name)
	if err != nil {
		return err
	}
	request := client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: opts.Follow, Timestamps: opts.Timestamps,
	}
	if opts.Tail > 0 {
		request.Tail = strconv.Itoa(opts.Tail)
	}
	if !opts.Since.IsZero() {
		request.Since = opts.Since.Format(time.RFC3339Nano)
	}
	return e.move(ctx, e.limits.answer, fmt.Sprintf("reading the log of container %q", name), func(ctx context.Context, s *stall) error {
		r, err := e.cli.ContainerLogs(ctx, name, request)
		if err != nil {
			return err
		}
		defer r.Close()
		var from io.Reader = fromEngine{r, s}
		if opts.Follow {
			s.timer.Stop() // silence is not the engine's now
			from = r
		}
		if c.TTY {
			_, err = io.Copy(writer(stdout), from)
			return err
		}
		return demultiplex(from, writer(stdout), writer(stderr))
	})
}

// Events calls f for each event of a container or image from now on.
func (e *Engine) Events(ctx context.Context, ready func(), f func(images.Event)) error {
	const doing = "listening to events"
	within, s, stop := watchStall(ctx, e.limits.answer)
	defer stop()
	request := client.EventsListOptions{
		Filters: make(client.Filters).Add("type", string(events.ContainerEventType), string(events.ImageEventType)),
	}
	if e.at.network == "unix" { // on this machine, with the same clock
		// The engine answers a moment before it listens. What happens then it
		// tells, if asked for the past by its own clock.
		request.Since = time.Now().Format(time.RFC3339Nano)
	}
	err := e.negotiate(within)
	if err == nil {
		bound, next := boundParts(within, e.limits.body)
		r := e.cli.Events(bound, request)
		s.timer.Stop()
		select {
		case err = <-r.Err: // it is no listening yet
		default:
			ready()
			err = pass(r, next, f)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return e.failed(ctx, within, doing, err)
}

// pass calls next and f for the events of a stream, until that ends.
func pass(r client.EventsResult, next func(), f func(images.Event)) error {
	for {
		select {
		case m := <-r.Messages:
			next()
			f(images.Event{
				Type:   string(m.Type),
				Action: string(m.Action),
				ID:     m.Actor.ID,
				Name:   m.Actor.Attributes["name"],
				Time:   time.Unix(0, m.TimeNano),
			})
		case err := <-r.Err:
			if err == nil {
				err = io.EOF
			}
			return err
		}
	}
}
