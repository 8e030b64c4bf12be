package podman

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

// frame is text as it comes in a frame of a stream.
func frame(stream byte, text string) string {
	head := make([]byte, 8)
	head[0] = stream
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head) + text
}

func TestFrames(t *testing.T) {
	reset := "Error: read unixpacket @->/proc/self/fd/14/attach: read: connection reset by peer\n"
	notFound := "Error: runc: exec failed: …\n"
	long := strings.Repeat("x", 100_000)
	for name, c := range map[string]struct {
		in       string
		plain    bool
		out, err string
		want     error
	}{
		"nothing":               {},
		"both":                  {in: frame(1, "out") + frame(2, "err") + frame(1, "more"), out: "outmore", err: "err"},
		"stdin is stdout":       {in: frame(0, "typed"), out: "typed"},
		"long":                  {in: frame(1, long) + frame(2, long), out: long, err: long},
		"empty frame":           {in: frame(1, "") + frame(2, "") + frame(1, "x"), out: "x"},
		"detached":              {in: frame(1, "a") + frame(2, detachedLine), out: "a", want: errDetached},
		"says so itself":        {in: frame(2, detachedLine) + frame(1, "b"), out: "b", err: detachedLine},
		"in a log":              {in: frame(2, detachedLine), plain: true, err: detachedLine},
		"noise at the end":      {in: frame(2, notFound) + frame(2, reset), err: notFound, want: errUnheard},
		"cut in the head":       {in: frame(1, "a") + "\x01\x00", out: "a", want: io.ErrUnexpectedEOF},
		"cut in the text":       {in: frame(1, "abc")[:9], out: "a", want: io.ErrUnexpectedEOF},
		"cut in an error":       {in: frame(2, "abc")[:9], want: io.ErrUnexpectedEOF},
		"cut before the text":   {in: frame(1, "abc")[:8], want: io.ErrUnexpectedEOF},
		"text that has no head": {in: "hello world", want: errors.New("a frame of output begins with 68656c6c6f20776f")},
		"unknown stream":        {in: frame(3, "x"), want: errors.New("a frame of output begins with 0300000000000001")},
	} {
		for way, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader, "end with data": iotest.DataErrReader,
		} {
			var out, err bytes.Buffer
			s := sink{stdout: &out, stderr: &err, plain: c.plain}
			got := s.frames(wrap(strings.NewReader(c.in)))
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s, %s: ended with %v, want %v", name, way, got, c.want)
			}
			if out.String() != c.out || err.String() != c.err {
				t.Errorf("%s, %s: got %.50q and %.50q, want %.50q and %.50q", name, way, &out, &err, c.out, c.err)
			}
		}
	}
	if err := new(sink).frames(strings.NewReader(frame(1, "x") + frame(2, "y"))); err != nil {
		t.Errorf("to nobody: %v", err)
	}
	broken := sink{stdout: iotest.TruncateWriter(io.Discard, 0), stderr: failing{}}
	var mine writeError
	if err := broken.frames(strings.NewReader(frame(2, "y"))); !errors.As(err, &mine) || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("to a writer that fails: %v", err)
	}
}

// failing is a writer that does.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// chunks is a reader that gives one chunk at a time.
type chunks []string

func (c *chunks) Read(p []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*c)[0])
	*c = (*c)[1:]
	return n, nil
}

func TestRaw(t *testing.T) {
	for name, c := range map[string]struct {
		in   chunks
		out  string
		want error
	}{
		"nothing":        {},
		"text":           {chunks{"a\r\n", "b"}, "a\r\nb", nil},
		"detached":       {chunks{"a", detachedLine}, "a", errDetached},
		"glued":          {chunks{"a\r\n" + detachedLine}, "a\r\n", errDetached},
		"says so itself": {chunks{detachedLine, "$ "}, detachedLine + "$ ", nil},
		"unheard":        {chunks{"a\r\nError: read unixpacket @->/x: read: connection reset by peer\n"}, "a\r\n", errUnheard},
		"an error":       {chunks{"Error: read unixpacket"}, "Error: read unixpacket", nil},
		"says it twice":  {chunks{detachedLine, detachedLine}, detachedLine, errDetached},
	} {
		var out bytes.Buffer
		s := sink{stdout: &out}
		if err := s.raw(&c.in); err != c.want || out.String() != c.out {
			t.Errorf("%s: got %q, %v; want %q, %v", name, &out, err, c.out, c.want)
		}
	}
	s := sink{}
	if err := s.raw(iotest.ErrReader(io.ErrUnexpectedEOF)); err != io.ErrUnexpectedEOF {
		t.Errorf("from a reader that fails: %v", err)
	}
}

func TestDetachKeys(t *testing.T) {
	for text, want := range map[string]string{
		"": "\x10\x11", "ctrl-p,ctrl-q": "\x10\x11", "ctrl-x,y": "\x18y", "CTRL-A": "\x01", "a,B": "aB",
		"ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_": "\x00\x1b\x1c\x1d\x1e\x1f",
	} {
		got, err := detachKeys(text)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"ctrl-", "ctrl-ab", "ab", "a,,b", "ctrl-1", ","} {
		if got, err := detachKeys(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}

func TestNextKeys(t *testing.T) {
	type part struct {
		text  string
		now   int
		alone bool
	}
	for _, c := range []struct {
		keys, text string
		want       []part
	}{
		{"", "a\x10\x11b", []part{{"a\x10\x11b", 0, false}}},
		{"\x10\x11", "plain", []part{{"plain", 0, false}}},
		{"\x10\x11", "\x10\x11", []part{{"\x10", 1, true}, {"\x11", 2, true}}},
		{"\x10\x11", "ab\x10\x11cd", []part{{"ab", 0, false}, {"\x10", 1, true}, {"\x11", 2, true}, {"cd", 0, false}}},
		{"\x10\x11", "\x10\x10\x11", []part{{"\x10", 1, true}, {"\x10", 1, true}, {"\x11", 2, true}}},
		{"\x10\x11", "\x10x\x11", []part{{"\x10", 1, true}, {"x\x11", 0, false}}},
		{"x", "axb", []part{{"a", 0, false}, {"x", 1, true}, {"b", 0, false}}},
	} {
		var got []part
		matched := 0
		for text := []byte(c.text); len(text) > 0; {
			end, now, alone := nextKeys(text, []byte(c.keys), matched)
			got = append(got, part{string(text[:end]), now, alone})
			if matched = now; matched == len(c.keys) {
				matched = 0
			}
			text = text[end:]
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("keys %q in %q: got %v, want %v", c.keys, c.text, got, c.want)
		}
	}
}

func TestPullLines(t *testing.T) {
	text := func(s string) images.Progress { return images.Progress{Text: s} }
	for name, c := range map[string]struct {
		in   string
		want []images.Progress
		id   string
		kind error
		fail string
	}{
		"text, of 4.3": {
			in: `{"stream":"Trying to pull r/i:v1...\n"}
{"stream":"Copying blob sha256:b8ddc75d2490f61da55963503349d9d8da4d54c6df0017415078c08a642c7186\n"}
{"stream":"Copying blob 354573dc652c skipped: already exists\n"}
{"stream":"Copying blob sha256:b8ddc75d2490f61da55963503349d9d8da4d54c6df0017415078c08a642c7186\n"}
{"stream":"\n"}
{"images":["823e7f53dfc8"],"id":"823e7f53dfc8"}
`,
			want: []images.Progress{
				text("Trying to pull r/i:v1..."),
				{Layer: "b8ddc75d2490", Phase: images.Downloading, Text: "Copying blob sha256:b8ddc75d2490f61da55963503349d9d8da4d54c6df0017415078c08a642c7186"},
				{Layer: "354573dc652c", Phase: images.Present, Text: "Copying blob 354573dc652c skipped: already exists"},
				{Layer: "b8ddc75d2490", Phase: images.Downloading, Text: "Copying blob sha256:b8ddc75d2490f61da55963503349d9d8da4d54c6df0017415078c08a642c7186"},
				{Layer: "b8ddc75d2490", Phase: images.Done},
			},
			id: "823e7f53dfc8",
		},
		"bytes, from 4.8 on": {
			in: `{"status":"Pulling fs layer","progressDetail":{},"id":"ef3afbc03436"}
{"status":"Already exists","progressDetail":{},"id":"aa3afbc03436"}
{"status":"Downloading","progressDetail":{"current":10,"total":30},"progress":"[=>  ]","id":"ef3afbc03436"}
{"status":"Download complete","progressDetail":{},"id":"ef3afbc03436"}
{"status":"Downloading","progressDetail":{"current":20,"total":30},"id":"ef3afbc03436"}
{"status":"Download complete","progressDetail":{},"id":"823e7f53dfc8"}
`,
			want: []images.Progress{
				{Layer: "ef3afbc03436", Phase: images.Waiting, Text: "Pulling fs layer"},
				{Layer: "aa3afbc03436", Phase: images.Present, Text: "Already exists"},
				{Layer: "ef3afbc03436", Phase: images.Downloading, Current: 10, Total: 30, Text: "Downloading"},
				{Layer: "ef3afbc03436", Phase: images.Done, Text: "Download complete"},
			},
			id: "823e7f53dfc8",
		},
		"text that fails": {
			in:   `{"stream":"Trying\n"}` + "\n" + `{"error":"initializing source: reading manifest v2 in r/i: manifest unknown"}`,
			want: []images.Progress{text("Trying")},
			kind: images.ErrNotFound, fail: "initializing source: reading manifest v2 in r/i: manifest unknown",
		},
		"bytes that fail": {
			in:   `{"progressDetail":{},"errorDetail":{"message":"unauthorized"},"error":"unauthorized: authentication required"}`,
			kind: images.ErrUnauthorized, fail: "unauthorized: authentication required",
		},
		"fails at once": {in: `{"message":"dial tcp 127.0.0.1:1: connection refused"}`, fail: "dial tcp 127.0.0.1:1: connection refused"},
		"cut":           {in: `{"stream":"Trying\n"}` + "\n" + `{"stream":"Cop`, want: []images.Progress{text("Trying")}, fail: "unexpected EOF"},
		"no JSON":       {in: "404 page not found", fail: "json: cannot unmarshal"},
	} {
		var got []images.Progress
		p := puller{report: func(s images.Progress) { got = append(got, s) }}
		err := p.read(strings.NewReader(c.in))
		if (err == nil) != (c.fail == "") || err != nil && !strings.HasPrefix(err.Error(), c.fail) {
			t.Errorf("%s: error %v, want %q", name, err, c.fail)
		}
		if c.kind != nil && !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v is not %q", name, err, c.kind)
		}
		if err == nil && p.id != c.id {
			t.Errorf("%s: ID %q, want %q", name, p.id, c.id)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestTail(t *testing.T) {
	s := tail{limit: 10}
	for _, text := range []string{"0123456789", "abc", "\n"} {
		s.Write([]byte(text))
	}
	if got := s.quoted(); got != ": 456789abc" {
		t.Errorf("got %q", got)
	}
	if got := (&tail{}).quoted(); got != "" {
		t.Errorf("of nothing: got %q", got)
	}
}

func TestSeconds(t *testing.T) {
	for n, want := range map[int64]time.Duration{0: 0, -1: 0, 3: 3 * time.Second, 1 << 62: 365 * 24 * time.Hour} {
		if got := seconds(n); got != want {
			t.Errorf("%d: got %v, want %v", n, got, want)
		}
	}
}
