package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
)

func imagesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "images",
		Usage: "list, describe, tag and remove images",
		Subcommands: []*cli.Command{
			imagesListCommand(e), imagesDeleteCommand(e), imagesPruneCommand(e), imagesTagCommand(e),
			newInfoCommand(e, "atomic images info"), newVersionCommand(e, "atomic images version", 1),
		},
	}
}

func imagesTagCommand(e *env) *cli.Command {
	var storage string
	return &cli.Command{
		Name:      "tag",
		Usage:     "give an image another name",
		ArgsUsage: "IMAGE NAME",
		Flags:     []cli.Flag{storageFlag(&storage)},
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, "atomic images tag", 2, 2); err != nil {
				return err
			}
			if err := e.storage(storage); err != nil {
				return err
			}
			return runImagesTag(c.Context, e, c.Args().Get(0), c.Args().Get(1))
		},
	}
}

func runImagesTag(ctx context.Context, e *env, ref, name string) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		return notFoundHint(eng.Tag(ctx, ref, name), ref)
	})
}

func imagesPruneCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "prune",
		Usage: "remove the images that have no name and that no container uses",
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, "atomic images prune", 0, 0); err != nil {
				return err
			}
			return runImagesPrune(c.Context, e)
		},
	}
}

// runImagesPrune removes dangling images. One that a container uses stays:
// Podman could only remove it together with the container.
func runImagesPrune(ctx context.Context, e *env) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		all, err := eng.Images(ctx)
		if err != nil {
			return err
		}
		used, err := usedImages(ctx, eng)
		if err != nil {
			return err
		}
		var failed failures
		for _, img := range all {
			switch {
			case !dangling(e.kind, img):
			case used[img.ID] != "":
				e.notef("Keeping dangling image %s, which container %s uses", shortID(img.ID), used[img.ID])
			default:
				err := eng.RemoveImage(ctx, img.ID, false)
				if err == nil {
					fmt.Fprintln(e.stdout, "Removed dangling image "+shortID(img.ID))
				}
				failed.add(e, ctx, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return failed.status()
	})
}

// usedImages are the images that containers are made of, by ID, with the name
// of one of the containers.
func usedImages(ctx context.Context, eng images.Engine) (map[string]string, error) {
	all, err := eng.Containers(ctx)
	if err != nil {
		return nil, err
	}
	used := make(map[string]string)
	for _, c := range all {
		used[c.ImageID] = c.Name
	}
	return used, nil
}

// dangling tells whether an image has lost its last name. A digest is a name
// to Podman; with Docker an image keeps its digest when a newer one takes its
// tag.
func dangling(kind images.Kind, img images.Image) bool {
	return len(img.Names) == 0 && (kind == images.Docker || len(img.Digests) == 0)
}

// failures counts what went wrong with some of several things.
type failures struct{ first int }

// add reports an error and remembers its exit status. What an interruption
// brought about is not reported once for each thing.
func (f *failures) add(e *env, ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	status := e.report(err)
	if f.first == 0 {
		f.first = status
	}
}

func (f *failures) status() error {
	if f.first == 0 {
		return nil
	}
	return statusError(f.first)
}

// splitName takes repository:tag apart. A port is no tag.
func splitName(name string) (repository, tag string) {
	colon := strings.LastIndexByte(name, ':')
	if colon < strings.LastIndexByte(name, '/') || colon < 0 {
		return name, ""
	}
	return name[:colon], name[colon+1:]
}
