package fake

import (
	"bytes"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/projectatomic/atomic/images"
)

// A chunk is something a process printed.
type chunk struct {
	data    []byte
	isError bool
	at      time.Time
}

// A hub takes what processes print to those who watch, and keeps it if it is
// to be a log.
type hub struct {
	mu       sync.Mutex
	keeps    bool
	log      []chunk
	watchers map[*queue[chunk]]bool
}

func newHub(keeps bool) *hub {
	return &hub{keeps: keeps, watchers: make(map[*queue[chunk]]bool)}
}

func (h *hub) print(data []byte, isError bool) {
	c := chunk{data: bytes.Clone(data), isError: isError, at: time.Now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keeps {
		h.log = append(h.log, c)
	}
	for q := range h.watchers {
		q.put(c)
	}
}

// watch gives what is printed from now on, after the log if that is asked for.
func (h *hub) watch(history bool) *queue[chunk] {
	q := newQueue[chunk]()
	h.mu.Lock()
	defer h.mu.Unlock()
	if history {
		q.put(h.log...)
	}
	h.watchers[q] = true
	return q
}

func (h *hub) unwatch(q *queue[chunk]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, q)
}

// printed is the log so far.
func (h *hub) printed() []chunk {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.log)
}

// end tells the watchers that this was all.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for q := range h.watchers {
		q.close()
	}
	clear(h.watchers)
}

// An input is what is typed for a process, until it reads it.
type input struct {
	mu    sync.Mutex
	some  *sync.Cond
	data  []byte
	ended bool
}

func newInput() *input {
	in := &input{}
	in.some = sync.NewCond(&in.mu)
	return in
}

// Write is io.Writer's. What is written after the end is lost.
func (in *input) Write(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.ended {
		in.data = append(in.data, p...)
		in.some.Broadcast()
	}
	return len(p), nil
}

// Read is io.Reader's.
func (in *input) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.data) == 0 && !in.ended {
		in.some.Wait()
	}
	if len(in.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, in.data)
	in.data = in.data[n:]
	return n, nil
}

// end says that nothing more is typed.
func (in *input) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	in.some.Broadcast()
}

// drop ends the input and forgets what nobody has read.
func (in *input) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.data, in.ended = nil, true
	in.some.Broadcast()
}

// A terminal is one in its usual mode: it says again what is typed, gives the
// process whole lines, and begins new lines at the margin.
type terminal struct {
	input  *input
	output *hub

	mu   sync.Mutex
	line []byte
	size images.Size
}

func newTerminal(in *input, out *hub) *terminal {
	return &terminal{input: in, output: out}
}

// What the keys of a terminal send.
const (
	ctrlD     = 0x04
	backspace = 0x7f
)

// Write types on the terminal.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range p {
		switch key {
		case '\r', '\n':
			t.output.print([]byte("\r\n"), false)
			t.flush('\n')
		case ctrlD:
			if len(t.line) == 0 {
				t.input.end()
			}
			t.flush()
		case backspace:
			if n := len(t.line); n > 0 {
				t.line = t.line[:n-1]
				t.output.print([]byte("\b \b"), false)
			}
		default:
			t.line = append(t.line, key)
			t.output.print(echo(key), false)
		}
	}
	return len(p), nil
}

func (t *terminal) flush(end ...byte) {
	t.input.Write(append(t.line, end...))
	t.line = nil
}

// echo is how a terminal shows a key.
func echo(key byte) []byte {
	if key < ' ' && key != '\t' {
		return []byte{'^', key + '@'}
	}
	return []byte{key}
}

// print shows what a process printed.
func (t *terminal) print(p []byte) {
	t.output.print(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")), false)
}

func (t *terminal) resize(s images.Size) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size = s
}

func (t *terminal) sized() images.Size {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}
