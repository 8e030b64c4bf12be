package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
)

func stopCommand(e *env) *cli.Command {
	o := &stopOptions{}
	return &cli.Command{
		Name:      "stop",
		Usage:     "stop a container, by its STOP label if it has one",
		ArgsUsage: "CONTAINER [ARG...]",
		Flags:     slices.Concat(o.labelOptions.flags()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usageError{"atomic stop", "too few arguments"}
			}
			o.container, o.words = c.Args().First(), c.Args().Tail()
			return runStop(c.Context, e, o)
		},
	}
}

type stopOptions struct {
	labelOptions
	container string
	words     []string
}

func runStop(ctx context.Context, e *env, o *stopOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		c, err := eng.Container(ctx, o.container)
		if err != nil {
			return err
		}
		return e.stopContainer(ctx, eng, c, o.words, &o.labelOptions)
	})
}

// stopContainer stops a container by its STOP label, or by the engine. With
// display nothing happens but that the label's command is printed.
func (e *env) stopContainer(ctx context.Context, eng images.Engine, c images.Container, words []string, o *labelOptions) error {
	text, ok := labels.Find(c.Labels, "STOP")
	if !ok {
		if o.display {
			return nil
		}
		return eng.Stop(ctx, c.ID, nil)
	}
	t, err := e.verbTask(text, c.Labels, c.ImageName, c.Name, words, o)
	if err != nil {
		return err
	}
	if o.display {
		e.display(t)
		return nil
	}
	return asStatus(e.carryOut(ctx, eng, t))
}
