package docker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
)

// pulled is what dockerd 20.10.24 sent, shortened.
const pulled = `{"status":"Pulling from some/image","id":"v1"}
{"status":"Already exists","progressDetail":{},"id":"354573dc652c"}
{"status":"Pulling fs layer","progressDetail":{},"id":"e67d43286eff"}
{"status":"Waiting","progressDetail":{},"id":"e67d43286eff"}
{"status":"Downloading","progressDetail":{"current":3868,"total":82445},"progress":"[==\u003e  ]  3.868kB/82.44kB","id":"e67d43286eff"}
{"status":"Retrying in 5 seconds","progressDetail":{},"id":"e67d43286eff"}
{"status":"Verifying Checksum","progressDetail":{},"id":"e67d43286eff"}
{"status":"Download complete","progressDetail":{},"id":"e67d43286eff"}
{"status":"Extracting","progressDetail":{"current":82445,"total":82445},"progress":"[==\u003e]  82.44kB/82.44kB","id":"e67d43286eff"}
{"status":"Pull complete","progressDetail":{},"id":"e67d43286eff"}
{"status":"Digest: sha256:1acc"}
{"status":"Status: Downloaded newer image for 127.0.0.1:45327/some/image:v1"}
`

func TestReadPull(t *testing.T) {
	const layer = "e67d43286eff"
	want := []images.Progress{
		{Text: "Pulling from some/image"},
		{Layer: "354573dc652c", Phase: images.Present, Text: "Already exists"},
		{Layer: layer, Phase: images.Waiting, Text: "Pulling fs layer"},
		{Layer: layer, Phase: images.Waiting, Text: "Waiting"},
		{Layer: layer, Phase: images.Downloading, Current: 3868, Total: 82445, Text: "Downloading"},
		{Layer: layer, Phase: images.Downloading, Text: "Retrying in 5 seconds"},
		{Layer: layer, Phase: images.Downloading, Current: 82445, Total: 82445, Text: "Verifying Checksum"},
		{Layer: layer, Phase: images.Downloading, Current: 82445, Total: 82445, Text: "Download complete"},
		{Layer: layer, Phase: images.Extracting, Current: 82445, Total: 82445, Text: "Extracting"},
		{Layer: layer, Phase: images.Done, Current: 82445, Total: 82445, Text: "Pull complete"},
		{Text: "Digest: sha256:1acc"},
		{Text: "Status: Downloaded newer image for 127.0.0.1:45327/some/image:v1"},
	}
	for what, r := range map[string]io.Reader{
		"in one piece":     strings.NewReader(pulled),
		"byte by byte":     iotest.OneByteReader(strings.NewReader(pulled)),
		"without newlines": strings.NewReader(strings.ReplaceAll(pulled, "\n", "")),
		"with returns":     strings.NewReader(strings.ReplaceAll(pulled, "\n", "\r\n")),
	} {
		var got []images.Progress
		if err := readPull(r, func(p images.Progress) { got = append(got, p) }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	if err := readPull(strings.NewReader(pulled), nil); err != nil {
		t.Errorf("nobody to report to: %v", err)
	}
}

// TestBrokenMessages has streams that must not pass for ones that ended well.
func TestBrokenMessages(t *testing.T) {
	for _, c := range []struct {
		what, stream string
		want         string
		kind         error
	}{
		{"an error", `{"status":"x"}{"errorDetail":{"message":"no space left"},"error":"no space left"}`, "no space left", nil},
		{"an error the old way", `{"error":"no space left"}`, "no space left", nil},
		{"an error of the registry", `{"errorDetail":{"code":401,"message":"unauthorized: x"}}`, "unauthorized: x", images.ErrUnauthorized},
		{"an error without words", `{"errorDetail":{},"error":"old words"}`, "old words", nil},
		{"cut off", pulled[:len(pulled)-30], "unexpected EOF", images.ErrUnreachable},
		{"a page", "<html>503</html>", "invalid character", nil},
		{"other JSON", `[1]`, "cannot unmarshal", nil},
		{"a message without end", `{"status":"` + strings.Repeat("x", maxMessage), errTooLong.Error(), nil},
	} {
		err := readPull(strings.NewReader(c.stream), nil)
		if err == nil {
			t.Errorf("%s: no error, want %q", c.what, c.want)
			continue
		}
		err = translate("pulling", err)
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q has no %q", c.what, err, c.want)
		}
		wantKind(t, c.what, err, c.kind)
	}
	for cut := range pulled {
		whole := strings.HasSuffix(strings.TrimSpace(pulled[:cut]), "}") && json.Valid([]byte(lastLine(pulled[:cut])))
		if err := readPull(strings.NewReader(pulled[:cut]), nil); (err == nil) != (whole || cut == 0) {
			t.Errorf("cut off after %q: %v", lastLine(pulled[:cut]), err)
		}
	}
	// What counts is the length of one message.
	long := strings.Repeat(`{"status":"`+strings.Repeat("x", maxMessage/4)+`"}`, 20)
	if err := readPull(strings.NewReader(long), nil); err != nil {
		t.Errorf("many long messages: %v", err)
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestReadLoad(t *testing.T) {
	const progress = `{"status":"Loading layer","progressDetail":{"current":32768,"total":3001856},"id":"7b50dba426ba"}` + "\r\n"
	for _, c := range []struct {
		what, stream string
		want         []string
		err          string
	}{
		{
			"names", progress + `{"stream":"Loaded image: host:5000/some/image:v1\n"}` + "\r\n" + `{"stream":"Loaded image: busybox:test\n"}`,
			[]string{"host:5000/some/image:v1", "busybox:test"},
			"",
		},
		{"an ID", `{"stream":"Loaded image ID: sha256:0123\n"}`, []string{"sha256:0123"}, ""},
		{"a line of its own", `{"stream":"The image x already exists, renaming the old one\nLoaded image: x\n"}`, []string{"x"}, ""},
		{"an error", progress + `{"errorDetail":{"message":"Error processing tar file(exit status 1): unexpected EOF"}}`, nil, "unexpected EOF"},
		{"an error after a name", `{"stream":"Loaded image: x\n"}{"error":"no space left"}`, nil, "no space left"},
		{"nothing", "", nil, "no image"},
		{"progress only", progress, nil, "no image"},
	} {
		got, err := readLoad(strings.NewReader(c.stream))
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, d)
		}
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.err)
		}
	}
}

func TestTail(t *testing.T) {
	zeros := strings.Repeat("\x00", tarEnd)
	for _, c := range []struct {
		what, text string
		err        string
		kind       error
	}{
		{"an archive", strings.Repeat("x", 10_000) + zeros, "", nil},
		{"a padded archive", "x" + zeros + zeros, "", nil},
		{"a small one", zeros, "", nil},
		{"nothing", "", "ends too early", nil},
		{"a cut", strings.Repeat("x", 10_000), "ends too early", nil},
		{"half an end", "x" + zeros[1:], "ends too early", nil},
		{"an error", strings.Repeat("x", 10_000) + `{"errorDetail":{"message":"read: input/output error"},"error":"…"}` + "\r\n", "input/output error", nil},
		{"an error after an archive", zeros + `{"errorDetail":{"message":"No such image: x"}}`, "No such image", images.ErrNotFound},
		{"what looks like an error", strings.Repeat("x", 10_000) + `{"errorDetail"`, "ends too early", nil},
	} {
		for _, size := range []int{1, 100, 1 << 20} {
			var end tail
			for rest := []byte(c.text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				end.Write(rest[:min(size, len(rest))])
			}
			err := end.complete()
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s, %d bytes at once: error %v, want %q", c.what, size, err, c.err)
			}
			if err != nil {
				wantKind(t, c.what, translate("saving", err), c.kind)
			}
		}
	}
}

// frame is one piece of a multiplexed stream.
func frame(stream byte, text string) string {
	head := []byte{stream, 0, 0, 0}
	return string(binary.BigEndian.AppendUint32(head, uint32(len(text)))) + text
}

func TestDemultiplex(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct {
		what, stream string
		out, err     string
		fault        error
	}{
		{"nothing", "", "", "", nil},
		{"both", frame(1, "out ") + frame(2, "err ") + frame(1, "out2") + frame(2, "") + frame(2, "err2"), "out out2", "err err2", nil},
		{"stdin, as very old engines had it", frame(0, "x"), "x", "", nil},
		{"a long one", frame(1, long) + frame(2, "e"), long, "e", nil},
		{"cut in a head", frame(1, "a") + "\x01\x00", "a", "", io.ErrUnexpectedEOF},
		{"cut in a frame", frame(1, "abc")[:10], "ab", "", io.ErrUnexpectedEOF},
		{"a length that is a lie", "\x01\x00\x00\x00\xff\xff\xff\xffabc", "abc", "", io.ErrUnexpectedEOF},
		{"no frames at all", "hello, world", "", "", errNonsense},
		{"an error of the engine", frame(1, "a") + frame(3, "Error grabbing logs: x\n"), "a", "", errors.New("Error grabbing logs: x")},
	} {
		for _, r := range []io.Reader{strings.NewReader(c.stream), iotest.OneByteReader(strings.NewReader(c.stream))} {
			var out, errs bytes.Buffer
			err := demultiplex(r, &out, &errs)
			if out.String() != c.out || errs.String() != c.err {
				t.Errorf("%s: got %.20q and %.20q, want %.20q and %.20q", c.what, out.String(), errs.String(), c.out, c.err)
			}
			if c.fault == nil && err != nil || c.fault != nil && (err == nil || err.Error() != c.fault.Error()) {
				t.Errorf("%s: error %v, want %v", c.what, err, c.fault)
			}
		}
	}
	err := demultiplex(strings.NewReader(frame(1, "x")), toCaller{brokenWriter{}}, io.Discard)
	wantKind(t, "a writer of the caller", translate("piping", err), nil)
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func BenchmarkDemultiplex(b *testing.B) {
	stream := strings.Repeat(frame(1, strings.Repeat("x", 16<<10))+frame(2, "short"), 64)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		if err := demultiplex(strings.NewReader(stream), toCaller{io.Discard}, toCaller{io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzDemultiplex(f *testing.F) {
	f.Add([]byte(frame(1, "out") + frame(2, "err")))
	f.Add([]byte("\x01\x00\x00\x00\xff\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var out, errs bytes.Buffer
		err := demultiplex(bytes.NewReader(stream), &out, &errs)
		if n := out.Len() + errs.Len(); n > len(stream) {
			t.Errorf("%d bytes came of %d", n, len(stream))
		}
		if err != nil {
			return
		}
		// What was taken for whole is made of whole frames.
		var frames int
		for rest := stream; len(rest) > 0; frames++ {
			rest = rest[8+binary.BigEndian.Uint32(rest[4:]):]
		}
		if want := len(stream) - 8*frames; out.Len()+errs.Len() != want {
			t.Errorf("%d bytes came, want %d", out.Len()+errs.Len(), want)
		}
	})
}
