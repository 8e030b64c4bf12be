package enginetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// A call is one of the calls of an engine, on the container and the image
// that it is given.
type call struct {
	name string
	make func(ctx context.Context, e images.Engine, container, image string) error
}

// containerCalls are the calls about a container.
func containerCalls() []call {
	return []call{
		{"Container", func(ctx context.Context, e images.Engine, c, _ string) error {
			_, err := e.Container(ctx, c)
			return err
		}},
		{"Start", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Start(ctx, c) }},
		{"Stop", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Stop(ctx, c, nil) }},
		{"Kill", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Kill(ctx, c, syscall.SIGTERM) }},
		{"Rename", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Rename(ctx, c, unique()) }},
		{"Remove", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Remove(ctx, c, false) }},
		{"Remove by force", func(ctx context.Context, e images.Engine, c, _ string) error { return e.Remove(ctx, c, true) }},
		{"Attach", func(ctx context.Context, e images.Engine, c, _ string) error {
			s, err := e.Attach(ctx, c, images.AttachOptions{})
			return closed(s, err)
		}},
		{"Exec", func(ctx context.Context, e images.Engine, c, _ string) error {
			s, err := e.Exec(ctx, c, images.Process{Args: []string{"true"}})
			return closed(s, err)
		}},
		{"Wait", func(ctx context.Context, e images.Engine, c, _ string) error {
			exits, err := e.Wait(ctx, c)
			if err != nil {
				return err
			}
			return (<-exits).Err
		}},
		{"Logs", func(ctx context.Context, e images.Engine, c, _ string) error {
			return e.Logs(ctx, c, images.LogOptions{}, io.Discard, io.Discard)
		}},
		{"Logs that follow", func(ctx context.Context, e images.Engine, c, _ string) error {
			return e.Logs(ctx, c, images.LogOptions{Follow: true}, io.Discard, io.Discard)
		}},
	}
}

// closed closes a session that was not to be had.
func closed(s images.Session, err error) error {
	if err == nil {
		s.Close()
	}
	return err
}

// imageCalls are the calls about an image.
func imageCalls() []call {
	return []call{
		{"Image", func(ctx context.Context, e images.Engine, _, i string) error {
			_, err := e.Image(ctx, i)
			return err
		}},
		{"Tag", func(ctx context.Context, e images.Engine, _, i string) error { return e.Tag(ctx, i, unique()) }},
		{"RemoveImage", func(ctx context.Context, e images.Engine, _, i string) error { return e.RemoveImage(ctx, i, false) }},
		{"RemoveImage by force", func(ctx context.Context, e images.Engine, _, i string) error { return e.RemoveImage(ctx, i, true) }},
		{"Save", func(ctx context.Context, e images.Engine, _, i string) error {
			return e.Save(ctx, []string{i}, io.Discard)
		}},
		{"Create", func(ctx context.Context, e images.Engine, c, i string) error {
			_, _, err := e.Create(ctx, run.Spec{Name: c, Image: i, Args: []string{"true"}})
			return err
		}},
	}
}

// otherCalls are the calls about nothing that could be missing.
func otherCalls() []call {
	return []call{
		{"Info", func(ctx context.Context, e images.Engine, _, _ string) error {
			_, err := e.Info(ctx)
			return err
		}},
		{"Images", func(ctx context.Context, e images.Engine, _, _ string) error {
			_, err := e.Images(ctx)
			return err
		}},
		{"Containers", func(ctx context.Context, e images.Engine, _, _ string) error {
			_, err := e.Containers(ctx)
			return err
		}},
		{"Pull", func(ctx context.Context, e images.Engine, _, _ string) error {
			_, err := e.Pull(ctx, "127.0.0.1:1/"+unique(), images.PullOptions{Insecure: true})
			return err
		}},
		{"Load", func(ctx context.Context, e images.Engine, _, _ string) error {
			_, err := e.Load(ctx, bytes.NewReader(nil))
			return err
		}},
	}
}

func referenceTests() []test {
	return []test{
		{"to a container that is not there", containerMissing},
		{"to an image that is not there", imageMissing},
	}
}

func containerMissing(ctx context.Context, t *testing.T, b *bench) {
	for _, ref := range []string{unique(), strings.Repeat("0123456789abcdef", 4)} {
		for _, c := range containerCalls() {
			missing(t, c, ref, c.make(ctx, b, ref, b.image))
		}
	}
}

func imageMissing(ctx context.Context, t *testing.T, b *bench) {
	hex := strings.Repeat("0123456789abcdef", 4)
	for _, ref := range []string{
		unique(),
		b.image + ":no-such-tag",
		"registry.example.com/" + unique() + ":v1",
		b.image + "@sha256:" + hex,
		"sha256:" + hex,
		hex[:12],
	} {
		for _, c := range imageCalls() {
			missing(t, c, ref, c.make(ctx, b, unique(), ref))
		}
	}
}

// missing checks the error of a call about what is not there.
func missing(t *testing.T, c call, ref string, err error) {
	t.Helper()
	if !errors.Is(err, images.ErrNotFound) {
		t.Errorf("%s of %s: got error %v, want one that is %q", c.name, ref, err, images.ErrNotFound)
	} else if !strings.Contains(err.Error(), ref) {
		t.Errorf("%s: error %q does not name %s", c.name, err, ref)
	}
}
