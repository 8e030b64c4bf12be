package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
)

func imagesDeleteCommand(e *env) *cli.Command {
	o := &deleteOptions{}
	return &cli.Command{
		Name:      "delete",
		Usage:     "remove names of images, and the images that have no other",
		ArgsUsage: "IMAGE...",
		Flags: append(o.flags("remove images from under stopped containers too, and all names of an image given by ID", "remove all images"),
			&cli.BoolFlag{Name: "remote", Hidden: true, Usage: "not offered", Destination: &o.remote}),
		Action: func(c *cli.Context) error {
			if o.remote {
				return usageError{"atomic images delete", "--remote is not offered: delete images in a registry with skopeo delete docker://IMAGE"}
			}
			if err := o.take(c, e, "atomic images delete"); err != nil {
				return err
			}
			return runImagesDelete(c.Context, e, *o)
		},
	}
}

// deleteOptions are those of images delete and containers delete.
type deleteOptions struct {
	force   bool
	all     bool
	remote  bool
	storage string
	names   []string
}

func (o *deleteOptions) flags(force, all string) []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: force, Destination: &o.force},
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: all, Destination: &o.all},
		storageFlag(&o.storage),
	}
}

// take reads the arguments: names, each once, or none with --all.
func (o *deleteOptions) take(c *cli.Context, e *env, command string) error {
	seen := make(map[string]bool)
	for _, name := range c.Args().Slice() {
		if !seen[name] {
			o.names = append(o.names, name)
		}
		seen[name] = true
	}
	switch {
	case o.all && len(o.names) > 0:
		return usageError{command, "--all and names exclude each other"}
	case !o.all && len(o.names) == 0:
		return usageError{command, "too few arguments: give names, or --all"}
	}
	return e.storage(o.storage)
}

// A deletion is one thing that is going to be removed.
type deletion struct {
	row    []string // of the table that the user confirms
	remove func(ctx context.Context) error
}

// deleteAll shows what is going to be removed, asks and removes. What cannot
// be removed is reported and does not keep the others; failed has what could
// not be found before.
func (e *env) deleteAll(ctx context.Context, heading []string, list []deletion, failed failures) error {
	if len(list) == 0 {
		return failed.status()
	}
	var rows [][]string
	for _, d := range list {
		rows = append(rows, d.row)
	}
	if !e.yes {
		// The table belongs to the question, and a redirected standard output
		// must not hide what is about to go.
		e.notef("Do you wish to delete the following?")
		if err := printTable(e.stderr, heading, rows); err != nil {
			return err
		}
	}
	sure, err := e.confirm("Confirm")
	if err != nil {
		return err
	}
	if !sure {
		e.notef("The delete operation is aborted")
		return statusError(exitUsage)
	}
	for _, d := range list {
		failed.add(e, ctx, d.remove(ctx))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return failed.status()
}

func runImagesDelete(ctx context.Context, e *env, o deleteOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		var failed failures
		refs, err := o.images(ctx, eng)
		if err != nil {
			return err
		}
		var list []deletion
		for _, ref := range refs {
			img, err := eng.Image(ctx, ref)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				failed.add(e, ctx, err)
				continue
			}
			list = append(list, deletion{
				row:    []string{refWithNames(ref, img), string(e.kind)},
				remove: func(ctx context.Context) error { return removeImage(ctx, eng, ref, o.force) },
			})
		}
		return e.deleteAll(ctx, []string{"IMAGE", "STORAGE"}, list, failed)
	})
}

// images are the references to remove: those named, or all names there are and
// the IDs of images without a name.
func (o *deleteOptions) images(ctx context.Context, eng images.Engine) ([]string, error) {
	if !o.all {
		return o.names, nil
	}
	all, err := eng.Images(ctx)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, img := range all {
		if len(img.Names) == 0 {
			refs = append(refs, img.ID)
		}
		refs = append(refs, img.Names...)
	}
	return refs, nil
}

// refWithNames is the reference as typed, and what it stands for if it is an
// ID.
func refWithNames(ref string, img images.Image) string {
	if !strings.HasPrefix(strings.TrimPrefix(img.ID, "sha256:"), strings.TrimPrefix(ref, "sha256:")) {
		return ref
	}
	if len(img.Names) == 0 {
		return shortID(ref)
	}
	return fmt.Sprintf("%s (%s)", shortID(ref), strings.Join(img.Names, ", "))
}

func removeImage(ctx context.Context, eng images.Engine, ref string, force bool) error {
	err := eng.RemoveImage(ctx, ref, force)
	if isConflict(err) && !force {
		return hint(err, "remove its containers first with atomic containers delete, or try atomic images delete --force %s", ref)
	}
	return err
}
