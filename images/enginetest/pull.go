package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/projectatomic/atomic/images"
)

func pullTests() []test {
	return []test{
		{"by name", pullByName},
		{"by digest", pullByDigest},
		{"moves a name to what the registry has now", pullMoved},
		{"tells how it goes", pullProgress},
		{"logs in", pullLogin},
		{"takes the platform that is asked for", pullPlatform},
		{"of what is not there", pullMissing},
	}
}

// big is an image with a layer that no engine has and that does not compress.
func big() ImageOptions {
	content := make([]byte, 300_000)
	rand.Read(content)
	return distinct(ImageOptions{Bare: true, Layers: []map[string]string{{"/data/random": string(content)}}})
}

// pull pulls with what every pull from a Registry needs; the image goes with
// the test.
func (b *bench) pull(ctx context.Context, t *testing.T, ref string, o images.PullOptions) (string, error) {
	t.Helper()
	b.forgetImage(t, ref)
	o.Insecure = true
	return b.Pull(ctx, ref, o)
}

func pullByName(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	digest, err := r.Push(t, "some/image:v1", big()).Digest()
	must(t, err)
	ref := r.Host + "/some/image:v1"
	id, err := b.pull(ctx, t, ref, images.PullOptions{})
	must(t, err)
	img, err := b.Image(ctx, ref)
	must(t, err)
	equal(t, "the ID that Pull gave", id, img.ID)
	if !slices.Contains(img.Names, ref) {
		t.Errorf("names %q do not have %s", img.Names, ref)
	}
	if want := r.Host + "/some/image@" + digest.String(); !slices.Contains(img.Digests, want) {
		t.Errorf("digests %q do not have %s", img.Digests, want)
	}
	again, err := b.pull(ctx, t, ref, images.PullOptions{})
	must(t, err)
	equal(t, "the ID of a second pull", again, id)
}

func pullByDigest(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	digest, err := r.Push(t, "image", big()).Digest()
	must(t, err)
	ref := r.Host + "/image@" + digest.String()
	id, err := b.pull(ctx, t, ref, images.PullOptions{})
	must(t, err)
	img, err := b.Image(ctx, ref)
	must(t, err)
	equal(t, "ID by digest", img.ID, id)
	if !slices.Contains(img.Digests, ref) {
		t.Errorf("digests %q do not have %s", img.Digests, ref)
	}
	if len(img.Names) > 0 {
		t.Errorf("pulled by digest it has names %q", img.Names)
	}
	_, err = b.Image(ctx, r.Host+"/image@sha256:"+strings.Repeat("0", 64))
	wantError(t, err, images.ErrNotFound)
}

func pullMoved(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	ref := r.Host + "/image:v1"
	var ids []string
	for range 2 {
		r.Push(t, "image:v1", big())
		id, err := b.pull(ctx, t, ref, images.PullOptions{})
		must(t, err)
		b.forgetImage(t, id)
		ids = append(ids, id)
	}
	if ids[0] == ids[1] {
		t.Errorf("the second pull brought the first image again")
	}
	img, err := b.Image(ctx, ref)
	must(t, err)
	equal(t, "ID under the name", img.ID, ids[1])
}

func pullProgress(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	o := big()
	o.Layers = append(o.Layers, big().Layers...)
	r.Push(t, "image", o)
	for _, times := range []string{"the first time", "again"} {
		var steps []images.Progress
		var inside atomic.Int32
		_, err := b.pull(ctx, t, r.Host+"/image", images.PullOptions{Progress: func(p images.Progress) {
			if inside.Add(1) > 1 {
				t.Errorf("%s: two calls at once", times)
			}
			steps = append(steps, p)
			inside.Add(-1)
		}})
		must(t, err)
		checkProgress(t, times, steps)
	}
}

// checkProgress checks that each layer goes forward through the phases.
func checkProgress(t *testing.T, times string, steps []images.Progress) {
	t.Helper()
	if len(steps) == 0 {
		t.Errorf("%s: no progress was told", times)
	}
	rank := map[images.Phase]int{
		images.Waiting: 1, images.Downloading: 2, images.Extracting: 3, images.Done: 4, images.Present: 4,
	}
	last := make(map[string]images.Progress)
	for i, p := range steps {
		if p.Layer == "" {
			if p.Text == "" {
				t.Errorf("%s: step %d says nothing: %+v", times, i, p)
			}
			continue
		}
		if rank[p.Phase] == 0 {
			t.Errorf("%s: step %d has no known phase: %+v", times, i, p)
		}
		if before := last[p.Layer]; rank[p.Phase] < rank[before.Phase] {
			t.Errorf("%s: layer %s went back from %s to %s", times, p.Layer, before.Phase, p.Phase)
		}
		if p.Current < 0 || p.Total > 0 && p.Current > p.Total {
			t.Errorf("%s: layer %s: %d bytes of %d", times, p.Layer, p.Current, p.Total)
		}
		last[p.Layer] = p
	}
	for id, p := range last {
		if rank[p.Phase] != rank[images.Done] {
			t.Errorf("%s: layer %s ended as %s", times, id, p.Phase)
		}
	}
}

func pullLogin(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	r.RequireLogin("someone", "secret")
	r.Push(t, "image", big())
	ref := r.Host + "/image"
	for what, auth := range map[string]*images.Credentials{
		"no credentials": nil,
		"wrong password": {Username: "someone", Password: "wrong"},
		"wrong user":     {Username: "nobody", Password: "secret"},
	} {
		_, err := b.pull(ctx, t, ref, images.PullOptions{Auth: auth})
		if !errors.Is(err, images.ErrUnauthorized) || !strings.Contains(err.Error(), ref) {
			t.Errorf("with %s: got error %v, want one that is %q and names %s", what, err, images.ErrUnauthorized, ref)
		}
		if err != nil && auth != nil && strings.Contains(err.Error(), auth.Password) {
			t.Errorf("the password is in the error %q", err)
		}
	}
	_, err := b.Image(ctx, ref)
	wantError(t, err, images.ErrNotFound)
	_, err = b.pull(ctx, t, ref, images.PullOptions{Auth: &images.Credentials{Username: "someone", Password: "secret"}})
	must(t, err)
	_, err = b.Image(ctx, ref)
	must(t, err)
}

func pullPlatform(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	index := mutate.IndexMediaType(empty.Index, "application/vnd.docker.distribution.manifest.list.v2+json")
	for _, arch := range []string{"amd64", "arm64", "s390x"} {
		o := big()
		o.Architecture = arch
		img, err := Image(o)
		must(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	r.PushIndex(t, "image", index)
	ref := r.Host + "/image"
	for _, arch := range []string{"s390x", "arm64"} {
		id, err := b.pull(ctx, t, ref, images.PullOptions{Platform: "linux/" + arch})
		must(t, err)
		b.forgetImage(t, id)
		img, err := b.Image(ctx, id)
		must(t, err)
		equal(t, "architecture", img.Architecture, arch)
	}
	id, err := b.pull(ctx, t, ref, images.PullOptions{})
	must(t, err)
	b.forgetImage(t, id)
	info, err := b.Image(ctx, b.image)
	must(t, err)
	img, err := b.Image(ctx, id)
	must(t, err)
	equal(t, "architecture when none is asked for", img.Architecture, info.Architecture)
}

func pullMissing(ctx context.Context, t *testing.T, b *bench) {
	r := NewRegistry(t)
	digest, err := r.Push(t, "image:v1", distinct(ImageOptions{Bare: true})).Digest()
	must(t, err)
	for _, ref := range []string{
		r.Host + "/image:v2",
		r.Host + "/other:v1",
		r.Host + "/image@sha256:" + strings.Repeat("0", 64),
		r.Host + "/other@" + digest.String(),
	} {
		_, err := b.pull(ctx, t, ref, images.PullOptions{})
		wantError(t, err, images.ErrNotFound, ref)
	}
}
