package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// repository is where the names of the images begin.
const repository = "rhel7/"

// imageOptions are what the command line of images says.
type imageOptions struct {
	docker, podman string // URLs, if any
	names          []string
}

func parseImages(args []string) (imageOptions, error) {
	var o imageOptions
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--docker" || arg == "--podman":
			i++
			if i == len(args) {
				return o, fmt.Errorf("%w: %s needs a URL", errUsage, arg)
			}
			if arg == "--docker" {
				o.docker = args[i]
			} else {
				o.podman = args[i]
			}
		case strings.HasPrefix(arg, "-"):
			return o, fmt.Errorf("%w: images has no option %q", errUsage, arg)
		default:
			o.names = append(o.names, strings.TrimPrefix(arg, repository))
		}
	}
	return o, nil
}

func runImages(ctx context.Context, args []string) error {
	o, err := parseImages(args)
	if err != nil {
		return err
	}
	var engines []*engine
	for name, address := range map[string]string{"docker": o.docker, "podman": o.podman} {
		if address == "" {
			continue
		}
		socket, ok := strings.CutPrefix(address, "unix://")
		if !ok {
			return fmt.Errorf("%w: %q does not begin with unix://", errUsage, address)
		}
		engines = append(engines, newEngine(name, socket))
	}
	return makeImages(ctx, (*exec.Cmd).Run, engines, o.names)
}

// makeImages makes the named images, or all of them, and sees to it that the
// engines have them. Programs are run by run.
func makeImages(ctx context.Context, run func(*exec.Cmd) error, engines []*engine, names []string) error {
	began := time.Now()
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "tests", "images")
	if len(names) == 0 {
		if names, err = recipes(dir); err != nil {
			return err
		}
	}
	b, err := newBuilder(dir, run)
	if err != nil {
		return err
	}
	rootfs, err := b.rootfs(ctx)
	if err != nil {
		return fmt.Errorf("making a root file system: %w", err)
	}
	var made []image
	for _, name := range names {
		image, err := b.image(name, rootfs)
		if err != nil {
			return fmt.Errorf("making the image %s%s: %w", repository, name, err)
		}
		made = append(made, image)
	}
	// One by one into each: it unpacks what they share only once.
	g, ctx := errgroup.WithContext(ctx)
	for _, e := range engines {
		g.Go(func() error { return e.load(ctx, made) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bed: images ready after %.1f s: %s\n", time.Since(began).Seconds(), strings.Join(names, " "))
	return nil
}

// moduleRoot is the folder of go.mod, above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above: this works only in the source tree")
		}
		dir = parent
	}
}

func recipes(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "Containerfile"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no Containerfile below %q", dir)
	}
	slices.Sort(names)
	return names, nil
}

func (e *engine) load(ctx context.Context, made []image) error {
	for _, image := range made {
		if err := e.loadOne(ctx, image); err != nil {
			return fmt.Errorf("loading %s into %s: %w", image.name, e.name, err)
		}
	}
	return nil
}

// loadOne does nothing when the engine has the very image under its name.
func (e *engine) loadOne(ctx context.Context, image image) error {
	if id, err := e.imageID(ctx, image.name); err == nil && id == image.id {
		return nil
	}
	f, err := os.Open(image.archive)
	if err != nil {
		return err
	}
	defer f.Close()
	path := "/images/load?quiet=1"
	if e.name == "podman" {
		// Its own call takes the name as it is in the archive.
		path = "/v4.0.0/libpod/images/load"
	}
	body, err := e.call(ctx, http.MethodPost, path, f)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		return err
	}
	// A failure on the way is told in the answer, after a good status.
	id, err := e.imageID(ctx, image.name)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s", err, answer)
	case id != image.id:
		return fmt.Errorf("the engine has %s, not %s: %s", id, image.id, answer)
	}
	return nil
}

func (e *engine) imageID(ctx context.Context, name string) (string, error) {
	body, err := e.call(ctx, http.MethodGet, "/images/"+url.PathEscape(name)+"/json", nil)
	if err != nil {
		return "", err
	}
	defer body.Close()
	var image struct {
		ID string `json:"Id"`
	}
	err = json.NewDecoder(body).Decode(&image)
	return image.ID, err
}
