package fake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/projectatomic/atomic/images"
)

// Pull is images.Engine's. It asks the registry, or the mirror that stands for
// it, over the network.
func (e *Engine) Pull(ctx context.Context, ref string, opts images.PullOptions) (string, error) {
	var id string
	err := e.call(ctx, "Pull", func(ctx context.Context) error {
		local, err := normalize(ref)
		if err != nil {
			return err
		}
		img, digest, err := e.world.fetch(ctx, ref, opts)
		if err != nil {
			return kindOf(err)
		}
		id = e.world.keep(img, local, digest)
		return nil
	})
	if err != nil {
		return "", about(err, "pulling %q", ref)
	}
	return id, nil
}

// keep takes in an image that was pulled under a name or by its digest.
func (w *world) keep(img *image, local, digest string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	img = w.addImage(img)
	if !slices.Contains(img.digests, digest) {
		img.digests = append(img.digests, digest)
	}
	if local != digest {
		w.addName(img, local)
	}
	w.tell(images.Event{Type: "image", Action: "pull", ID: img.id, Name: local})
	return img.id
}

// kindOf says which of the contract's errors a registry's answer is.
func kindOf(err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", images.ErrNotFound, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", images.ErrUnauthorized, err)
	}
	return err
}

// fetch reads an image from its registry, and gives repository@digest too.
func (w *world) fetch(ctx context.Context, ref string, opts images.PullOptions) (*image, string, error) {
	source, repository, err := w.source(ref)
	if err != nil {
		return nil, "", err
	}
	remoteOpts, err := remoteOptions(ctx, opts)
	if err != nil {
		return nil, "", err
	}
	desc, err := remote.Get(source, remoteOpts...)
	if err != nil {
		return nil, "", err
	}
	img, err := desc.Image()
	if err != nil {
		return nil, "", err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, "", err
	}
	layers, err := w.fetchLayers(ctx, img, opts.Progress)
	if err != nil {
		return nil, "", err
	}
	made, err := newImage(raw, layers)
	return made, repository + "@" + desc.Digest.String(), err
}

// source is where to get an image from, and its repository as it is spelled
// here.
func (w *world) source(ref string) (from name.Reference, repository string, err error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, "", err
	}
	host := reference.Domain(named)
	if mirror := w.mirrors[host]; mirror != "" {
		host = mirror
	}
	_, rest, _ := strings.Cut(reference.TagNameOnly(named).String(), "/")
	from, err = name.ParseReference(host+"/"+rest, name.Insecure)
	return from, reference.FamiliarName(named), err
}

// remoteOptions make ggcr give up at the first failure and leave nothing
// behind.
func remoteOptions(ctx context.Context, opts images.PullOptions) ([]remote.Option, error) {
	all := []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(&http.Transport{DisableKeepAlives: true}),
		remote.WithRetryBackoff(remote.Backoff{Duration: time.Millisecond, Steps: 1}),
		remote.WithRetryPredicate(func(error) bool { return false }),
		remote.WithRetryStatusCodes(),
	}
	if a := opts.Auth; a != nil {
		all = append(all, remote.WithAuth(authn.FromConfig(authn.AuthConfig{
			Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken,
		})))
	}
	platform := &v1.Platform{OS: "linux", Architecture: "amd64"}
	if opts.Platform != "" {
		var err error
		if platform, err = v1.ParsePlatform(opts.Platform); err != nil {
			return nil, err
		}
	}
	return append(all, remote.WithPlatform(*platform)), nil
}

// fetchLayers reads the layers that are not there yet.
func (w *world) fetchLayers(ctx context.Context, img v1.Image, progress func(images.Progress)) ([]*layer, error) {
	if progress == nil {
		progress = func(images.Progress) {}
	}
	all, err := img.Layers()
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		d, err := l.Digest()
		if err != nil {
			return nil, err
		}
		progress(images.Progress{Layer: d.Hex[:12], Phase: images.Waiting, Text: "Pulling fs layer"})
	}
	var got []*layer
	for _, l := range all {
		have, err := w.fetchLayer(ctx, l, progress)
		if err != nil {
			return nil, err
		}
		got = append(got, have)
	}
	return got, nil
}

func (w *world) fetchLayer(ctx context.Context, l v1.Layer, progress func(images.Progress)) (*layer, error) {
	d, err := l.Digest()
	if err != nil {
		return nil, err
	}
	size, err := l.Size()
	if err != nil {
		return nil, err
	}
	step := images.Progress{Layer: d.Hex[:12], Total: size}
	tell := func(phase images.Phase, done int64, text string) {
		step.Phase, step.Current, step.Text = phase, done, text
		progress(step)
	}
	w.mu.Lock()
	known := w.layers[d.String()]
	w.mu.Unlock()
	if known != nil {
		tell(images.Present, size, "Already exists")
		return known, nil
	}
	body, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var blob bytes.Buffer
	for {
		n, err := io.CopyN(&blob, body, 64<<10)
		if n > 0 {
			tell(images.Downloading, int64(blob.Len()), "Downloading")
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, errors.Join(err, ctx.Err())
		}
	}
	tell(images.Extracting, size, "Extracting")
	made, err := w.layerOf(blob.Bytes())
	if err == nil {
		tell(images.Done, size, "Pull complete")
	}
	return made, err
}
