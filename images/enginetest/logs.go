package enginetest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func logsTests() []test {
	return []test{
		{"have what was printed", logsAll},
		{"of a terminal are on stdout", logsTerminal},
		{"have all runs", logsRuns},
		{"can be the last lines", logsTail},
		{"can be those since a time", logsSince},
		{"can have times", logsTimes},
		{"follow the container to its end", logsFollow},
		{"of a container that never ran are empty", logsEmpty},
		{"follow until the context ends", logsCancelled},
	}
}

// logs reads the log of a container.
func (b *bench) logs(ctx context.Context, t *testing.T, name string, o images.LogOptions) result {
	t.Helper()
	var out, err bytes.Buffer
	must(t, b.Logs(ctx, name, o, &out, &err))
	return result{out: out.String(), err: err.String()}
}

func logsAll(ctx context.Context, t *testing.T, b *bench) {
	name := b.ended(ctx, t, "echo one; echo two >&2; printf three; printf four >&2")
	equal(t, "log", b.logs(ctx, t, name, images.LogOptions{}), result{out: "one\nthree", err: "two\nfour"})
}

func logsTerminal(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("echo one; echo two >&2"), TTY: true})
	b.runCreated(ctx, t, name, nil)
	equal(t, "log", b.logs(ctx, t, name, images.LogOptions{}), result{out: "one\r\ntwo\r\n"})
}

func logsRuns(ctx context.Context, t *testing.T, b *bench) {
	name := b.ended(ctx, t, "echo run")
	b.runCreated(ctx, t, name, nil)
	equal(t, "log", b.logs(ctx, t, name, images.LogOptions{}), result{out: "run\nrun\n"})
}

func logsTail(ctx context.Context, t *testing.T, b *bench) {
	name := b.ended(ctx, t, "for i in 1 2 3 4 5; do echo line $i; done")
	for n, want := range map[int]string{
		0: "line 1\nline 2\nline 3\nline 4\nline 5\n",
		1: "line 5\n",
		2: "line 4\nline 5\n",
		9: "line 1\nline 2\nline 3\nline 4\nline 5\n",
	} {
		equal(t, "log", b.logs(ctx, t, name, images.LogOptions{Tail: n}), result{out: want})
	}
}

func logsSince(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "echo after")})
	b.awaitLog(ctx, t, name, "ready")
	since := time.Now()
	must(t, b.Kill(ctx, name, syscall.SIGUSR1))
	b.awaitLog(ctx, t, name, "after")
	equal(t, "log since", b.logs(ctx, t, name, images.LogOptions{Since: since}), result{out: "after\n"})
	equal(t, "log since before", b.logs(ctx, t, name, images.LogOptions{Since: since.Add(-time.Hour)}), result{out: "ready\nafter\n"})
}

func logsTimes(ctx context.Context, t *testing.T, b *bench) {
	before := time.Now().Add(-time.Second)
	name := b.ended(ctx, t, "echo one; echo two")
	text := b.logs(ctx, t, name, images.LogOptions{Timestamps: true}).out
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	equal(t, "number of lines", len(lines), 2)
	for i, line := range lines {
		stamp, rest, _ := strings.Cut(line, " ")
		equal(t, "line", rest, []string{"one", "two"}[i%2])
		when, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			t.Error(err)
		} else if when.Before(before) || when.After(time.Now().Add(time.Second)) {
			t.Errorf("line %q is not of now", line)
		}
	}
}

func logsFollow(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: sh("echo first; trap 'echo more; echo wrong >&2; exit 0' USR1; echo ready; while :; do sleep 0.05; done")})
	b.awaitLog(ctx, t, name, "ready")
	out, errs := newScreen(), newScreen()
	done := make(chan error, 1)
	go func() { done <- b.Logs(ctx, name, images.LogOptions{Follow: true}, out, errs) }()
	last := newScreen()
	lastDone := make(chan error, 1)
	go func() { lastDone <- b.Logs(ctx, name, images.LogOptions{Follow: true, Tail: 1}, last, io.Discard) }()
	out.await(ctx, t, "ready\n")
	last.await(ctx, t, "ready\n")
	must(t, b.Kill(ctx, name, syscall.SIGUSR1))
	must(t, soonDone(t, "Logs", done))
	must(t, soonDone(t, "Logs of the last line", lastDone))
	equal(t, "log from the last line", last.String(), "ready\nmore\n")
	equal(t, "log", result{out: out.String(), err: errs.String()}, result{out: "first\nready\nmore\n", err: "wrong\n"})
	must(t, soon(t, "Logs of what has ended", func() error {
		return b.Logs(ctx, name, images.LogOptions{Follow: true}, out, errs)
	}))
}

func logsEmpty(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	equal(t, "log", b.logs(ctx, t, name, images.LogOptions{}), result{})
}

func logsCancelled(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "true")})
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	out := newScreen()
	done := make(chan error, 1)
	go func() { done <- b.Logs(inner, name, images.LogOptions{Follow: true}, out, out) }()
	out.await(ctx, t, "ready")
	cancel()
	wantError(t, soonDone(t, "Logs", done), context.Canceled, name)
}
