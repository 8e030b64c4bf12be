package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
)

// versionCommand is also images version, where an image must be named.
func versionCommand(e *env) *cli.Command { return newVersionCommand(e, "atomic version", 0) }

func newVersionCommand(e *env, path string, least int) *cli.Command {
	o := &versionOptions{}
	usage, argument := "print the versions of atomic and the engine, or of an image", "[IMAGE]"
	if least > 0 {
		usage, argument = "print the version of an image", "IMAGE"
	}
	return &cli.Command{
		Name:      "version",
		Usage:     usage,
		ArgsUsage: argument,
		Flags: slices.Concat([]cli.Flag{
			storageFlag(&o.storage),
			&cli.BoolFlag{Name: "recurse", Aliases: []string{"r"}, Hidden: true, Usage: "does nothing"},
		}, o.formatOptions.flags()),
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, path, least, 1); err != nil {
				return err
			}
			if err := o.check(path); err != nil {
				return err
			}
			if err := e.storage(o.storage); err != nil {
				return err
			}
			if o.image = c.Args().First(); o.image == "" {
				return runVersion(c.Context, e, *o)
			}
			return runImageVersion(c.Context, e, *o)
		},
	}
}

type versionOptions struct {
	formatOptions
	storage string
	image   string
}

// enginePatience bounds the question for the engine's version: atomic's own is
// there to be printed all the while.
const enginePatience = 3 * time.Second

// runVersion prints the versions of atomic and of the engine, if one answers.
func runVersion(ctx context.Context, e *env, o versionOptions) error {
	versions := struct {
		Version string       `json:"version"`
		Engine  *images.Info `json:"engine,omitempty"`
	}{Version: versionString()}
	err := e.askEngine(ctx, func(info images.Info) { versions.Engine = &info })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.logf("no version of an engine: %v", err)
	}
	if o.json {
		return printJSON(e.stdout, versions)
	}
	fmt.Fprintln(e.stdout, "atomic "+versions.Version)
	if info := versions.Engine; info != nil {
		fmt.Fprintf(e.stdout, "%s %s (API %s)\n", info.Kind, printable(info.Version), printable(info.APIVersion))
	}
	return nil
}

func (e *env) askEngine(ctx context.Context, tell func(images.Info)) error {
	ctx, cancel := context.WithTimeout(ctx, enginePatience)
	defer cancel()
	return e.withEngine(ctx, func(eng images.Engine) error {
		info, err := eng.Info(ctx)
		if err == nil {
			tell(info)
		}
		return err
	})
}

// runImageVersion prints the version that an image's labels tell.
func runImageVersion(ctx context.Context, e *env, o versionOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		img, err := eng.Image(ctx, o.image)
		if err != nil {
			return notFoundHint(err, o.image)
		}
		names := img.Names
		if len(names) == 0 {
			names = []string{o.image}
		}
		if o.json {
			return printJSON(e.stdout, map[string]any{"name": o.image, "id": img.ID, "version": imageVersion(img), "names": names})
		}
		rows := [][]string{{names[0], imageVersion(img), shortID(img.ID)}}
		for _, name := range names[1:] {
			rows = append(rows, []string{"  Tag: " + name, "", ""})
		}
		return printTable(e.stdout, []string{"IMAGE NAME", "VERSION", "IMAGE ID"}, rows)
	})
}

// imageVersion is Version-Release, or the ID of an image without a version.
func imageVersion(img images.Image) string {
	version, ok := labels.Find(img.Labels, "Version")
	if !ok || version.Value == "" {
		return img.ID
	}
	if release, ok := labels.Find(img.Labels, "Release"); ok && release.Value != "" {
		return version.Value + "-" + release.Value
	}
	return version.Value
}

// notFoundHint says how to get an image that is not there.
func notFoundHint(err error, ref string) error {
	if isNotFound(err) {
		return hint(err, "get it with atomic pull %s, or see what is there with atomic images list", ref)
	}
	return err
}
