package fake

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/projectatomic/atomic/images"
)

// An image is what the engine holds of one; its names are the world's.
type image struct {
	id      string
	raw     []byte // the configuration, whose hash is the ID
	config  v1.ConfigFile
	layers  []*layer
	digests []string // repository@digest
}

// newImage makes an image of its configuration and layers.
func newImage(raw []byte, layers []*layer) (*image, error) {
	img := &image{raw: raw, layers: layers}
	if err := json.Unmarshal(raw, &img.config); err != nil {
		return nil, fmt.Errorf("reading the configuration of an image: %w", err)
	}
	if len(img.config.RootFS.DiffIDs) != len(layers) {
		return nil, fmt.Errorf("the image is to have %d layers and has %d", len(img.config.RootFS.DiffIDs), len(layers))
	}
	for i, want := range img.config.RootFS.DiffIDs {
		if layers[i].diffID != want {
			return nil, fmt.Errorf("layer %d is %s, not %s as the image says", i, layers[i].diffID, want)
		}
	}
	img.id = digest(raw)
	return img, nil
}

// normalize spells a name as Docker does, with its tag; a name with a digest
// is spelled repository@digest.
func normalize(text string) (string, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return "", err
	}
	if digested, ok := named.(reference.Digested); ok {
		return reference.FamiliarName(named) + "@" + digested.Digest().String(), nil
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), nil
}

// image finds an image by name, digest, ID or the beginning of one.
func (w *world) image(ref string) (*image, error) {
	if name, err := normalize(ref); err == nil {
		if id, ok := w.names[name]; ok {
			return w.images[id], nil
		}
		for _, img := range w.images {
			if slices.Contains(img.digests, name) {
				return img, nil
			}
		}
	}
	prefix := "sha256:" + strings.TrimPrefix(ref, "sha256:")
	var found []*image
	for id, img := range w.images {
		if ref != "" && strings.HasPrefix(id, prefix) {
			found = append(found, img)
		}
	}
	switch len(found) {
	case 0:
		return nil, images.ErrNotFound
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("ambiguous: %d images have an ID that begins so", len(found))
}

// imageNames are the names of an image, sorted.
func (w *world) imageNames(img *image) []string {
	var names []string
	for name, id := range w.names {
		if id == img.id {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// users are the containers of an image.
func (w *world) users(img *image) []*container {
	return slices.DeleteFunc(slices.Collect(maps.Values(w.containers)), func(c *container) bool { return c.image != img })
}

// addImage takes in an image; an image that is there already stays as it is.
func (w *world) addImage(img *image) *image {
	if old, ok := w.images[img.id]; ok {
		return old
	}
	w.images[img.id] = img
	return img
}

// addName gives an image a name, in the spelling of normalize.
func (w *world) addName(img *image, name string) {
	w.names[name] = img.id
}

// describe is the image as the contract has it.
func (w *world) describe(img *image) images.Image {
	var size int64
	for _, l := range img.layers {
		size += int64(len(l.content))
	}
	c := img.config.Config
	return images.Image{
		ID:           img.id,
		Names:        w.imageNames(img),
		Digests:      slices.Clone(img.digests),
		Labels:       maps.Clone(c.Labels),
		Created:      img.config.Created.Time,
		Size:         size,
		OS:           img.config.OS,
		Architecture: img.config.Architecture,
		Config: images.Config{
			Entrypoint: slices.Clone(c.Entrypoint),
			Cmd:        slices.Clone(c.Cmd),
			Env:        slices.Clone(c.Env),
			User:       c.User,
			WorkDir:    c.WorkingDir,
			StopSignal: c.StopSignal,
		},
		Containers: len(w.users(img)),
	}
}

// Image is images.Engine's.
func (e *Engine) Image(ctx context.Context, ref string) (images.Image, error) {
	var found images.Image
	err := e.call(ctx, "Image", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		img, err := e.world.image(ref)
		if err == nil {
			found = e.world.describe(img)
		}
		return err
	})
	return found, about(err, "inspecting image %q", ref)
}

// Images is images.Engine's. The images are in the order of their IDs.
func (e *Engine) Images(ctx context.Context) ([]images.Image, error) {
	var all []images.Image
	err := e.call(ctx, "Images", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(e.world.images)) {
			img := e.world.describe(e.world.images[id])
			img.Config = images.Config{}
			all = append(all, img)
		}
		return nil
	})
	return all, about(err, "listing images")
}

// Tag is images.Engine's.
func (e *Engine) Tag(ctx context.Context, ref, name string) error {
	err := e.call(ctx, "Tag", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		img, err := e.world.image(ref)
		if err != nil {
			return err
		}
		full, err := normalize(name)
		if err != nil {
			return err
		}
		if strings.Contains(full, "@") {
			return fmt.Errorf("a digest cannot be given")
		}
		e.world.addName(img, full)
		e.world.tell(images.Event{Type: "image", Action: "tag", ID: img.id, Name: full})
		return nil
	})
	return about(err, "tagging image %q as %q", ref, name)
}

// RemoveImage is images.Engine's.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) error {
	err := e.call(ctx, "RemoveImage", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		return e.world.removeImage(ref, force)
	})
	return about(err, "removing image %q", ref)
}

func (w *world) removeImage(ref string, force bool) error {
	img, err := w.image(ref)
	if err != nil {
		return err
	}
	names := w.imageNames(img)
	going := names // by ID all of them go
	if name, err := normalize(ref); err == nil && w.names[name] == img.id {
		going = []string{name}
	}
	last := len(going) == len(names)
	if last {
		for _, c := range w.users(img) {
			if c.describe().IsRunning() || !force {
				return fmt.Errorf("container %s is made of it: %w", c.name, images.ErrConflict)
			}
		}
		if len(names) > 1 && !force {
			return fmt.Errorf("it has the names %s: %w", strings.Join(names, ", "), images.ErrConflict)
		}
	}
	for _, name := range going {
		delete(w.names, name)
		w.tell(images.Event{Type: "image", Action: "untag", ID: img.id, Name: name})
	}
	if last {
		delete(w.images, img.id)
		w.forgetLayers()
		w.tell(images.Event{Type: "image", Action: "delete", ID: img.id})
	}
	return nil
}

// forgetLayers drops the layers that no image has.
func (w *world) forgetLayers() {
	used := make(map[*layer]bool)
	for _, img := range w.images {
		for _, l := range img.layers {
			used[l] = true
		}
	}
	maps.DeleteFunc(w.layers, func(_ string, l *layer) bool { return !used[l] })
}
