package podman

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Output comes in frames of stdout or stderr, each with a head of eight bytes:
// the stream, three zeros, the length. Output of a terminal has no frames.
//
// When a session ends for another reason than the end of the process, the
// service writes a last line to stderr, in the midst of the output of the
// process. A line of that kind is held back until it is known that more
// follows, and dropped if it was the last.

const (
	detachedLine = "Error: detached from container\n"
	resetLine    = "Error: read unixpacket" // … connection reset by peer
	longestLine  = 512
)

// errDetached tells that the service let go because of the detach keys,
// errUnheard that the monitor of the process ended before it took notice of
// the session.
var (
	errDetached = errors.New("detached")
	errUnheard  = errors.New("the output did not reach the session")
)

// A writeError is one of the caller's writer, and not of the connection.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// A sink takes output. It knows what the service may have said last.
type sink struct {
	stdout, stderr io.Writer // may be nil
	held           []byte    // for stderr, or on a terminal for stdout
	said           []byte    // the last that may be the service's and was passed on
	plain          bool      // nobody says anything in between
	skip           [3]int64  // bytes of each stream that were seen before
	count          [3]int64  // bytes of each stream
}

func (s *sink) write(w io.Writer, p []byte) error {
	if w == nil || len(p) == 0 {
		return nil
	}
	if _, err := w.Write(p); err != nil {
		return writeError{err}
	}
	return nil
}

// last judges what was held back when the output is over.
func (s *sink) last() error {
	switch {
	case string(s.held) == detachedLine:
		return errDetached
	case s.held != nil:
		return errUnheard
	}
	return nil
}

// ofService tells whether a line may be one of the service's last words.
func ofService(line []byte) bool {
	return string(line) == detachedLine || bytes.HasPrefix(line, []byte(resetLine))
}

// note remembers words that may be why a process did not begin.
func (s *sink) note(text []byte) {
	if len(text) <= longestLine && bytes.HasPrefix(text, []byte("Error: ")) {
		s.said = bytes.Clone(text)
	}
}

// frames copies framed output until it ends.
func (s *sink) frames(r io.Reader) error {
	var head [8]byte
	buf := make([]byte, 32<<10)
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return s.last()
			}
			return err
		}
		if err := s.write(s.stderr, s.held); err != nil {
			return err
		}
		s.held = nil
		if head[0] > 2 || head[1] != 0 || head[2] != 0 || head[3] != 0 {
			return garbledError{fmt.Errorf("a frame of output begins with %x", head)}
		}
		size := int64(binary.BigEndian.Uint32(head[4:]))
		if err := s.frame(r, head[0], size, buf); err != nil {
			return err
		}
	}
}

// fresh counts what comes on a stream and cuts off what was seen before.
func (s *sink) fresh(stream byte, p []byte) []byte {
	s.count[stream] += int64(len(p))
	old := min(s.skip[stream], int64(len(p)))
	s.skip[stream] -= old
	return p[old:]
}

// frame copies the content of one frame.
func (s *sink) frame(r io.Reader, stream byte, size int64, buf []byte) error {
	isStderr := stream == 2
	if isStderr && size <= longestLine && !s.plain {
		line := buf[:size]
		if _, err := io.ReadFull(r, line); err != nil {
			return unexpected(err)
		}
		if ofService(line) {
			s.held = bytes.Clone(line)
			return nil
		}
		s.note(line)
		return s.write(s.stderr, line)
	}
	w := s.stdout
	if isStderr {
		w = s.stderr
	}
	for size > 0 {
		n, err := r.Read(buf[:min(size, int64(len(buf)))])
		size -= int64(n)
		if err := s.write(w, s.fresh(stream, buf[:n])); err != nil {
			return err
		}
		if err != nil && size > 0 {
			return unexpected(err)
		}
	}
	return nil
}

// unexpected is the error of an end in the midst of something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// raw copies the output of a terminal until it ends.
func (s *sink) raw(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := s.write(s.stdout, s.held); err != nil {
				return err
			}
			text := buf[:n]
			s.held = nil
			if at := bytes.LastIndex(text, []byte("Error: ")); at >= 0 && text[n-1] == '\n' && ofService(text[at:]) {
				text, s.held = text[:at], bytes.Clone(text[at:])
			}
			s.note(text)
			if err := s.write(s.stdout, text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return s.last()
		}
		if err != nil {
			return err
		}
	}
}
