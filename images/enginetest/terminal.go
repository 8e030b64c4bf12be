package enginetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func terminalTests() []test {
	return []test{
		{"prints everything to stdout on a terminal", terminalOutput},
		{"takes input from a terminal", terminalInput},
		{"tells the size of the terminal", terminalSize},
		{"ends with the detach keys", terminalDetach},
	}
}

func terminalOutput(ctx context.Context, t *testing.T, b *bench) {
	got := b.runToEnd(ctx, t, run.Spec{Args: sh("echo out; echo err >&2; exit 3"), TTY: true}, nil)
	equal(t, "run", got, result{out: "out\r\nerr\r\n", code: 3})
}

func terminalInput(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("read line; echo got $line"), TTY: true, Stdin: true})
	d := b.attach(ctx, t, name, images.AttachOptions{Stdin: true})
	must(t, b.Start(ctx, name))
	d.say(t, "something\r")
	must(t, soonDone(t, "Pipe", d.done))
	// A terminal says again what is typed.
	equal(t, "output", d.out.String(), "something\r\ngot something\r\n")
}

// sizes prints the size of its terminal each time a line is typed.
func sizes() []string { return sh("while read line; do echo \"<$(stty size)>\"; done") }

// wantSize asks sizes until it prints what is wanted. Podman hands on a size
// without waiting for the terminal to have it.
func (d *dialog) wantSize(ctx context.Context, t *testing.T, want string) {
	t.Helper()
	deadline := time.Now().Add(promptly)
	for {
		answers := strings.Count(d.out.String(), ">")
		d.say(t, "\r")
		d.out.awaitTimes(ctx, t, answers+1, ">")
		got := d.out.String()
		if strings.HasSuffix(strings.TrimSpace(got), want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sizes are %q, want that they become %s", got, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func terminalSize(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sizes(), TTY: true, Stdin: true})
	d := b.attach(ctx, t, name, images.AttachOptions{Stdin: true})
	must(t, b.Start(ctx, name))
	must(t, d.Resize(ctx, images.Size{Columns: 100, Rows: 40}))
	d.wantSize(ctx, t, "<40 100>")
	must(t, d.Resize(ctx, images.Size{Columns: 33, Rows: 7}))
	d.wantSize(ctx, t, "<7 33>")
}

func terminalDetach(ctx context.Context, t *testing.T, b *bench) {
	for _, c := range []struct{ keys, typed string }{
		{"", "\x10\x11"}, // ctrl-p,ctrl-q
		{"ctrl-x,y", "\x18y"},
	} {
		name := b.create(ctx, t, run.Spec{
			Args: sh("while read line; do echo got $line; done"), TTY: true, Stdin: true, DetachKeys: c.keys,
		})
		d := b.attach(ctx, t, name, images.AttachOptions{Stdin: true, DetachKeys: c.keys})
		must(t, b.Start(ctx, name))
		d.say(t, "one\r")
		d.out.await(ctx, t, "got one\r\n")
		d.say(t, c.typed)
		must(t, soonDone(t, "Pipe", d.done))
		equal(t, "state", b.inspect(ctx, t, name).State, images.Running)
		_, err := d.Wait(ctx)
		wantError(t, err, images.ErrConflict, name)

		// The container still listens to who comes back.
		d = b.attach(ctx, t, name, images.AttachOptions{Stdin: true, DetachKeys: c.keys})
		d.say(t, "two\r")
		d.out.await(ctx, t, "got two\r\n")
	}
}
