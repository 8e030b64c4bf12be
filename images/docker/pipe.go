package docker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"

	"github.com/projectatomic/atomic/images"
)

// Pipe connects the caller's streams until the output ends.
//
// A Stdin whose read cannot be interrupted is left to itself when Pipe
// returns; the read that is under way then takes one more piece of the input,
// which is lost.
func (s *session) Pipe(ctx context.Context, streams images.Streams) error {
	if s.conn == nil {
		return fmt.Errorf("%s: it was started without a connection", s.doing)
	}
	input := s.newInput()
	defer input.start(streams.Stdin, s.e.limits.settle)()

	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = s.output(streams)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	// Nothing more can come of the connection, and what is written to it would
	// be lost.
	cut := s.cut.Load()
	s.disconnect(errors.New("the session is over"))
	select {
	case <-done: // nobody writes to the streams any more
	case <-time.After(s.e.limits.settle): // the caller's writer hangs
	}
	switch {
	case ctx.Err() != nil:
		return &callError{doing: s.doing, err: ctx.Err()}
	case cut != nil:
		return &callError{doing: s.doing, err: *cut}
	}
	return s.ended(ctx, err, input)
}

// output copies what the process prints.
func (s *session) output(streams images.Streams) error {
	stdout, stderr := writer(streams.Stdout), writer(streams.Stderr)
	if s.exec != "" {
		stdout = &firstWords{Writer: stdout, s: s}
	}
	if s.tty {
		// Without its WriteTo the reader moves larger pieces.
		_, err := io.Copy(stdout, struct{ io.Reader }{s.conn.r})
		return err
	}
	return demultiplex(s.conn.r, stdout, stderr)
}

func writer(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return toCaller{w}
}

// demultiplex sorts the frames of a stream without a terminal. Unlike
// stdcopy.StdCopy it does not take a broken stream for one that ended, and
// believes no length that it has not seen the bytes of.
func demultiplex(r io.Reader, stdout, stderr io.Writer) error {
	var head [8]byte
	buf := make([]byte, 32<<10)
	for {
		if _, err := io.ReadFull(r, head[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		frame := io.LimitReader(r, int64(binary.BigEndian.Uint32(head[4:])))
		var to io.Writer
		switch stdcopy.StdType(head[0]) {
		case stdcopy.Stdin, stdcopy.Stdout:
			to = stdout
		case stdcopy.Stderr:
			to = stderr
		case stdcopy.Systemerr:
			words, err := io.ReadAll(io.LimitReader(frame, maxWords))
			if err != nil {
				return err
			}
			return errors.New(strings.TrimSpace(string(words)))
		default:
			return errNonsense
		}
		if _, err := io.CopyBuffer(to, frame, buf); err != nil {
			return err
		}
		if frame.(*io.LimitedReader).N > 0 {
			return io.ErrUnexpectedEOF
		}
	}
}

// ended tells what the end of the output means. The engine ends it when the
// process ends and when the user detaches; that it just stops shows an engine
// that died while the process goes on.
func (s *session) ended(ctx context.Context, err error, in *input) error {
	detached, inputOver := in.has()
	var own callerError
	switch {
	case detached && !errors.As(err, &own):
		return nil
	case err != nil && !errors.Is(err, syscall.ECONNRESET): // which is what unread input makes of the end
		return translate(s.doing, err)
	}
	if s.exec != "" {
		return s.untilOver(ctx, func() (bool, error) { return s.askExec(ctx) })
	}
	if told, exit := s.e.roster.fate(s.life); told != nil {
		select {
		case <-told:
			if end := exit(); end.Err == nil || errors.Is(end.Err, images.ErrUnreachable) {
				return end.Err
			}
		case <-time.After(s.e.limits.tidy):
		case <-ctx.Done():
		}
	}
	return s.untilOver(ctx, func() (bool, error) { return s.containerRuns(ctx, inputOver) })
}

// containerRuns asks whether the container runs without a reason for its
// output to have ended.
func (s *session) containerRuns(ctx context.Context, inputOver bool) (runs bool, err error) {
	err = s.e.order(ctx, "inspecting", s.name, func(ctx context.Context) error {
		c, err := s.e.inspect(ctx, s.name)
		if err != nil {
			return err
		}
		// Reasons are: it ended and was started again by its policy; or it keeps
		// its stdin, and then the end of ours is the end of the connection.
		again := c.HostConfig.RestartPolicy
		runs = c.State.Running && again.IsNone() && (c.Config.StdinOnce || !inputOver)
		return nil
	})
	if errors.Is(err, images.ErrNotFound) {
		return false, nil
	}
	return runs, err
}

var errBroken = errors.New("the connection broke, and the process still runs")

// untilOver asks until the process does not run, for the engine may close a
// stream a moment before it knows.
func (s *session) untilOver(ctx context.Context, runs func() (bool, error)) error {
	for wait, end := 5*time.Millisecond, time.Now().Add(s.e.limits.settle); ; wait = min(2*wait, 500*time.Millisecond) {
		running, err := runs()
		if err != nil || !running {
			return err
		}
		if time.Now().After(end) {
			return &callError{doing: s.doing, kind: images.ErrUnreachable, err: errBroken}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return &callError{doing: s.doing, err: ctx.Err()}
		}
	}
}

// firstWords looks whether all that comes is the engine's sentence on a
// program that it could not find: it has no other place for it, and its exit
// status then is 126.
type firstWords struct {
	io.Writer
	s     *session
	words string
	other bool
}

func (w *firstWords) Write(p []byte) (int, error) {
	if !w.other {
		w.words += string(p[:min(len(p), maxWords)])
		w.other = !strings.HasPrefix(w.words, "OCI runtime exec failed: ") || len(w.words) >= maxWords
		w.s.mu.Lock()
		w.s.lost = !w.other && errors.Is(programKind(w.words), images.ErrProgramNotFound)
		w.s.mu.Unlock()
	}
	return w.Writer.Write(p)
}
