package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/projectatomic/atomic/images"
)

// Pull fetches ref from its registry.
func (e *Engine) Pull(ctx context.Context, ref string, opts images.PullOptions) (string, error) {
	doing := fmt.Sprintf("pulling image %q", ref)
	request, err := pullRequest(ref, opts)
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	had, err := e.imageID(ctx, ref)
	if err != nil {
		return "", err
	}
	err = e.move(ctx, e.limits.stall, doing, func(ctx context.Context, s *stall) error {
		r, err := e.cli.ImagePull(ctx, ref, request)
		if err != nil {
			return pullKind(err)
		}
		defer r.Close()
		return readPull(fromEngine{r, s}, opts.Progress)
	})
	if err != nil {
		return "", errors.Join(err, e.takeBack(ctx, ref, had))
	}
	img, err := e.Image(ctx, ref)
	return img.ID, err
}

func pullRequest(ref string, opts images.PullOptions) (client.ImagePullOptions, error) {
	var request client.ImagePullOptions
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return request, err
	}
	if opts.Platform != "" {
		p, err := parsePlatform(opts.Platform)
		if err != nil {
			return request, err
		}
		request.Platforms = []ocispec.Platform{*p}
	}
	if opts.Auth != nil {
		server := reference.Domain(named)
		if server == "docker.io" {
			server = "https://index.docker.io/v1/"
		}
		request.RegistryAuth, err = authconfig.Encode(registry.AuthConfig{
			Username:      opts.Auth.Username,
			Password:      opts.Auth.Password,
			IdentityToken: opts.Auth.IdentityToken,
			ServerAddress: server,
		})
	}
	return request, err
}

// imageID is the ID that a reference has now, or empty.
func (e *Engine) imageID(ctx context.Context, ref string) (string, error) {
	img, err := e.Image(ctx, ref)
	if errors.Is(err, images.ErrNotFound) {
		return "", nil
	}
	return img.ID, err
}

// takeBack undoes a name that a failed pull left after all: the engine may
// have given it just before it saw that nobody waits any more.
func (e *Engine) takeBack(ctx context.Context, ref, had string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.limits.tidy)
	defer cancel()
	has, err := e.imageID(ctx, ref)
	switch {
	case err != nil || has == had:
		return nil // where the engine is gone there is nothing to undo with
	case had == "":
		return e.RemoveImage(ctx, ref, false)
	case strings.Contains(ref, "@"):
		return nil // a digest cannot move
	}
	return e.Tag(ctx, had, ref)
}

// parsePlatform reads os/architecture[/variant].
func parsePlatform(text string) (*ocispec.Platform, error) {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || strings.Contains("/"+text+"/", "//") {
		return nil, fmt.Errorf("platform %q is not os/architecture[/variant]", text)
	}
	p := &ocispec.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// pullKind marks what a registry refuses. The engine passes it on with its own
// idea of a status: 404 for a repository that needs a login.
func pullKind(err error) error {
	text := strings.ToLower(err.Error())
	for _, word := range []string{"unauthorized", "denied", "authentication required", "no basic auth credentials", "incorrect username or password"} {
		if strings.Contains(text, word) && connectionKind(err) == nil {
			return &callError{kind: images.ErrUnauthorized, err: err}
		}
	}
	// Where the registry does not say that it speaks JSON the engine passes its
	// answer on as it is, with the codes in it.
	for _, words := range []string{"manifest unknown", "not found: name unknown", `"code":"manifest_unknown"`, `"code":"name_unknown"`} {
		if strings.Contains(text, words) {
			return &callError{kind: images.ErrNotFound, err: err}
		}
	}
	if cerrdefs.IsNotFound(err) {
		return &callError{kind: images.ErrNotFound, err: err}
	}
	return err
}

// maxMessage is the length of a message of a stream, in bytes. The longest are
// errors, which hold a page of what a registry said.
const maxMessage = 1 << 20

// A message is one line of a stream. Old and other engines put the error in
// error alone.
type message struct {
	jsonstream.Message
	Old string `json:"error"`
}

// err is the error that the message tells.
func (m message) err() error {
	switch {
	case m.Error != nil && m.Error.Message != "":
		return m.Error
	case m.Error != nil || m.Old != "":
		return errors.New(m.Old)
	}
	return nil
}

// readMessages calls f for each message of a stream.
func readMessages(r io.Reader, f func(message) error) error {
	short := &io.LimitedReader{R: r}
	dec := json.NewDecoder(short)
	for {
		short.N = maxMessage
		var m message
		switch err := dec.Decode(&m); {
		case errors.Is(err, io.EOF) && short.N > 0:
			return nil
		case err != nil && short.N <= 0:
			return errTooLong
		case err != nil:
			return err
		}
		if err := m.err(); err != nil {
			return err
		}
		if err := f(m); err != nil {
			return err
		}
	}
}

// readPull reads the stream of a pull.
func readPull(r io.Reader, report func(images.Progress)) error {
	if report == nil {
		report = func(images.Progress) {}
	}
	totals := make(map[string]int64)
	err := readMessages(r, func(m message) error {
		if p := progress(m, totals); p != (images.Progress{}) {
			report(p)
		}
		return nil
	})
	if err != nil {
		return pullKind(err)
	}
	return nil
}

// progress tells what a message means; totals remembers the size of layers.
func progress(m message, totals map[string]int64) images.Progress {
	p := images.Progress{Layer: m.ID, Text: m.Status}
	if m.Progress != nil {
		p.Current, p.Total = m.Progress.Current, m.Progress.Total
	}
	switch {
	case strings.HasPrefix(m.Status, "Pulling from "):
		p.Layer = "" // the ID is the tag
	case m.ID == "":
	case m.Status == "Already exists":
		p.Phase = images.Present
	case m.Status == "Downloading":
		p.Phase = images.Downloading
		totals[m.ID] = max(totals[m.ID], p.Total)
	case m.Status == "Verifying Checksum", m.Status == "Download complete":
		p.Phase = images.Downloading
		p.Current, p.Total = totals[m.ID], totals[m.ID]
	case strings.HasPrefix(m.Status, "Retrying in "):
		p.Phase = images.Downloading
	case m.Status == "Extracting":
		p.Phase = images.Extracting
	case m.Status == "Pull complete":
		p.Phase = images.Done
		p.Current, p.Total = totals[m.ID], totals[m.ID]
	default: // Pulling fs layer, Waiting
		p.Phase = images.Waiting
	}
	return p
}
