package enginetest

import (
	"context"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

func imageTests() []test {
	return []test{
		{"by every kind of reference", imageByReference},
		{"says what it is", imageFields},
		{"is never pulled", imageNotPulled},
		{"counts containers or says that it does not", imageContainers},
	}
}

func imageByReference(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	if !regexp.MustCompile("^sha256:[0-9a-f]{64}$").MatchString(id) {
		t.Errorf("ID %q is not sha256: and 64 digits", id)
	}
	hex := strings.TrimPrefix(id, "sha256:")
	must(t, b.Tag(ctx, name, name+":v1"))
	b.forgetImage(t, name+":v1")
	for what, ref := range map[string]string{
		"name":          name,
		"name:latest":   name + ":latest",
		"name:tag":      name + ":v1",
		"ID":            id,
		"ID, bare":      hex,
		"prefix":        hex[:12],
		"longer prefix": hex[:40],
	} {
		img, err := b.Image(ctx, ref)
		if err != nil {
			t.Errorf("by %s: %v", what, err)
			continue
		}
		equal(t, "ID by "+what, img.ID, id)
	}
}

func imageFields(ctx context.Context, t *testing.T, b *bench) {
	o := ImageOptions{
		Labels:     map[string]string{"RUN": `docker run -it --name NAME IMAGE "two  words" $X`, "empty": "", "uni": "grüße\n"},
		Entrypoint: []string{"/bin/sh", "-c"},
		Cmd:        []string{"echo one  two", ""},
		Env:        []string{"GREETING=a b=c", "EMPTY="},
		User:       "app",
		WorkDir:    "/tmp",
		StopSignal: "SIGUSR1",
		Layers:     []map[string]string{{"/data/a": "a"}, {"/data/b": "b"}},
	}
	name, _ := b.newImage(ctx, t, o)
	img, err := b.Image(ctx, name)
	must(t, err)
	want := images.Config{
		Entrypoint: o.Entrypoint,
		Cmd:        o.Cmd,
		Env:        append([]string{imagePath}, o.Env...),
		User:       o.User,
		WorkDir:    o.WorkDir,
		StopSignal: o.StopSignal,
	}
	if d := cmp.Diff(want, img.Config); d != "" {
		t.Errorf("configuration (-want +got):\n%s", d)
	}
	for k, v := range o.Labels {
		got, ok := img.Labels[k]
		if !ok || got != v {
			t.Errorf("label %s: got %q (there: %v), want %q", k, got, ok, v)
		}
	}
	if !hasName(img, name+":latest") {
		t.Errorf("names %q do not have %s:latest", img.Names, name)
	}
	equal(t, "operating system", img.OS, "linux")
	equal(t, "architecture", img.Architecture, runtime.GOARCH)
	if !img.Created.Equal(epoch) {
		t.Errorf("created %v, want %v", img.Created, epoch)
	}
	if img.Size < 1<<20 {
		t.Errorf("size %d is less than that of its busybox", img.Size)
	}
}

// hasName tells whether the image has the name. Engines spell names with or
// without the registry and path that a short name stands for.
func hasName(img images.Image, name string) bool {
	return slices.ContainsFunc(img.Names, func(n string) bool {
		return n == name || strings.HasSuffix(n, "/"+name)
	})
}

func imageNotPulled(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	r.Push(t, "there", distinct(ImageOptions{Bare: true}))
	pushed := len(r.Requests())
	ref := r.Host + "/there"
	_, err := b.Image(ctx, ref)
	wantError(t, err, images.ErrNotFound, ref)
	if more := r.Requests()[pushed:]; len(more) > 0 {
		t.Errorf("the registry was asked: %q", more)
	}
}

func imageContainers(ctx context.Context, t *testing.T, b *bench) {
	name, _ := b.newImage(ctx, t, ImageOptions{})
	for _, made := range []int{0, 1, 2} {
		if made > 0 {
			b.create(ctx, t, run.Spec{Image: name, Args: []string{"true"}})
		}
		img, err := b.Image(ctx, name)
		must(t, err)
		if img.Containers != made && img.Containers != -1 {
			t.Errorf("with %d containers it says %d, want as many or -1", made, img.Containers)
		}
	}
}

func imagesTests() []test {
	return []test{
		{"have the images with names", imagesNamed},
		{"have images without names", imagesNameless},
	}
}

func imagesNamed(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true, Labels: map[string]string{"RUN": "x y"}, Cmd: []string{"true"}})
	must(t, b.Tag(ctx, name, name+":second"))
	b.forgetImage(t, name+":second")
	inspected, err := b.Image(ctx, name)
	must(t, err)
	got := b.listed(ctx, t, id)
	if got == nil {
		t.Fatalf("no image %s in the list", id)
	}
	equal(t, "label RUN", got.Labels["RUN"], "x y")
	if !hasName(*got, name+":latest") || !hasName(*got, name+":second") || len(got.Names) != 2 {
		t.Errorf("names: got %q, want %s:latest and %[2]s:second", got.Names, name)
	}
	equal(t, "created", got.Created.Unix(), inspected.Created.Unix())
	if got.Size <= 0 {
		t.Errorf("size %d", got.Size)
	}
	if d := cmp.Diff(images.Config{}, got.Config); d != "" {
		t.Errorf("a configuration in a list (-want +got):\n%s", d)
	}
}

func imagesNameless(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	b.forgetImage(t, id)
	b.load(ctx, t, name, ImageOptions{Bare: true}) // takes the name from the first
	got := b.listed(ctx, t, id)
	if got == nil {
		t.Fatalf("no image %s in the list after it lost its name", id)
	}
	if len(got.Names) > 0 || len(got.Digests) > 0 {
		t.Errorf("an image without a name has names %q, digests %q", got.Names, got.Digests)
	}
}

// listed is the image in the list of all, or nil. That it is there once is
// checked on the way.
func (b *bench) listed(ctx context.Context, t *testing.T, id string) *images.Image {
	t.Helper()
	all, err := b.Images(ctx)
	must(t, err)
	var found *images.Image
	for i, img := range all {
		if img.ID != id {
			continue
		}
		if found != nil {
			t.Errorf("image %s is twice in the list", id)
		}
		found = &all[i]
	}
	return found
}

func tagTests() []test {
	return []test{
		{"adds a name", tagAdds},
		{"moves a name that was taken", tagMoves},
		{"refuses what is no name", tagRefuses},
	}
}

func tagAdds(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	registry := "registry.example.com:5000/" + unique()
	for _, c := range []struct{ ref, name, full string }{
		{name, name + "b", name + "b:latest"},
		{id, name + ":v2", name + ":v2"},
		{name + ":v2", registry + "/x:1", registry + "/x:1"},
	} {
		must(t, b.Tag(ctx, c.ref, c.name))
		b.forgetImage(t, c.name)
		img, err := b.Image(ctx, c.name)
		must(t, err)
		equal(t, "ID of "+c.name, img.ID, id)
		if !hasName(img, c.full) {
			t.Errorf("names %q do not have %s", img.Names, c.full)
		}
	}
	img, err := b.Image(ctx, name)
	must(t, err)
	equal(t, "the first name's ID", img.ID, id)
}

func tagMoves(ctx context.Context, t *testing.T, b *bench) {
	first, firstID := b.newImage(ctx, t, ImageOptions{Bare: true})
	second, secondID := b.newImage(ctx, t, ImageOptions{Bare: true})
	b.forgetImage(t, firstID)
	must(t, b.Tag(ctx, second, first))
	img, err := b.Image(ctx, first)
	must(t, err)
	equal(t, "ID under the name that moved", img.ID, secondID)
	img, err = b.Image(ctx, firstID)
	must(t, err)
	if hasName(img, first+":latest") {
		t.Errorf("the image still has the name that moved: %q", img.Names)
	}
}

func tagRefuses(ctx context.Context, t *testing.T, b *bench) {
	for _, name := range []string{"", "UPPER", "a b", "x:", "x@sha256:00"} {
		if err := b.Tag(ctx, b.image, name); err == nil {
			t.Errorf("tagging as %q worked", name)
		}
	}
}

func removeImageTests() []test {
	return []test{
		{"takes the name, and the image with its last", removeImageNames},
		{"refuses an image with a container", removeImageUsed},
		{"by force removes it from under a stopped container", removeImageForced},
		{"not even by force from under a running container", removeImageRunning},
		{"by ID and force takes all names", removeImageAllNames},
		{"by name and force takes that name", removeImageOneName},
	}
}

func removeImageNames(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	must(t, b.Tag(ctx, name, name+":v2"))
	b.forgetImage(t, name+":v2")

	must(t, b.RemoveImage(ctx, name, false))
	_, err := b.Image(ctx, name)
	wantError(t, err, images.ErrNotFound, name)
	img, err := b.Image(ctx, id)
	must(t, err)
	if !hasName(img, name+":v2") || len(img.Names) != 1 {
		t.Errorf("names: got %q, want %s:v2", img.Names, name)
	}

	must(t, b.RemoveImage(ctx, name+":v2", false))
	_, err = b.Image(ctx, id)
	wantError(t, err, images.ErrNotFound, id)
	wantError(t, b.RemoveImage(ctx, name, false), images.ErrNotFound, name)
}

func removeImageUsed(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{})
	container := b.create(ctx, t, run.Spec{Image: name, Args: []string{"true"}})
	for _, ref := range []string{name, id} {
		wantError(t, b.RemoveImage(ctx, ref, false), images.ErrConflict, ref)
	}
	img, err := b.Image(ctx, name)
	must(t, err)
	equal(t, "ID after the refusal", img.ID, id)

	must(t, b.Remove(ctx, container, false))
	must(t, b.RemoveImage(ctx, name, false))
	_, err = b.Image(ctx, id)
	wantError(t, err, images.ErrNotFound)
}

func removeImageForced(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{})
	container := b.create(ctx, t, run.Spec{Image: name, Args: []string{"true"}})
	b.runCreated(ctx, t, container, nil)
	must(t, b.RemoveImage(ctx, name, true))
	for _, ref := range []string{name, id} {
		_, err := b.Image(ctx, ref)
		wantError(t, err, images.ErrNotFound, ref)
	}
}

func removeImageRunning(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{})
	container := b.start(ctx, t, run.Spec{Image: name, Args: []string{"sleep", "1000"}})
	wantError(t, b.RemoveImage(ctx, id, true), images.ErrConflict, id)
	equal(t, "state of the container", b.inspect(ctx, t, container).State, images.Running)
}

func removeImageAllNames(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	names := []string{name, name + ":v2", unique()}
	for _, n := range names[1:] {
		must(t, b.Tag(ctx, name, n))
		b.forgetImage(t, n)
	}
	must(t, b.RemoveImage(ctx, id, true))
	for _, ref := range append(names, id) {
		_, err := b.Image(ctx, ref)
		wantError(t, err, images.ErrNotFound, ref)
	}
}

func removeImageOneName(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	other := unique()
	must(t, b.Tag(ctx, name, other))
	b.forgetImage(t, other)
	must(t, b.RemoveImage(ctx, name, true))
	_, err := b.Image(ctx, name)
	wantError(t, err, images.ErrNotFound, name)
	img, err := b.Image(ctx, other)
	must(t, err)
	equal(t, "ID under the other name", img.ID, id)
}
