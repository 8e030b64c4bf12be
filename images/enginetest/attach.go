package enginetest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func attachTests() []test {
	return []test{
		{"before Start misses nothing", attachMissesNothing},
		{"keeps the order of each stream", attachOrder},
		{"carries a megabyte each way", attachMegabyte},
		{"passes on the end of the input", attachEOF},
		{"does not wait for an input that never ends", attachEndlessInput},
		{"takes input that was typed before Start", attachEarlyInput},
		{"does without any stream", attachNoStreams},
		{"to a running container", attachRunning},
		{"to a container that is started again", attachAgain},
		{"twice", attachTwice},
		{"ends with its context, and the container goes on", attachCancelled},
		{"knows the exit status when it has ended", attachStatus},
	}
}

func attachMissesNothing(ctx context.Context, t *testing.T, b *bench) {
	for range 5 {
		got := b.runToEnd(ctx, t, run.Spec{Args: sh("echo out; echo err >&2; exit 3")}, nil)
		equal(t, "run", got, result{"out\n", "err\n", 3})
	}
	got := b.runToEnd(ctx, t, run.Spec{Args: []string{"echo", "short"}}, nil)
	equal(t, "run", got, result{out: "short\n"})
}

func attachOrder(ctx context.Context, t *testing.T, b *bench) {
	script := `i=0; while [ $i -lt 200 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done`
	got := b.runToEnd(ctx, t, run.Spec{Args: sh(script)}, nil)
	var out, err strings.Builder
	for _, line := range numbers(200) {
		out.WriteString("out " + line)
		err.WriteString("err " + line)
	}
	equal(t, "run", got, result{out: out.String(), err: err.String()})
}

// noise is n bytes of every value, the same each time.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	p := make([]byte, n)
	r.Read(p)
	return p
}

func attachMegabyte(ctx context.Context, t *testing.T, b *bench) {
	want := noise(1 << 20)
	got := b.runToEnd(ctx, t, run.Spec{Args: []string{"cat"}}, bytes.NewReader(want))
	equal(t, "exit code", got.code, 0)
	sameBytes(t, []byte(got.out), want)
}

// sameBytes compares much.
func sameBytes(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	t.Errorf("got %d bytes, want %d; they differ from byte %d on", len(got), len(want), at)
}

func attachEOF(ctx context.Context, t *testing.T, b *bench) {
	got := b.runToEnd(ctx, t, run.Spec{Args: sh("wc -c; echo over")}, strings.NewReader("12345"))
	equal(t, "run", got, result{out: "5\nover\n"})
	got = b.runToEnd(ctx, t, run.Spec{Args: sh("wc -c; echo over")}, strings.NewReader(""))
	equal(t, "run without input", got, result{out: "0\nover\n"})
}

func attachEndlessInput(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("read line; echo got $line"), Stdin: true})
	d := b.attach(ctx, t, name, images.AttachOptions{Stdin: true})
	must(t, b.Start(ctx, name))
	d.say(t, "something\n")
	must(t, soonDone(t, "Pipe", d.done))
	equal(t, "output", d.out.String(), "got something\n")
}

func attachEarlyInput(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("read line; echo got $line"), Stdin: true})
	d := b.attach(ctx, t, name, images.AttachOptions{Stdin: true})
	d.say(t, "early\n")
	must(t, b.Start(ctx, name))
	must(t, d.ended(ctx, t))
	equal(t, "output", d.out.String(), "got early\n")
}

func attachNoStreams(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("head -c 200000 /dev/zero; head -c 200000 /dev/zero >&2; exit 2")})
	exits, err := b.Wait(ctx, name)
	must(t, err)
	s, err := b.Attach(ctx, name, images.AttachOptions{})
	must(t, err)
	defer s.Close()
	must(t, b.Start(ctx, name))
	must(t, s.Pipe(ctx, images.Streams{}))
	equal(t, "exit code", exitCode(ctx, t, exits), 2)
}

func attachRunning(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "echo late; echo wrong >&2; exit 0")})
	b.awaitLog(ctx, t, name, "ready")
	d := b.attach(ctx, t, name, images.AttachOptions{})
	must(t, b.Kill(ctx, name, syscall.SIGUSR1))
	must(t, d.ended(ctx, t))
	equal(t, "output since", result{out: d.out.String(), err: d.err.String()}, result{out: "late\n", err: "wrong\n"})
}

func attachAgain(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("cat; echo end"), Stdin: true})
	for _, text := range []string{"first\n", "second\n"} {
		got := b.runCreated(ctx, t, name, strings.NewReader(text))
		equal(t, "run", got, result{out: text + "end\n"})
	}
}

func attachTwice(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("echo to both")})
	one := b.attach(ctx, t, name, images.AttachOptions{})
	two := b.attach(ctx, t, name, images.AttachOptions{})
	must(t, b.Start(ctx, name))
	for _, d := range []*dialog{one, two} {
		must(t, d.ended(ctx, t))
		equal(t, "output", d.out.String(), "to both\n")
	}
}

func attachCancelled(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "echo still here"), Stdin: true})
	b.awaitLog(ctx, t, name, "ready")
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	d := b.attach(inner, t, name, images.AttachOptions{Stdin: true})
	must(t, b.Kill(ctx, name, syscall.SIGUSR1))
	d.out.await(ctx, t, "still here")
	cancel()
	wantError(t, soonDone(t, "Pipe", d.done), context.Canceled)
	equal(t, "state", b.inspect(ctx, t, name).State, images.Running)
}

func attachStatus(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("read line; exit 6"), Stdin: true})
	s, err := b.Attach(ctx, name, images.AttachOptions{Stdin: true})
	must(t, err)
	defer s.Close()
	must(t, b.Start(ctx, name))
	_, err = s.Wait(ctx)
	wantError(t, err, images.ErrConflict, name)
	r, w := io.Pipe()
	go w.Write([]byte("go on\n"))
	defer w.Close()
	must(t, s.Pipe(ctx, images.Streams{Stdin: r}))
	eventually(ctx, t, "it has ended", func() bool { return !b.inspect(ctx, t, name).IsRunning() })
	code, err := s.Wait(ctx)
	must(t, err)
	equal(t, "exit status", code, 6)
}

// numbers are the lines 0 to n-1.
func numbers(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = strconv.Itoa(i) + "\n"
	}
	return lines
}
