package enginetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
)

// A sabotage is an engine that breaks one sentence of the contract. The suite
// is worth something only if it sees that.
type sabotage struct {
	name   string
	seen   string // by this test, group/test
	engine func(good images.Engine) images.Engine
	slow   bool
}

// sabotageVariable tells the process that is run for a sabotage which one.
const sabotageVariable = "ENGINETEST_SABOTAGE"

// TestSabotaged is the suite on a sabotaged engine, in a process of its own.
func TestSabotaged(t *testing.T) {
	name := os.Getenv(sabotageVariable)
	if name == "" {
		t.Skip("is run by TestSuiteSeesSabotage")
	}
	all := sabotages()
	i := slices.IndexFunc(all, func(s sabotage) bool { return s.name == name })
	enginetest.Run(t, func(*testing.T) images.Engine { return all[i].engine(fake.New()) })
}

func TestSuiteSeesSabotage(t *testing.T) {
	for _, s := range sabotages() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.slow && testing.Short() {
				t.Skip("takes as long as the suite waits for what is to be prompt")
			}
			group, test, _ := strings.Cut(s.seen, "/")
			cmd := exec.CommandContext(t.Context(), os.Args[0],
				fmt.Sprintf("-test.run=^TestSabotaged$/^%s$/^%s$", group, strings.ReplaceAll(test, " ", "_")))
			cmd.Env = append(os.Environ(), sabotageVariable+"="+s.name)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !bytes.Contains(out, []byte("--- FAIL: TestSabotaged/"+group)) {
				t.Errorf("%s does not see it: %v\n%s", s.seen, err, out)
			}
		})
	}
}

// A rig is an engine some of whose methods are others.
type rig struct {
	images.Engine
	image       func(ctx context.Context, ref string) (images.Image, error)
	images      func(ctx context.Context) ([]images.Image, error)
	tag         func(ctx context.Context, ref, name string) error
	removeImage func(ctx context.Context, ref string, force bool) error
	save        func(ctx context.Context, refs []string, w io.Writer) error
	load        func(ctx context.Context, r io.Reader) ([]string, error)
	pull        func(ctx context.Context, ref string, o images.PullOptions) (string, error)
	container   func(ctx context.Context, name string) (images.Container, error)
	create      func(ctx context.Context, spec run.Spec) (string, []string, error)
	start       func(ctx context.Context, name string) error
	stop        func(ctx context.Context, name string, grace *time.Duration) error
	kill        func(ctx context.Context, name string, s syscall.Signal) error
	remove      func(ctx context.Context, name string, force bool) error
	attach      func(ctx context.Context, name string, o images.AttachOptions) (images.Session, error)
	exec        func(ctx context.Context, name string, p images.Process) (images.Session, error)
	wait        func(ctx context.Context, name string) (<-chan images.Exit, error)
	logs        func(ctx context.Context, name string, o images.LogOptions, out, err io.Writer) error
	events      func(ctx context.Context, ready func(), f func(images.Event)) error
}

func (r rig) Image(ctx context.Context, ref string) (images.Image, error) {
	if r.image != nil {
		return r.image(ctx, ref)
	}
	return r.Engine.Image(ctx, ref)
}

func (r rig) Images(ctx context.Context) ([]images.Image, error) {
	if r.images != nil {
		return r.images(ctx)
	}
	return r.Engine.Images(ctx)
}

func (r rig) Tag(ctx context.Context, ref, name string) error {
	if r.tag != nil {
		return r.tag(ctx, ref, name)
	}
	return r.Engine.Tag(ctx, ref, name)
}

func (r rig) RemoveImage(ctx context.Context, ref string, force bool) error {
	if r.removeImage != nil {
		return r.removeImage(ctx, ref, force)
	}
	return r.Engine.RemoveImage(ctx, ref, force)
}

func (r rig) Save(ctx context.Context, refs []string, w io.Writer) error {
	if r.save != nil {
		return r.save(ctx, refs, w)
	}
	return r.Engine.Save(ctx, refs, w)
}

func (r rig) Load(ctx context.Context, in io.Reader) ([]string, error) {
	if r.load != nil {
		return r.load(ctx, in)
	}
	return r.Engine.Load(ctx, in)
}

func (r rig) Pull(ctx context.Context, ref string, o images.PullOptions) (string, error) {
	if r.pull != nil {
		return r.pull(ctx, ref, o)
	}
	return r.Engine.Pull(ctx, ref, o)
}

func (r rig) Container(ctx context.Context, name string) (images.Container, error) {
	if r.container != nil {
		return r.container(ctx, name)
	}
	return r.Engine.Container(ctx, name)
}

func (r rig) Create(ctx context.Context, spec run.Spec) (string, []string, error) {
	if r.create != nil {
		return r.create(ctx, spec)
	}
	return r.Engine.Create(ctx, spec)
}

func (r rig) Start(ctx context.Context, name string) error {
	if r.start != nil {
		return r.start(ctx, name)
	}
	return r.Engine.Start(ctx, name)
}

func (r rig) Stop(ctx context.Context, name string, grace *time.Duration) error {
	if r.stop != nil {
		return r.stop(ctx, name, grace)
	}
	return r.Engine.Stop(ctx, name, grace)
}

func (r rig) Kill(ctx context.Context, name string, s syscall.Signal) error {
	if r.kill != nil {
		return r.kill(ctx, name, s)
	}
	return r.Engine.Kill(ctx, name, s)
}

func (r rig) Remove(ctx context.Context, name string, force bool) error {
	if r.remove != nil {
		return r.remove(ctx, name, force)
	}
	return r.Engine.Remove(ctx, name, force)
}

func (r rig) Attach(ctx context.Context, name string, o images.AttachOptions) (images.Session, error) {
	if r.attach != nil {
		return r.attach(ctx, name, o)
	}
	return r.Engine.Attach(ctx, name, o)
}

func (r rig) Exec(ctx context.Context, name string, p images.Process) (images.Session, error) {
	if r.exec != nil {
		return r.exec(ctx, name, p)
	}
	return r.Engine.Exec(ctx, name, p)
}

func (r rig) Wait(ctx context.Context, name string) (<-chan images.Exit, error) {
	if r.wait != nil {
		return r.wait(ctx, name)
	}
	return r.Engine.Wait(ctx, name)
}

func (r rig) Logs(ctx context.Context, name string, o images.LogOptions, out, err io.Writer) error {
	if r.logs != nil {
		return r.logs(ctx, name, o, out, err)
	}
	return r.Engine.Logs(ctx, name, o, out, err)
}

func (r rig) Events(ctx context.Context, ready func(), f func(images.Event)) error {
	if r.events != nil {
		return r.events(ctx, ready, f)
	}
	return r.Engine.Events(ctx, ready, f)
}

// A riggedSession is a session that pipes in another way.
type riggedSession struct {
	images.Session
	pipe func(ctx context.Context, s images.Streams) error
}

func (s riggedSession) Pipe(ctx context.Context, to images.Streams) error { return s.pipe(ctx, to) }
