package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func startTests() []test {
	return []test{
		{"starts a created and a stopped container", startAgain},
		{"does nothing to a running one", startRunning},
		{"tells that the program is not there", startNoProgram},
		{"tells that the program is none", startNotExecutable},
	}
}

func startAgain(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: sh("echo once more; exit 4")})
	for range 3 {
		equal(t, "run", b.runCreated(ctx, t, name, nil), result{out: "once more\n", code: 4})
		c := b.inspect(ctx, t, name)
		equal(t, "state", c.State, images.Exited)
		equal(t, "exit code", c.ExitCode, 4)
	}
}

func startRunning(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	before := b.inspect(ctx, t, name)
	must(t, b.Start(ctx, name))
	after := b.inspect(ctx, t, name)
	equal(t, "state", after.State, images.Running)
	equal(t, "PID", after.PID, before.PID)
}

func startNoProgram(ctx context.Context, t *testing.T, b *bench) {
	for _, program := range []string{"no-such-program", "/no/such/program", "/bin/no-such-program"} {
		b.cannotStart(ctx, t, program, images.ErrProgramNotFound)
	}
}

func startNotExecutable(ctx context.Context, t *testing.T, b *bench) {
	for _, program := range []string{plainFile, plainDir} {
		b.cannotStart(ctx, t, program, images.ErrProgramNotExecutable)
	}
}

// cannotStart checks that a container whose program cannot be run says so, and
// is there all the same unless it was to remove itself.
func (b *bench) cannotStart(ctx context.Context, t *testing.T, program string, kind error) {
	t.Helper()
	name := b.create(ctx, t, run.Spec{Args: []string{program}})
	wantError(t, b.Start(ctx, name), kind, name)
	c := b.inspect(ctx, t, name)
	equal(t, "state after Start failed", c.State, images.Created)
	equal(t, "PID after Start failed", c.PID, 0)
	must(t, b.Remove(ctx, name, false))

	name = b.create(ctx, t, run.Spec{Args: []string{program}, Remove: true})
	wantError(t, b.Start(ctx, name), kind, name)
	b.awaitGone(ctx, t, name)
}

func stopTests() []test {
	return []test{
		{"sends the stop signal", stopSignal},
		{"sends the container's own signal", stopOwnSignal},
		{"kills after the grace period", stopKills},
		{"kills after the container's own grace period", stopKillsOwn},
		{"has no grace when none is given", stopNoGrace},
		{"does nothing to a stopped one", stopStopped},
	}
}

// seconds are a grace period.
func seconds(n int) *time.Duration {
	d := time.Duration(n) * time.Second
	return &d
}

func stopSignal(ctx context.Context, t *testing.T, b *bench) {
	for _, grace := range []*time.Duration{nil, seconds(50)} {
		name := b.start(ctx, t, run.Spec{Args: trap("TERM", "echo bye; exit 7")})
		b.awaitLog(ctx, t, name, "ready")
		must(t, soon(t, "Stop", func() error { return b.Stop(ctx, name, grace) }))
		c := b.inspect(ctx, t, name)
		equal(t, "state", c.State, images.Exited)
		equal(t, "exit code", c.ExitCode, 7)
	}
}

func stopOwnSignal(ctx context.Context, t *testing.T, b *bench) {
	for _, signal := range []string{"SIGUSR1", "USR1", "10"} {
		name := b.start(ctx, t, run.Spec{Args: trap("USR1", "exit 8"), StopSignal: signal})
		b.awaitLog(ctx, t, name, "ready")
		must(t, soon(t, "Stop", func() error { return b.Stop(ctx, name, nil) }))
		equal(t, "exit code with "+signal, b.inspect(ctx, t, name).ExitCode, 8)
	}
}

func stopKills(ctx context.Context, t *testing.T, b *bench) {
	b.stopAfterASecond(ctx, t, run.Spec{}, seconds(1))
}

func stopKillsOwn(ctx context.Context, t *testing.T, b *bench) {
	one := 1
	b.stopAfterASecond(ctx, t, run.Spec{StopTimeout: &one}, nil)
}

// stopAfterASecond checks that a container that does not obey is given a
// second and no more.
func (b *bench) stopAfterASecond(ctx context.Context, t *testing.T, spec run.Spec, grace *time.Duration) {
	t.Helper()
	name := b.stubborn(ctx, t, spec)
	began := time.Now()
	must(t, b.Stop(ctx, name, grace))
	took := time.Since(began)
	if took < 900*time.Millisecond || took > 8*time.Second {
		t.Errorf("stopping with a grace period of 1 s took %v", took)
	}
	equal(t, "exit code", b.inspect(ctx, t, name).ExitCode, 128+int(syscall.SIGKILL))
}

// stubborn starts a container that does not stop when it is told to. It is
// waited for: a signal that comes between Start and the program's first steps
// can find the engine's helper in its place, which obeys.
func (b *bench) stubborn(ctx context.Context, t *testing.T, spec run.Spec) string {
	t.Helper()
	spec.Args = trap("TERM", "echo not now")
	name := b.start(ctx, t, spec)
	b.awaitLog(ctx, t, name, "ready")
	return name
}

func stopNoGrace(ctx context.Context, t *testing.T, b *bench) {
	name := b.stubborn(ctx, t, run.Spec{})
	must(t, soon(t, "Stop", func() error { return b.Stop(ctx, name, seconds(0)) }))
	c := b.inspect(ctx, t, name)
	equal(t, "state", c.State, images.Exited)
	equal(t, "exit code", c.ExitCode, 128+int(syscall.SIGKILL))
}

func stopStopped(ctx context.Context, t *testing.T, b *bench) {
	name := b.ended(ctx, t, "exit 5")
	for range 2 {
		must(t, b.Stop(ctx, name, nil))
	}
	c := b.inspect(ctx, t, name)
	equal(t, "state", c.State, images.Exited)
	equal(t, "exit code", c.ExitCode, 5)

	created := b.create(ctx, t, run.Spec{Args: sh("exit 6")})
	must(t, b.Stop(ctx, created, nil))
	equal(t, "run after all", b.runCreated(ctx, t, created, nil), result{code: 6})
}

func killTests() []test {
	return []test{
		{"sends the signal to the first process", killSends},
		{"kills", killKills},
		{"refuses a container that does not run", killStopped},
	}
}

func killSends(ctx context.Context, t *testing.T, b *bench) {
	name := b.start(ctx, t, run.Spec{Args: trap("USR1", "echo got it")})
	b.awaitLog(ctx, t, name, "ready")
	must(t, b.Kill(ctx, name, syscall.SIGUSR1))
	b.awaitLog(ctx, t, name, "got it")
	equal(t, "state", b.inspect(ctx, t, name).State, images.Running)
}

func killKills(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	exits, err := b.Wait(ctx, name)
	must(t, err)
	must(t, b.Kill(ctx, name, syscall.SIGKILL))
	equal(t, "exit code", exitCode(ctx, t, exits), 128+int(syscall.SIGKILL))
}

func killStopped(ctx context.Context, t *testing.T, b *bench) {
	for what, name := range map[string]string{
		"created": b.create(ctx, t, run.Spec{Args: []string{"true"}}),
		"exited":  b.ended(ctx, t, "true"),
	} {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGUSR1} {
			err := b.Kill(ctx, name, signal)
			wantError(t, err, images.ErrConflict, name)
			if t.Failed() {
				t.Fatalf("the container is %s, the signal %s", what, signal)
			}
		}
	}
}

func removeTests() []test {
	return []test{
		{"removes a created and a stopped one", removeStopped},
		{"refuses a running one", removeRunning},
		{"by force kills a running one", removeForced},
		{"takes anonymous volumes along", removeVolumes},
	}
}

func removeStopped(ctx context.Context, t *testing.T, b *bench) {
	for _, name := range []string{
		b.create(ctx, t, run.Spec{Args: []string{"true"}}),
		b.ended(ctx, t, "true"),
	} {
		id := b.inspect(ctx, t, name).ID
		must(t, b.Remove(ctx, name, false))
		for _, ref := range []string{name, id} {
			_, err := b.Container(ctx, ref)
			wantError(t, err, images.ErrNotFound, ref)
			wantError(t, b.Remove(ctx, ref, false), images.ErrNotFound, ref)
			wantError(t, b.Start(ctx, ref), images.ErrNotFound, ref)
		}
		b.create(ctx, t, run.Spec{Name: name, Args: []string{"true"}}) // the name is free
	}
}

func removeRunning(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	wantError(t, b.Remove(ctx, name, false), images.ErrConflict, name)
	equal(t, "state after the refusal", b.inspect(ctx, t, name).State, images.Running)
}

func removeForced(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	exits, err := b.Wait(ctx, name)
	must(t, err)
	must(t, b.Remove(ctx, name, true))
	_, err = b.Container(ctx, name)
	wantError(t, err, images.ErrNotFound, name)
	select {
	case exit := <-exits:
		if exit.Err == nil && exit.Code != 128+int(syscall.SIGKILL) {
			t.Errorf("removed by force it ended with %+v", exit)
		}
	case <-ctx.Done():
		t.Error("who waited was never told")
	}
	wantError(t, b.Remove(ctx, name, true), images.ErrNotFound, name)
}

func removeVolumes(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{
		Args:   sh("echo x > /data/file; cat /proc/self/mountinfo"),
		Mounts: []run.Mount{{Type: run.Volume, Target: "/data"}},
	})
	got := b.runCreated(ctx, t, name, nil)
	volume := ""
	for line := range strings.Lines(got.out) {
		// ID, parent, device, path in the file system, path in the container.
		if fields := strings.Fields(line); len(fields) > 4 && fields[4] == "/data" {
			volume = filepath.Join(fields[3], "file")
		}
	}
	if _, err := os.Stat(volume); err != nil {
		t.Skipf("the engine does not show where it keeps volumes: %v", err)
	}
	must(t, b.Remove(ctx, name, false))
	if _, err := os.Stat(volume); !os.IsNotExist(err) {
		t.Errorf("looking for the volume: got %v, want that it is gone", err)
	}
}
