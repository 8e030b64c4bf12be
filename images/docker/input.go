package docker

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// An input carries what the user types to the process.
type input struct {
	conn *stream
	tty  bool
	keys []byte // nil if nothing is to be typed
	// hangUp is for engines that kill a process which the user detaches from:
	// what may be the keys is kept back, and when they are complete the
	// connection ends instead.
	hangUp bool

	mu       sync.Mutex
	typed    int  // how many of the keys were typed last
	detached bool // all of them, on a terminal
	midLine  bool
	over     bool // the end was passed on
}

// newInput leaves the detach keys of a container to the engine. Docker 20.10
// takes those of an exec'd process for an error, and ends the process.
func (s *session) newInput() *input {
	return &input{conn: s.conn, tty: s.tty, keys: s.keys, hangUp: s.tty && s.exec != ""}
}

// start copies stdin and returns what ends that.
func (i *input) start(stdin io.Reader, patience time.Duration) (stop func()) {
	if stdin == nil || i.keys == nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// An error of the connection shows on the side that reads, too.
		if _, err := io.Copy(i, stdin); err == nil {
			i.end()
		}
	}()
	return func() {
		d, ok := stdin.(interface{ SetReadDeadline(time.Time) error })
		if !ok || d.SetReadDeadline(time.Now()) != nil {
			return
		}
		select {
		case <-done:
		case <-time.After(patience):
		}
		_ = d.SetReadDeadline(time.Time{})
	}
}

// Write passes on what was typed.
func (i *input) Write(p []byte) (int, error) {
	if text := i.see(p); len(text) > 0 {
		if _, err := i.conn.Write(text); err != nil {
			return 0, err
		}
	}
	if detached, _ := i.has(); detached && i.hangUp {
		i.conn.Close()
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// see takes note of what was typed, and tells what is to be passed on.
func (i *input) see(p []byte) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(p) > 0 {
		last := p[len(p)-1]
		i.midLine = last != '\n' && last != '\r'
	}
	if !i.tty {
		return p
	}
	var text []byte
	for _, b := range p {
		if b != i.keys[i.typed] {
			text = append(text, i.keys[:i.typed]...)
			i.typed = 0
		}
		if b != i.keys[i.typed] {
			text = append(text, b)
			continue
		}
		if i.typed++; i.typed == len(i.keys) {
			i.detached, i.typed = true, 0
			break
		}
	}
	if i.hangUp {
		return text
	}
	return p
}

func (i *input) has() (detached, over bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.detached, i.over
}

// end passes the end of stdin on. Were the connection closed for writing, the
// engine would cut the output of a terminal off and not tell the process; the
// key that ends the input of a terminal does. In a line it ends the line.
func (i *input) end() {
	const endOfInput = "\x04"
	i.mu.Lock()
	i.over = true
	text := endOfInput
	if i.midLine {
		text += endOfInput
	}
	if i.hangUp {
		text = string(i.keys[:i.typed]) + text
	}
	i.mu.Unlock()
	if i.tty {
		_, _ = io.WriteString(i.conn, text)
	} else {
		_ = i.conn.CloseWrite()
	}
}

// detachKeys reads the keys as docker spells them, such as ctrl-p,ctrl-q. The
// engine's own stand for none.
func detachKeys(text string) ([]byte, error) {
	if text == "" {
		return []byte{'P' - '@', 'Q' - '@'}, nil
	}
	var keys []byte
	for key := range strings.SplitSeq(text, ",") {
		code := key
		if with, ok := strings.CutPrefix(key, "ctrl-"); ok && len(with) == 1 {
			c := strings.ToUpper(with)[0]
			if c < '@' || c > '_' {
				return nil, fmt.Errorf("%q is no key to detach with", key)
			}
			code = string(rune(c - '@'))
		}
		if code == "DEL" {
			code = "\x7f"
		}
		if len(code) != 1 {
			return nil, fmt.Errorf("%q is no key to detach with", key)
		}
		keys = append(keys, code[0])
	}
	return keys, nil
}
