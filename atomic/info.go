package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
)

// infoCommand is also images info.
func infoCommand(e *env) *cli.Command { return newInfoCommand(e, "atomic info") }

func newInfoCommand(e *env, path string) *cli.Command {
	o := &infoOptions{}
	return &cli.Command{
		Name:      "info",
		Usage:     "print the labels of an image",
		ArgsUsage: "IMAGE",
		Flags: slices.Concat([]cli.Flag{
			storageFlag(&o.storage),
			&cli.BoolFlag{Name: "remote", Hidden: true, Usage: "not offered", Destination: &o.remote},
		}, o.formatOptions.flags()),
		Action: func(c *cli.Context) error {
			if o.remote {
				return usageError{path, "--remote is not offered: inspect images in a registry with skopeo inspect docker://IMAGE"}
			}
			if err := wantArgs(c, path, 1, 1); err != nil {
				return err
			}
			if err := o.check(path); err != nil {
				return err
			}
			if err := e.storage(o.storage); err != nil {
				return err
			}
			o.image = c.Args().First()
			return runInfo(c.Context, e, *o)
		},
	}
}

type infoOptions struct {
	formatOptions
	storage string
	remote  bool
	image   string
}

// runInfo prints what an image says of itself.
func runInfo(ctx context.Context, e *env, o infoOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		name, img, err := e.imageOrContainer(ctx, eng, o.image)
		if err != nil {
			return notFoundHint(err, o.image)
		}
		if o.json {
			return printJSON(e.stdout, describedImage(name, img))
		}
		fmt.Fprintln(e.stdout, "Image Name: "+printable(name))
		for _, line := range labelLines(img.Labels) {
			fmt.Fprintln(e.stdout, line)
		}
		return nil
	})
}

// imageOrContainer finds an image, or else the image of the container that has
// exactly that name.
func (e *env) imageOrContainer(ctx context.Context, eng images.Engine, name string) (string, images.Image, error) {
	img, err := eng.Image(ctx, name)
	if !isNotFound(err) {
		return name, img, err
	}
	c, containerErr := e.container(ctx, eng, name)
	if containerErr != nil {
		return name, img, errors.Join(err, containerErr)
	}
	if c == nil {
		return name, img, err
	}
	e.notef("%s is a container, made of image %s", name, c.ImageName)
	img, err = eng.Image(ctx, c.ImageID)
	return c.ImageName, img, err
}

// labelLines are the labels as key: value, sorted. A value may have lines of
// its own.
func labelLines(labels map[string]string) []string {
	var lines []string
	for key, value := range labels {
		lines = append(lines, printable(key)+": "+printableLines(value))
	}
	slices.Sort(lines)
	return lines
}

// A namedImage is an image under the name that the user knows it by.
type namedImage struct {
	Name string `json:"name"`
	images.Image
}

// describedImage has lists and labels as JSON even where there are none.
func describedImage(name string, img images.Image) namedImage {
	img.Names = append([]string{}, img.Names...)
	img.Digests = append([]string{}, img.Digests...)
	if img.Labels == nil {
		img.Labels = map[string]string{}
	}
	return namedImage{name, img}
}
