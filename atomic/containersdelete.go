package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
)

func isConflict(err error) bool { return errors.Is(err, images.ErrConflict) }

func containersDeleteCommand(e *env) *cli.Command {
	o := &deleteOptions{}
	return &cli.Command{
		Name:      "delete",
		Usage:     "remove containers",
		ArgsUsage: "CONTAINER...",
		Flags:     o.flags("remove containers that run too", "remove all containers"),
		Action: func(c *cli.Context) error {
			if err := o.take(c, e, "atomic containers delete"); err != nil {
				return err
			}
			return runContainersDelete(c.Context, e, *o)
		},
	}
}

func runContainersDelete(ctx context.Context, e *env, o deleteOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		var failed failures
		found, err := o.containers(ctx, e, eng, &failed)
		if err != nil {
			return err
		}
		var list []deletion
		for _, c := range found {
			list = append(list, deletion{
				row:    []string{shortID(c.ID), c.Name, c.ImageName, string(e.kind)},
				remove: func(ctx context.Context) error { return removeContainer(ctx, eng, c, o.force) },
			})
		}
		return e.deleteAll(ctx, []string{"CONTAINER ID", "NAME", "IMAGE_NAME", "STORAGE"}, list, failed)
	})
}

// containers are the containers named, each once, or all.
func (o *deleteOptions) containers(ctx context.Context, e *env, eng images.Engine, failed *failures) ([]images.Container, error) {
	if o.all {
		return eng.Containers(ctx)
	}
	var found []images.Container
	seen := make(map[string]bool)
	for _, name := range o.names {
		c, err := eng.Container(ctx, name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if isNotFound(err) {
				err = hint(err, "see what is there with atomic containers list --all")
			}
			failed.add(e, ctx, err)
			continue
		}
		if !seen[c.ID] {
			found = append(found, c)
		}
		seen[c.ID] = true
	}
	return found, nil
}

// removeContainer removes the very container that was shown, whoever has its
// name by now.
func removeContainer(ctx context.Context, eng images.Engine, c images.Container, force bool) error {
	err := eng.Remove(ctx, c.ID, force)
	if isConflict(err) && !force {
		return hint(err, "stop it first with atomic stop %s, or remove it as it is with atomic containers delete --force %s", c.Name, c.Name)
	}
	return err
}
