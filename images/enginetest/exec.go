package enginetest

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func execTests() []test {
	return []test{
		{"runs another process", execRuns},
		{"gives the exit status", execStatus},
		{"passes on input and its end", execInput},
		{"carries a megabyte each way", execMegabyte},
		{"on a terminal", execTerminal},
		{"knows the size of the terminal", execSize},
		{"tells that the program is not there", execNoProgram},
		{"tells that the program is none", execNotExecutable},
		{"refuses a container that does not run", execStopped},
		{"detached", execDetached},
		{"ends with the detach keys", execDetachKeys},
		{"ends with the container", execContainerEnds},
		{"ends with its context", execCancelled},
		{"many at once", execMany},
	}
}

// execToEnd runs a process to its end.
func (b *bench) execToEnd(ctx context.Context, t *testing.T, name string, p images.Process) result {
	t.Helper()
	s, err := b.Exec(ctx, name, p)
	must(t, err)
	defer s.Close()
	var r result
	r.out, r.err = pipe(ctx, t, s, nil)
	r.code, err = s.Wait(ctx)
	must(t, err)
	return r
}

func execRuns(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{
		Args: []string{"sleep", "1000"}, WorkDir: "/tmp", User: "app",
		Env: []run.EnvVar{{Name: "A", Value: "container"}, {Name: "B", Value: "container"}},
	})
	for _, c := range []struct {
		name string
		p    images.Process
		want result
	}{
		{"streams", images.Process{Args: sh("echo out; echo err >&2")}, result{out: "out\n", err: "err\n"}},
		{"words", images.Process{Args: append(sh(`printf "<%s>" "$@"`), "sh", "a  b", "", "$A", "'\n")}, result{out: "<a  b><><$A><'\n>"}},
		{"the container's own", images.Process{Args: sh("pwd; id -u; id -g; echo $A")}, result{out: "/tmp\n1001\n1002\ncontainer\n"}},
		{"environment", images.Process{Args: sh(`echo "$A $B $C"`), Env: []string{"A=x  y", "C=c=d"}}, result{out: "x  y container c=d\n"}},
		{"user", images.Process{Args: sh("id -u; id -g"), User: "5:6"}, result{out: "5\n6\n"}},
		{"root", images.Process{Args: sh("id -u"), User: "root"}, result{out: "0\n"}},
		{"directory", images.Process{Args: []string{"pwd"}, WorkDir: "/etc"}, result{out: "/etc\n"}},
	} {
		got := b.execToEnd(ctx, t, name, c.p)
		if got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	equal(t, "state of the container", b.inspect(ctx, t, name).State, images.Running)
}

func execStatus(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	for _, code := range []int{0, 1, 3, 125, 126, 127, 130, 255} {
		got := b.execToEnd(ctx, t, name, images.Process{Args: sh("exit " + strconv.Itoa(code))})
		equal(t, "exit status", got, result{code: code})
	}
}

func execInput(ctx context.Context, t *testing.T, b *bench) {
	s, err := b.Exec(ctx, b.idle(ctx, t), images.Process{Args: sh("wc -c; exit 4"), Stdin: true})
	must(t, err)
	defer s.Close()
	out, _ := pipe(ctx, t, s, strings.NewReader("12345"))
	equal(t, "output", out, "5\n")
	code, err := s.Wait(ctx)
	must(t, err)
	equal(t, "exit status", code, 4)
}

func execMegabyte(ctx context.Context, t *testing.T, b *bench) {
	s, err := b.Exec(ctx, b.idle(ctx, t), images.Process{Args: []string{"cat"}, Stdin: true})
	must(t, err)
	defer s.Close()
	want := noise(1 << 20)
	out, _ := pipe(ctx, t, s, bytes.NewReader(want))
	sameBytes(t, []byte(out), want)
}

func execTerminal(ctx context.Context, t *testing.T, b *bench) {
	d := b.exec(ctx, t, b.idle(ctx, t), images.Process{
		Args: sh("read line; echo got $line; echo err >&2; exit 3"), TTY: true, Stdin: true,
	})
	d.say(t, "it\r")
	must(t, d.ended(ctx, t))
	equal(t, "output", d.out.String(), "it\r\ngot it\r\nerr\r\n")
	equal(t, "error output", d.err.String(), "")
	code, err := d.Wait(ctx)
	must(t, err)
	equal(t, "exit status", code, 3)
}

func execSize(ctx context.Context, t *testing.T, b *bench) {
	d := b.exec(ctx, t, b.idle(ctx, t), images.Process{
		Args: sizes(), TTY: true, Stdin: true, Size: images.Size{Columns: 91, Rows: 31},
	})
	d.wantSize(ctx, t, "<31 91>")
	must(t, d.Resize(ctx, images.Size{Columns: 70, Rows: 20}))
	d.wantSize(ctx, t, "<20 70>")
}

func execNoProgram(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	for _, program := range []string{"no-such-program", "/no/such/program"} {
		for _, tty := range []bool{false, true} {
			b.cannotExec(ctx, t, name, images.Process{Args: []string{program}, TTY: tty}, images.ErrProgramNotFound, 127)
		}
	}
}

func execNotExecutable(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	for _, program := range []string{plainFile, plainDir} {
		b.cannotExec(ctx, t, name, images.Process{Args: []string{program}}, images.ErrProgramNotExecutable, 126)
	}
}

// cannotExec checks that a program that cannot be run is told of, either at
// once or by the status that a shell would give.
func (b *bench) cannotExec(ctx context.Context, t *testing.T, name string, p images.Process, kind error, code int) {
	t.Helper()
	s, err := b.Exec(ctx, name, p)
	if err != nil {
		wantError(t, err, kind, name)
		return
	}
	defer s.Close()
	pipe(ctx, t, s, nil)
	got, err := s.Wait(ctx)
	if err != nil {
		wantError(t, err, kind, name)
		return
	}
	equal(t, "exit status of "+p.Args[0], got, code)
}

func execStopped(ctx context.Context, t *testing.T, b *bench) {
	for _, name := range []string{
		b.create(ctx, t, run.Spec{Args: []string{"true"}}),
		b.ended(ctx, t, "true"),
	} {
		_, err := b.Exec(ctx, name, images.Process{Args: []string{"true"}})
		wantError(t, err, images.ErrConflict, name)
	}
}

func execDetached(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "echo signalled")})
	b.awaitLog(ctx, t, name, "ready")
	s, err := b.Exec(ctx, name, images.Process{
		Args: sh("echo unseen; kill -USR1 1; while [ ! -e /tmp/go ]; do sleep 0.02; done; exit 4"), Detach: true,
	})
	must(t, err)
	defer s.Close()
	b.awaitLog(ctx, t, name, "signalled")
	_, err = s.Wait(ctx)
	wantError(t, err, images.ErrConflict, name)
	equal(t, "let go", b.execToEnd(ctx, t, name, images.Process{Args: sh("echo > /tmp/go")}), result{})
	var code int
	eventually(ctx, t, "the process has ended", func() bool {
		code, err = s.Wait(ctx)
		return !errors.Is(err, images.ErrConflict)
	})
	must(t, err)
	equal(t, "exit status", code, 4)
}

// execDetachKeys is where Docker 20.10 needs help: it takes the detach keys for
// an error and kills the process. A client that sees the keys itself, keeps
// the last one back and hangs up leaves the process running.
func execDetachKeys(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	for _, c := range []struct{ keys, typed string }{
		{"", "\x10\x11"}, // ctrl-p,ctrl-q
		{"ctrl-x,y", "\x18y"},
	} {
		d := b.exec(ctx, t, name, images.Process{
			Args: sh("while read line; do echo got $line; done"), TTY: true, Stdin: true, DetachKeys: c.keys,
		})
		d.say(t, "one\r")
		d.out.await(ctx, t, "got one\r\n")
		d.say(t, c.typed)
		must(t, soonDone(t, "Pipe", d.done))
		_, err := d.Wait(ctx)
		wantError(t, err, images.ErrConflict, name)
	}
}

func execContainerEnds(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	d := b.exec(ctx, t, name, images.Process{Args: sh("echo here; sleep 1000")})
	d.out.await(ctx, t, "here")
	must(t, b.Kill(ctx, name, syscall.SIGKILL))
	if err := soonDone(t, "Pipe", d.done); err != nil {
		t.Errorf("the output ended with %v", err)
	}
}

func execCancelled(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	d := b.exec(inner, t, name, images.Process{Args: sh("echo here; sleep 1000"), Stdin: true})
	d.out.await(ctx, t, "here")
	cancel()
	wantError(t, soonDone(t, "Pipe", d.done), context.Canceled)
	equal(t, "state of the container", b.inspect(ctx, t, name).State, images.Running)
}

func execMany(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			s, err := b.Exec(ctx, name, images.Process{Args: sh("echo $N; exit $N"), Env: []string{"N=" + strconv.Itoa(i)}})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			var out bytes.Buffer
			if err := s.Pipe(ctx, images.Streams{Stdout: &out}); err != nil {
				t.Error(err)
			}
			code, err := s.Wait(ctx)
			if err != nil || code != i || out.String() != strconv.Itoa(i)+"\n" {
				t.Errorf("process %d: printed %q, ended with %d, %v", i, &out, code, err)
			}
		})
	}
	all.Wait()
}
