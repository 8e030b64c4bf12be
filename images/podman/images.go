package podman

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/distribution/reference"

	"github.com/projectatomic/atomic/images"
)

// An imageAnswer is an image as it is inspected.
type imageAnswer struct {
	ID           string
	RepoTags     []string
	RepoDigests  []string
	Created      time.Time
	Size         int64
	OS           string `json:"Os"`
	Architecture string
	Labels       map[string]string
	Config       struct {
		Entrypoint []string
		Cmd        []string
		Env        []string
		User       string
		WorkingDir string
		StopSignal string
	}
}

func (a imageAnswer) image() images.Image {
	return images.Image{
		ID:           prefixed(a.ID),
		Names:        a.RepoTags,
		Digests:      digestsOf(a.RepoDigests, a.ID),
		Labels:       a.Labels,
		Created:      a.Created,
		Size:         a.Size,
		OS:           a.OS,
		Architecture: a.Architecture,
		Containers:   -1,
		Config: images.Config{
			Entrypoint: a.Config.Entrypoint,
			Cmd:        a.Config.Cmd,
			Env:        a.Config.Env,
			User:       a.Config.User,
			WorkDir:    a.Config.WorkingDir,
			StopSignal: a.Config.StopSignal,
		},
	}
}

// digestsOf are the digests that someone could pull by. Podman makes up
// another for images without a manifest list, of the ID.
func digestsOf(digests []string, id string) []string {
	var kept []string
	for _, d := range digests {
		if !strings.HasSuffix(d, "@sha256:"+id) {
			kept = append(kept, d)
		}
	}
	return kept
}

// bareID finds the IDs that Podman knows only without the algorithm.
var bareID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sha256:([0-9a-f]{3,64})$`) })

// lookup is ref as Podman looks for it. Names are its own business: it tries
// localhost/ and the registries of registries.conf in turn.
func lookup(ref string) string {
	if m := bareID().FindStringSubmatch(ref); m != nil {
		return m[1]
	}
	return ref
}

// Image inspects an image.
func (e *Engine) Image(ctx context.Context, ref string) (images.Image, error) {
	a, err := e.inspectImage(ctx, ref)
	if err != nil {
		return images.Image{}, fmt.Errorf("inspecting image %q: %w", ref, err)
	}
	return a.image(), nil
}

func (e *Engine) inspectImage(ctx context.Context, ref string) (imageAnswer, error) {
	var a imageAnswer
	if ref == "" {
		return a, images.ErrNotFound
	}
	err := e.askAgain(ctx, get(path("images", lookup(ref), "json")), &a)
	return a, err
}

// askAgain asks about images. The service stumbles when another image goes while it
// looks, so it is asked again when it fails for no reason of ours.
func (e *Engine) askAgain(ctx context.Context, r request, answer any) error {
	for try := 1; ; try++ {
		err := e.call(ctx, r, answer)
		var said *serviceError
		if err == nil || try == 5 || !errors.As(err, &said) || said.kind != nil {
			return err
		}
		select {
		case <-time.After(e.limits.again):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Images lists the images.
func (e *Engine) Images(ctx context.Context) ([]images.Image, error) {
	var answer []struct {
		ID          string `json:"Id"`
		RepoTags    []string
		RepoDigests []string
		Created     int64
		Size        int64
		Labels      map[string]string
		Names       []string
	}
	if err := e.askAgain(ctx, get("/images/json"), &answer); err != nil {
		return nil, fmt.Errorf("listing images: %w", err)
	}
	all := make([]images.Image, 0, len(answer))
	for _, a := range answer {
		all = append(all, images.Image{
			ID:         prefixed(a.ID),
			Names:      a.RepoTags,
			Digests:    digestsOf(a.RepoDigests, a.ID),
			Labels:     a.Labels,
			Created:    time.Unix(a.Created, 0),
			Size:       a.Size,
			Containers: -1,
		})
	}
	return all, nil
}

// Tag gives an image another name. A name without a registry becomes one of
// localhost/, as with podman tag.
func (e *Engine) Tag(ctx context.Context, ref, name string) error {
	err := e.tag(ctx, ref, name)
	if err != nil {
		return fmt.Errorf("tagging image %q as %q: %w", ref, name, err)
	}
	return nil
}

func (e *Engine) tag(ctx context.Context, ref, name string) error {
	// Podman itself takes almost anything, and what it takes nobody can name.
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return err
	}
	if _, ok := named.(reference.Digested); ok {
		return errors.New("a name to tag with has no digest")
	}
	repository, tag := name, "latest"
	if t, ok := named.(reference.Tagged); ok {
		tag = t.Tag()
		repository = strings.TrimSuffix(name, ":"+tag)
	}
	return e.call(ctx, post(path("images", lookup(ref), "tag")).with("repo", repository, "tag", tag), nil)
}

// RemoveImage removes a name or an image. Podman cannot keep a container
// without its image: with force the image's stopped containers go too.
func (e *Engine) RemoveImage(ctx context.Context, ref string, force bool) error {
	err := e.removeImage(ctx, ref, force)
	if err != nil {
		return fmt.Errorf("removing image %q: %w", ref, err)
	}
	return nil
}

func (e *Engine) removeImage(ctx context.Context, ref string, force bool) error {
	if ref == "" {
		return images.ErrNotFound
	}
	query := "false"
	if force {
		if err := e.refuseRunning(ctx, ref); err != nil {
			return err
		}
		query = "true"
	}
	r := request{method: http.MethodDelete, path: path("images", lookup(ref))}
	return e.call(ctx, r.with("force", query), nil)
}

// refuseRunning keeps Podman from killing, for a forced removal, containers
// that run. A container started this very moment is not seen.
func (e *Engine) refuseRunning(ctx context.Context, ref string) error {
	image, err := e.inspectImage(ctx, ref)
	if err != nil {
		return err
	}
	if len(image.RepoTags) > 1 && !strings.HasPrefix(image.ID, lookup(ref)) {
		return nil // only one name of several goes
	}
	all, err := e.containers(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ImageID == prefixed(image.ID) && c.IsRunning() {
			return fmt.Errorf("%w: container %s runs from it", images.ErrConflict, c.Name)
		}
	}
	return nil
}
