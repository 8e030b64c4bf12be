package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// checkRef refuses what cannot name an image. It is done here because the
// reference becomes part of a path, where "../x" would be another question.
func checkRef(doing, ref string) error {
	if _, err := reference.ParseAnyReference(ref); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// Image inspects one image.
func (e *Engine) Image(ctx context.Context, ref string) (images.Image, error) {
	doing := fmt.Sprintf("inspecting image %q", ref)
	if err := checkRef(doing, ref); err != nil {
		return images.Image{}, err
	}
	var img images.Image
	err := e.ask(ctx, doing, func(ctx context.Context) error {
		r, err := e.cli.ImageInspect(ctx, ref)
		if err != nil {
			return err
		}
		img, err = inspectedImage(r.InspectResponse)
		return err
	})
	return img, err
}

func inspectedImage(r image.InspectResponse) (images.Image, error) {
	if r.ID == "" {
		return images.Image{}, errNonsense
	}
	img := images.Image{
		ID:           r.ID,
		Names:        named(r.RepoTags),
		Digests:      named(r.RepoDigests),
		Size:         r.Size,
		OS:           r.Os,
		Architecture: r.Architecture,
		Containers:   -1,
	}
	if r.Created != "" {
		created, err := time.Parse(time.RFC3339Nano, r.Created)
		if err != nil {
			return images.Image{}, fmt.Errorf("when it was created: %w", err)
		}
		img.Created = created
	}
	if c := r.Config; c != nil {
		img.Labels = c.Labels
		img.Config = images.Config{
			Entrypoint: c.Entrypoint,
			Cmd:        c.Cmd,
			Env:        c.Env,
			User:       c.User,
			WorkDir:    c.WorkingDir,
			StopSignal: c.StopSignal,
		}
	}
	return img, nil
}

// named drops what stands for no name: <none>:<none>, <none>@sha256:….
func named(names []string) []string {
	var out []string
	for _, n := range names {
		if !strings.HasPrefix(n, "<none>") {
			out = append(out, n)
		}
	}
	return out
}

// Images lists the images.
func (e *Engine) Images(ctx context.Context) ([]images.Image, error) {
	var out []images.Image
	err := e.ask(ctx, "listing images", func(ctx context.Context) error {
		r, err := e.cli.ImageList(ctx, client.ImageListOptions{})
		if err != nil {
			return err
		}
		for _, s := range r.Items {
			out = append(out, images.Image{
				ID:         s.ID,
				Names:      named(s.RepoTags),
				Digests:    named(s.RepoDigests),
				Labels:     s.Labels,
				Created:    time.Unix(s.Created, 0),
				Size:       s.Size,
				Containers: int(s.Containers),
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Tag gives the image another name.
func (e *Engine) Tag(ctx context.Context, ref, name string) error {
	doing := fmt.Sprintf("tagging image %q as %q", ref, name)
	if err := checkRef(doing, ref); err != nil {
		return err
	}
	return e.ask(ctx, doing, func(ctx context.Context) error {
		_, err := e.cli.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: name})
		return err
	})
}

// RemoveImage takes the name away, and the image with its last name.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) error {
	doing := fmt.Sprintf("removing image %q", ref)
	if err := checkRef(doing, ref); err != nil {
		return err
	}
	return e.ask(ctx, doing, func(ctx context.Context) error {
		_, err := e.cli.ImageRemove(ctx, ref, client.ImageRemoveOptions{Force: force, PruneChildren: true})
		return err
	})
}
