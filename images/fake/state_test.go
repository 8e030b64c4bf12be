package fake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
	"github.com/projectatomic/atomic/labels/run"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// withBox is an engine with one image, box.
func withBox(opts ...fake.Option) *fake.Engine {
	e := fake.New(opts...)
	e.AddImage(images.Image{Names: []string{"box"}})
	return e
}

// runBox runs a container of box to its end.
func runBox(t *testing.T, e *fake.Engine, spec run.Spec, stdin io.Reader) (out, errOut string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	spec.Image, spec.Stdin = "box", stdin != nil
	id, _, err := e.Create(ctx, spec)
	must(t, err)
	exits, err := e.Wait(ctx, id)
	must(t, err)
	s, err := e.Attach(ctx, id, images.AttachOptions{Stdin: true})
	must(t, err)
	defer s.Close()
	must(t, e.Start(ctx, id))
	var o, eo bytes.Buffer
	must(t, s.Pipe(ctx, images.Streams{Stdin: stdin, Stdout: &o, Stderr: &eo}))
	exit := <-exits
	must(t, exit.Err)
	return o.String(), eo.String(), exit.Code
}

func TestString(t *testing.T) {
	ctx := t.Context()
	e := fake.New()
	e.AddImage(images.Image{Names: []string{"web", "web:v1"}, Labels: map[string]string{"RUN": "docker run IMAGE", "A": "b"}})
	e.AddImage(images.Image{Labels: map[string]string{"nameless": "yes"}})
	for _, spec := range []run.Spec{
		{Name: "two", Image: "web", Args: []string{"sh", "-c", "exit 3"}},
		{
			Name: "three", Image: "web:v1", Args: []string{"sleep", "1000"}, Privileged: true,
			Mounts: []run.Mount{{Type: run.Bind, Source: "/", Target: "/host"}},
		},
		{Name: "one", Image: "web", Args: []string{"true"}},
	} {
		_, _, err := e.Create(ctx, spec)
		must(t, err)
	}
	must(t, e.Start(ctx, "three"))
	exits, err := e.Wait(ctx, "two")
	must(t, err)
	must(t, e.Start(ctx, "two"))
	<-exits
	want := `image web:latest web:v1
	A=b
	RUN=docker run IMAGE
image without a name
	nameless=yes
container one created
	--name one web true
container three running
	--privileged -v /:/host --name three web:v1 sleep 1000
container two exited 3
	--name two web sh -c "exit 3"
`
	if d := cmp.Diff(want, e.String()); d != "" {
		t.Errorf("state (-want +got):\n%s", d)
	}
	must(t, e.Kill(ctx, "three", syscall.SIGKILL))
}

func TestSpec(t *testing.T) {
	e := withBox()
	want := run.Spec{Name: "c", Image: "box", Args: []string{"true"}, Env: []run.EnvVar{{Name: "A", Value: "b"}}, PID: run.Host}
	_, _, err := e.Create(t.Context(), want)
	must(t, err)
	got, ok := e.Spec("c")
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Errorf("the spec is there: %v (-want +got):\n%s", ok, d)
	}
	if _, ok := e.Spec("d"); ok {
		t.Error("there is a spec of no container")
	}
}

func TestInfoSaysTheKind(t *testing.T) {
	for _, kind := range []images.Kind{images.Docker, images.Podman} {
		info, err := fake.New(fake.WithKind(kind)).Info(t.Context())
		must(t, err)
		if info.Kind != kind || info.Version == "" {
			t.Errorf("kind: got %+v, want %s", info, kind)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	e := withBox(fake.WithCheck(func(s run.Spec) []run.Finding {
		if s.Memory == 0 {
			return nil
		}
		return []run.Finding{{Code: run.NotSupported, Level: run.Error, Field: "Memory", Message: "there is none"}}
	}))
	_, _, err := e.Create(t.Context(), run.Spec{Name: "c", Image: "box", Args: []string{"true"}, Memory: 1})
	if err == nil || !strings.Contains(err.Error(), "Memory: there is none") {
		t.Errorf("got error %v, want the finding", err)
	}
	_, _, err = e.Create(t.Context(), run.Spec{Name: "c", Image: "box", Args: []string{"true"}})
	must(t, err)
}

func TestFail(t *testing.T) {
	e := withBox()
	e.Fail("Image", 2, images.ErrDenied)
	for call, want := range []error{nil, images.ErrDenied, nil} {
		if _, err := e.Image(t.Context(), "box"); !errors.Is(err, want) {
			t.Errorf("call %d: got error %v, want %v", call+1, err, want)
		}
	}
	e.Fail("Create", 1, images.ErrConflict)
	if _, _, err := e.Create(t.Context(), run.Spec{Name: "c", Image: "box", Args: []string{"true"}}); !errors.Is(err, images.ErrConflict) {
		t.Errorf("got error %v", err)
	}
	if strings.Contains(e.String(), "container") {
		t.Errorf("what failed did something:\n%s", e)
	}
}

func TestHang(t *testing.T) {
	e := withBox(fake.WithDeadline(20 * time.Millisecond))
	e.Hang("Image")
	if _, err := e.Image(t.Context(), "box"); !errors.Is(err, images.ErrTimeout) {
		t.Errorf("got error %v, want %v", err, images.ErrTimeout)
	}
	if _, err := e.Images(t.Context()); err != nil {
		t.Errorf("another method hangs too: %v", err)
	}
	e.Hang("Pull")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
	defer cancel()
	if _, err := e.Pull(ctx, "x", images.PullOptions{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want %v: a pull has no deadline of its own", err, context.DeadlineExceeded)
	}
}

func TestDieIsForOneClient(t *testing.T) {
	e := withBox()
	c := e.Client()
	c.Die()
	if _, err := c.Info(t.Context()); !errors.Is(err, images.ErrUnreachable) {
		t.Errorf("got error %v, want %v", err, images.ErrUnreachable)
	}
	if _, err := e.Image(t.Context(), "box"); err != nil {
		t.Errorf("the other client: %v", err)
	}
}

func TestArchivesAreExchanged(t *testing.T) {
	ctx := t.Context()
	from := fake.New()
	id := from.AddImage(images.Image{
		Names: []string{"web:v1"}, Labels: map[string]string{"RUN": "x"}, Config: images.Config{Cmd: []string{"echo", "hello"}},
	})
	var archive bytes.Buffer
	must(t, from.Save(ctx, []string{"web:v1", id}, &archive))
	to := fake.New()
	names, err := to.Load(ctx, &archive)
	must(t, err)
	if d := cmp.Diff([]string{"web:v1"}, names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	if d := cmp.Diff(from.String(), to.String()); d != "" {
		t.Errorf("state (-saved +loaded):\n%s", d)
	}
	img, err := to.Image(ctx, id)
	must(t, err)
	must(t, to.Tag(ctx, img.ID, "box"))
	if out, _, _ := runBox(t, to, run.Spec{}, nil); out != "hello\n" {
		t.Errorf("the loaded image printed %q", out)
	}
}

func TestLoadRefusesAnAlteredLayer(t *testing.T) {
	archive, err := enginetest.Archive("x", enginetest.ImageOptions{Layers: []map[string]string{{"/data": "genuine"}}})
	must(t, err)
	altered := bytes.Replace(archive, []byte("genuine"), []byte("altered"), 1)
	e := fake.New()
	if _, err := e.Load(t.Context(), bytes.NewReader(altered)); err == nil {
		t.Error("an altered layer was taken")
	}
	if e.String() != "" {
		t.Errorf("something is left:\n%s", e)
	}
	_, err = e.Load(t.Context(), bytes.NewReader(archive))
	must(t, err)
}

func TestMirror(t *testing.T) {
	r := enginetest.NewRegistry(t)
	r.Push(t, "library/web:v1", enginetest.ImageOptions{Labels: map[string]string{"RUN": "x"}})
	e := fake.New(fake.WithMirror("docker.io", r.Host))
	id, err := e.Pull(t.Context(), "web:v1", images.PullOptions{})
	must(t, err)
	img, err := e.Image(t.Context(), "web:v1")
	must(t, err)
	if img.ID != id || len(img.Digests) != 1 || !strings.HasPrefix(img.Digests[0], "web@sha256:") {
		t.Errorf("pulled %s, have %+v", id, img)
	}
}

func TestUniquePrefix(t *testing.T) {
	e := fake.New()
	ids := make(map[string][]string) // by first digit
	var twins []string
	for i := 0; len(twins) < 2; i++ {
		id := e.AddImage(images.Image{Labels: map[string]string{"i": strings.Repeat("x", i)}})
		digit := id[len("sha256:"):][:1]
		ids[digit] = append(ids[digit], id)
		twins = ids[digit]
	}
	_, err := e.Image(t.Context(), twins[0][len("sha256:"):][:1])
	if err == nil || errors.Is(err, images.ErrNotFound) {
		t.Errorf("by what two IDs begin with: got error %v, want that it is ambiguous", err)
	}
}
