package enginetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/projectatomic/atomic/images"
)

// errBroken is what broken readers and writers of the tests say.
var errBroken = errors.New("broken on purpose")

func saveTests() []test {
	return []test{
		{"writes a docker-archive", saveWrites},
		{"is what Load reads", saveAndLoad},
		{"writes several images", saveSeveral},
		{"fails with its writer", saveBrokenWriter},
	}
}

// save saves images into memory.
func (b *bench) save(ctx context.Context, t *testing.T, refs ...string) []byte {
	t.Helper()
	var archive bytes.Buffer
	must(t, b.Save(ctx, refs, &archive))
	return archive.Bytes()
}

// archived are the names in a docker-archive.
func archived(t *testing.T, archive []byte) []string {
	t.Helper()
	m, err := tarball.LoadManifest(opener(archive))
	must(t, err)
	var names []string
	for _, d := range m {
		names = append(names, d.RepoTags...)
	}
	return names
}

func saveWrites(ctx context.Context, t *testing.T, b *bench) {
	name, _ := b.newImage(ctx, t, ImageOptions{
		Labels: map[string]string{"RUN": "run it"},
		Layers: []map[string]string{{"/data/file": "content"}},
	})
	archive := b.save(ctx, t, name)
	names := archived(t, archive)
	if len(names) != 1 || !hasName(images.Image{Names: names}, name+":latest") {
		t.Errorf("names in the archive: got %q, want %s:latest", names, name)
	}
	img, err := tarball.Image(opener(archive), nil)
	must(t, err)
	config, err := img.ConfigFile()
	must(t, err)
	equal(t, "label RUN", config.Config.Labels["RUN"], "run it")
	layers, err := img.Layers()
	must(t, err)
	equal(t, "number of layers", len(layers), 2)
}

func saveAndLoad(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Layers: []map[string]string{{"/data/file": unique()}}})
	archive := b.save(ctx, t, name)
	must(t, b.RemoveImage(ctx, name, false))
	names, err := b.Load(ctx, bytes.NewReader(archive))
	must(t, err)
	if !hasName(images.Image{Names: names}, name+":latest") || len(names) != 1 {
		t.Errorf("Load brought %q, want %s:latest", names, name)
	}
	img, err := b.Image(ctx, name)
	must(t, err)
	equal(t, "ID after Save and Load", img.ID, id)
}

func saveSeveral(ctx context.Context, t *testing.T, b *bench) {
	first, firstID := b.newImage(ctx, t, ImageOptions{Bare: true})
	second, secondID := b.newImage(ctx, t, ImageOptions{Bare: true})
	archive := b.save(ctx, t, first, second)
	equal(t, "number of names in the archive", len(archived(t, archive)), 2)
	must(t, b.RemoveImage(ctx, first, false))
	must(t, b.RemoveImage(ctx, second, false))
	names, err := b.Load(ctx, bytes.NewReader(archive))
	must(t, err)
	equal(t, "number of names that Load brought", len(names), 2)
	for name, id := range map[string]string{first: firstID, second: secondID} {
		img, err := b.Image(ctx, name)
		must(t, err)
		equal(t, "ID of "+name, img.ID, id)
	}
}

// brokenWriter takes a little and then fails.
type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return 0, errBroken
	}
	w.left -= len(p)
	return len(p), nil
}

func saveBrokenWriter(ctx context.Context, t *testing.T, b *bench) {
	err := soon(t, "Save", func() error { return b.Save(ctx, []string{b.image}, &brokenWriter{left: 100_000}) })
	wantError(t, err, errBroken, b.image)
}

func loadTests() []test {
	return []test{
		{"tells the name", loadName},
		{"tells the ID of an image without a name", loadNameless},
		{"moves a name", loadMoves},
		{"refuses what is no archive", loadGarbage},
		{"fails with its reader", loadBrokenReader},
	}
}

func loadName(ctx context.Context, t *testing.T, b *bench) {
	for _, name := range []string{unique(), unique() + ":v1", "registry.example.com/" + unique() + "/x:v2"} {
		got := b.load(ctx, t, name, ImageOptions{Bare: true})
		full := name
		if !strings.Contains(name, ":") {
			full += ":latest"
		}
		if len(got) != 1 || !hasName(images.Image{Names: got}, full) {
			t.Errorf("loading %s brought %q", name, got)
			continue
		}
		one, err := b.Image(ctx, name)
		must(t, err)
		other, err := b.Image(ctx, got[0])
		must(t, err)
		equal(t, "ID by the name that Load told", other.ID, one.ID)
	}
}

func loadNameless(ctx context.Context, t *testing.T, b *bench) {
	got := b.load(ctx, t, "", ImageOptions{Bare: true})
	if len(got) != 1 {
		t.Fatalf("loading an image without a name brought %q", got)
	}
	b.forgetImage(t, got[0])
	img, err := b.Image(ctx, got[0])
	must(t, err)
	equal(t, "what Load told", got[0], img.ID)
	if len(img.Names) > 0 {
		t.Errorf("an image without a name has names %q", img.Names)
	}
}

func loadMoves(ctx context.Context, t *testing.T, b *bench) {
	name, id := b.newImage(ctx, t, ImageOptions{Bare: true})
	b.forgetImage(t, id)
	b.load(ctx, t, name, ImageOptions{Bare: true})
	img, err := b.Image(ctx, name)
	must(t, err)
	if img.ID == id {
		t.Errorf("the name stayed with %s", id)
	}
}

func loadGarbage(ctx context.Context, t *testing.T, b *bench) {
	name := unique()
	archive, err := Archive(name, distinct(ImageOptions{}))
	must(t, err)
	b.forgetImage(t, name)
	for what, content := range map[string][]byte{
		"nothing":         {},
		"text":            []byte(strings.Repeat("no tar archive\n", 100)),
		"half an archive": archive[:len(archive)/2],
	} {
		names, err := b.Load(ctx, bytes.NewReader(content))
		if err == nil {
			t.Errorf("loading %s brought %q and no error", what, names)
		}
	}
	_, err = b.Image(ctx, name)
	wantError(t, err, images.ErrNotFound)
}

func loadBrokenReader(ctx context.Context, t *testing.T, b *bench) {
	name := unique()
	archive, err := Archive(name, distinct(ImageOptions{}))
	must(t, err)
	b.forgetImage(t, name)
	r := io.MultiReader(bytes.NewReader(archive[:len(archive)/2]), brokenReader{})
	err = soon(t, "Load", func() error {
		_, err := b.Load(ctx, r)
		return err
	})
	wantError(t, err, errBroken)
	_, err = b.Image(ctx, name)
	wantError(t, err, images.ErrNotFound)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }
