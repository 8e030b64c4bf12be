package fake

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/projectatomic/atomic/images"
)

// Logs is images.Engine's.
func (e *Engine) Logs(ctx context.Context, name string, opts images.LogOptions, stdout, stderr io.Writer) error {
	err := e.call(ctx, "Logs", func(ctx context.Context) error {
		e.world.mu.Lock()
		c, err := e.world.container(name)
		if err != nil {
			e.world.mu.Unlock()
			return err
		}
		past := newQueue[chunk]()
		if opts.Follow && c.first != nil {
			past = c.streams.watch(true)
			defer c.streams.unwatch(past)
		} else {
			past.put(c.streams.printed()...)
			past.close()
		}
		skip := 0
		if opts.Tail > 0 {
			skip = max(0, countLines(c.streams.printed(), opts.Since)-opts.Tail)
		}
		e.world.mu.Unlock()
		p := &logPrinter{opts: opts, skip: skip, out: [2]io.Writer{stdout, stderr}}
		for {
			chunk, more, err := past.take(ctx)
			if err != nil || !more {
				return err
			}
			if err := p.print(chunk); err != nil {
				return err
			}
		}
	})
	return about(err, "reading the log of container %q", name)
}

// countLines counts the lines printed since a time, an unfinished one too.
func countLines(chunks []chunk, since time.Time) int {
	p := &logPrinter{opts: images.LogOptions{Since: since}, out: [2]io.Writer{io.Discard, io.Discard}}
	for _, c := range chunks {
		p.print(c) // cannot fail
	}
	return p.lines
}

// A logPrinter writes the lines of a log that are asked for.
type logPrinter struct {
	opts  images.LogOptions
	skip  int // lines
	lines int // begun so far
	out   [2]io.Writer
	open  [2]bool // the line has no end yet
	mute  [2]bool // and is not asked for
}

func (p *logPrinter) print(c chunk) error {
	which := 0
	if c.isError {
		which = 1
	}
	for line := range bytes.Lines(c.data) {
		begins := !p.open[which]
		p.open[which] = !bytes.HasSuffix(line, []byte("\n"))
		if begins {
			p.mute[which] = c.at.Before(p.opts.Since)
			if !p.mute[which] {
				p.lines++
				p.mute[which] = p.lines <= p.skip
			}
		}
		if p.mute[which] {
			continue
		}
		if begins && p.opts.Timestamps {
			if _, err := io.WriteString(p.out[which], c.at.Format(time.RFC3339Nano)+" "); err != nil {
				return err
			}
		}
		if _, err := p.out[which].Write(line); err != nil {
			return err
		}
	}
	return nil
}
