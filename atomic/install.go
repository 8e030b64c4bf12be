package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/installed"
	"github.com/projectatomic/atomic/labels"
)

func installCommand(e *env) *cli.Command {
	o := &installOptions{}
	return &cli.Command{
		Name:      "install",
		Usage:     "run the INSTALL label of an image and record it",
		ArgsUsage: "IMAGE [ARG...]",
		Flags: slices.Concat([]cli.Flag{
			o.nameFlag(),
			&cli.StringFlag{Name: "storage", Usage: "kept for old scripts: the same as --engine `ENGINE`", Destination: &o.storage},
		}, o.labelOptions.flags(), o.pull.flags()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usageError{"atomic install", "too few arguments"}
			}
			o.image, o.words = c.Args().First(), c.Args().Tail()
			if err := e.storage(o.storage); err != nil {
				return err
			}
			return runInstall(c.Context, e, o)
		},
	}
}

type installOptions struct {
	labelOptions
	pull    pullOptions
	image   string
	words   []string
	storage string
}

func runInstall(ctx context.Context, e *env, o *installOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		img, found, err := e.localOrPulled(ctx, eng, o.image, o.display, o.pull)
		if err != nil || !found {
			return err
		}
		text, ok := labels.Find(img.Labels, "INSTALL")
		if !ok {
			e.logf("the image has no INSTALL label")
			return nil
		}
		t, err := e.verbTask(text, img.Labels, o.image, o.name, o.words, &o.labelOptions)
		if err != nil {
			return err
		}
		if o.display {
			e.display(t)
			return nil
		}
		return o.carryOut(ctx, e, eng, t, img)
	})
}

// verbTask reads a label other than RUN and refuses what cannot be used.
func (e *env) verbTask(text labels.Text, all map[string]string, image, name string, words []string, o *labelOptions) (task, error) {
	if name == "" {
		name = labels.ContainerName(image)
	}
	vars, err := e.vars(image, name, o)
	if err != nil {
		return task{}, err
	}
	reading, err := e.read(text, all, vars, words)
	if err != nil {
		return task{}, err
	}
	t := task{text: text, reading: reading, vars: vars, opts: o}
	return t, e.ready(t)
}

// carryOut runs the label and records it. That the record can be written is
// made sure of first: a host that was changed and does not know it is worse
// than one that was not.
func (o *installOptions) carryOut(ctx context.Context, e *env, eng images.Engine, t task, img images.Image) error {
	records := installed.Open(installed.Path(e.getenv))
	if err := records.Check(); err != nil {
		return err
	}
	if err := asStatus(e.carryOut(ctx, eng, t)); err != nil {
		return err
	}
	return records.Add(ctx, o.image, installed.Entry{
		ID: img.ID, ContainerName: t.vars.Name, InstallDate: installed.Date(e.now()),
	})
}
