package enginetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func containerTests() []test {
	return []test{
		{"says what it is", containerFields},
		{"says what was asked for", containerFlags},
		{"says where it is in its life", containerStates},
		{"by name and by ID", containerReferences},
	}
}

func containerFields(ctx context.Context, t *testing.T, b *bench) {
	image, imageID := b.newImage(ctx, t, ImageOptions{
		Entrypoint: []string{"/bin/echo", "a b"}, Labels: map[string]string{"from": "image", "both": "image"},
	})
	before := time.Now().Add(-2 * time.Second)
	name := b.create(ctx, t, run.Spec{
		Image:  image,
		Args:   []string{"c  d", ""},
		Labels: []run.Pair{{Name: "mine", Value: "x=y z"}, {Name: "both", Value: "spec"}},
		Env:    []run.EnvVar{{Name: "GREETING", Value: "hello world"}},
	})
	c := b.inspect(ctx, t, name)
	equal(t, "name", c.Name, name)
	equal(t, "image ID", c.ImageID, imageID)
	equal(t, "image name", c.ImageName, image)
	equal(t, "state", c.State, images.Created)
	equal(t, "exit code", c.ExitCode, 0)
	equal(t, "PID", c.PID, 0)
	if d := cmp.Diff([]string{"/bin/echo", "a b", "c  d", ""}, c.Command); d != "" {
		t.Errorf("command (-want +got):\n%s", d)
	}
	for k, v := range map[string]string{"mine": "x=y z", "from": "image", "both": "spec"} {
		equal(t, "label "+k, c.Labels[k], v)
	}
	if !slices.Contains(c.Env, "GREETING=hello world") {
		t.Errorf("environment %q does not have GREETING=hello world", c.Env)
	}
	if c.Created.Before(before) || c.Created.After(time.Now().Add(2*time.Second)) {
		t.Errorf("created %v, want now", c.Created)
	}
}

func containerFlags(ctx context.Context, t *testing.T, b *bench) {
	type flags struct{ tty, stdin, remove, privileged bool }
	for _, want := range []flags{
		{}, {tty: true}, {stdin: true}, {remove: true}, {privileged: true}, {true, true, true, true},
	} {
		name := b.create(ctx, t, run.Spec{
			Args: []string{"true"}, TTY: want.tty, Stdin: want.stdin, Remove: want.remove, Privileged: want.privileged,
		})
		c := b.inspect(ctx, t, name)
		equal(t, "TTY, stdin, removal, privilege", flags{c.TTY, c.Stdin, c.AutoRemove, c.Privileged}, want)
	}
}

func containerStates(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: trap("TERM", "exit 9")})
	life := func(c images.Container) [3]any { return [3]any{c.State, c.IsRunning(), c.ExitCode} }

	c := b.inspect(ctx, t, name)
	equal(t, "created", life(c), [3]any{images.Created, false, 0})

	must(t, b.Start(ctx, name))
	b.awaitLog(ctx, t, name, "ready")
	c = b.inspect(ctx, t, name)
	equal(t, "running", life(c), [3]any{images.Running, true, 0})
	if c.PID <= 0 {
		t.Errorf("a running container has PID %d", c.PID)
	}

	must(t, b.Stop(ctx, name, nil))
	c = b.inspect(ctx, t, name)
	equal(t, "stopped", life(c), [3]any{images.Exited, false, 9})
	equal(t, "PID of a stopped container", c.PID, 0)
}

func containerReferences(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	id := b.inspect(ctx, t, name).ID
	for _, ref := range []string{name, id} {
		c := b.inspect(ctx, t, ref)
		equal(t, "ID by "+ref, c.ID, id)
		s, err := b.Exec(ctx, ref, images.Process{Args: []string{"echo", "x"}})
		must(t, err)
		out, _ := pipe(ctx, t, s, nil)
		equal(t, "output", out, "x\n")
		must(t, s.Close())
		must(t, b.Kill(ctx, ref, 9))
		eventually(ctx, t, "it stops", func() bool { return !b.inspect(ctx, t, ref).IsRunning() })
		must(t, b.Start(ctx, ref))
	}
}

func containersTests() []test {
	return []test{{"has all of them", containersList}}
}

func containersList(ctx context.Context, t *testing.T, b *bench) {
	want := map[string]images.State{
		b.create(ctx, t, run.Spec{Args: []string{"true"}, Labels: []run.Pair{{Name: "mine", Value: "x"}}}): images.Created,
		b.idle(ctx, t):            images.Running,
		b.ended(ctx, t, "exit 3"): images.Exited,
	}
	all, err := b.Containers(ctx)
	must(t, err)
	for name, state := range want {
		i := slices.IndexFunc(all, func(c images.Container) bool { return c.Name == name })
		if i < 0 {
			t.Errorf("no container %s in the list", name)
			continue
		}
		got, whole := all[i], b.inspect(ctx, t, name)
		equal(t, "state", got.State, state)
		equal(t, "ID", got.ID, whole.ID)
		equal(t, "image ID", got.ImageID, whole.ImageID)
		equal(t, "image name", got.ImageName, whole.ImageName)
		equal(t, "label", got.Labels["mine"], whole.Labels["mine"])
		equal(t, "created", got.Created.Unix(), whole.Created.Unix())
		if len(got.Command) == 0 {
			t.Error("no command")
		}
		if got.ExitCode != 0 || got.PID != 0 || got.Env != nil {
			t.Errorf("a list has what only inspecting gives: %+v", got)
		}
	}
}

func renameTests() []test {
	return []test{
		{"gives another name", renameGives},
		{"refuses a name in use", renameConflict},
	}
}

func renameGives(ctx context.Context, t *testing.T, b *bench) {
	name := b.idle(ctx, t)
	id := b.inspect(ctx, t, name).ID
	newName := unique()
	b.forget(t, newName)
	must(t, b.Rename(ctx, name, newName))
	c := b.inspect(ctx, t, newName)
	equal(t, "ID under the new name", c.ID, id)
	equal(t, "name", c.Name, newName)
	equal(t, "state", c.State, images.Running)
	_, err := b.Container(ctx, name)
	wantError(t, err, images.ErrNotFound, name)
	b.create(ctx, t, run.Spec{Name: name, Args: []string{"true"}}) // the name is free
}

func renameConflict(ctx context.Context, t *testing.T, b *bench) {
	name := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	other := b.create(ctx, t, run.Spec{Args: []string{"true"}})
	otherID := b.inspect(ctx, t, other).ID
	wantError(t, b.Rename(ctx, name, other), images.ErrConflict, name, other)
	equal(t, "ID of the container that has the name", b.inspect(ctx, t, other).ID, otherID)
	equal(t, "name after the refusal", b.inspect(ctx, t, name).Name, name)
}
