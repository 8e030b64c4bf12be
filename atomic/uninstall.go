package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/installed"
	"github.com/projectatomic/atomic/labels"
)

func uninstallCommand(e *env) *cli.Command {
	o := &uninstallOptions{}
	return &cli.Command{
		Name:      "uninstall",
		Usage:     "run the UNINSTALL label of an image and forget its install record",
		ArgsUsage: "IMAGE [ARG...]",
		Flags: slices.Concat([]cli.Flag{
			o.nameFlag(),
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "remove the containers of the image first", Destination: &o.force},
			&cli.StringFlag{Name: "storage", Usage: "kept for old scripts: the same as --engine `ENGINE`", Destination: &o.storage},
		}, o.labelOptions.flags()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usageError{"atomic uninstall", "too few arguments"}
			}
			o.image, o.words = c.Args().First(), c.Args().Tail()
			if err := e.storage(o.storage); err != nil {
				return err
			}
			return runUninstall(c.Context, e, o)
		},
	}
}

type uninstallOptions struct {
	labelOptions
	image   string
	words   []string
	storage string
	force   bool
}

// runUninstall checks everything before it changes anything.
func runUninstall(ctx context.Context, e *env, o *uninstallOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		img, err := eng.Image(ctx, o.image)
		if err != nil {
			return err
		}
		u := uninstall{uninstallOptions: o, e: e, eng: eng, img: img, records: installed.Open(installed.Path(e.getenv))}
		if err := u.readLabel(); err != nil {
			return err
		}
		if o.display {
			if u.task != nil {
				e.display(*u.task)
			}
			return nil
		}
		if err := errors.Join(u.findRecord(), u.findContainers(ctx)); err != nil {
			return err
		}
		return u.apply(ctx)
	})
}

// An uninstall is what is about to happen.
type uninstall struct {
	*uninstallOptions
	e       *env
	eng     images.Engine
	img     images.Image
	records installed.Records
	task    *task             // nil without a label
	found   []installed.Found // the records to forget
	last    bool              // no other install of the image is left
	named   *images.Container // to be stopped and removed
	forced  []images.Container
}

func (u *uninstall) readLabel() error {
	text, ok := labels.Find(u.img.Labels, "UNINSTALL")
	if !ok {
		if len(u.words) > 0 {
			return fmt.Errorf("the image %s has no UNINSTALL label that could take %s", u.image, labels.Quote(u.words))
		}
		return nil
	}
	t, err := u.e.verbTask(text, u.img.Labels, u.image, u.name, u.words, &u.labelOptions)
	u.task = &t
	return err
}

// findRecord picks the record that goes. Without a label there must be one,
// unless the user says --ignore.
func (u *uninstall) findRecord() error {
	all, err := u.records.Match(u.img, u.image)
	if err != nil {
		return err
	}
	u.found = slices.DeleteFunc(slices.Clone(all), func(f installed.Found) bool {
		return u.name != "" && f.Entry.ContainerName != u.name
	})
	var names []string
	for _, f := range u.found {
		if !slices.Contains(names, f.Entry.ContainerName) {
			names = append(names, f.Entry.ContainerName)
		}
	}
	// One name with several records is an image that was pulled anew between installs.
	if len(names) > 1 {
		return hint(fmt.Errorf("the image %s is installed more than once: %s", u.image, strings.Join(names, ", ")), "name one of them with --name")
	}
	if len(u.found) == 0 && u.task == nil && !u.e.ignore {
		return hint(fmt.Errorf("the image %s does not appear to be installed", u.image), "remove it all the same with atomic --ignore uninstall %s", u.image)
	}
	u.last = len(all) == len(u.found)
	return nil
}

// findContainers finds what must go before the image is uninstalled.
func (u *uninstall) findContainers(ctx context.Context) error {
	if u.name != "" {
		c, err := u.e.container(ctx, u.eng, u.name)
		if err != nil {
			return err
		}
		u.named = c
	}
	all, err := u.eng.Containers(ctx)
	if err != nil {
		return err
	}
	var left []string
	for _, c := range all {
		switch {
		case c.ImageID != u.img.ID || u.named != nil && c.ID == u.named.ID:
		case u.force:
			u.forced = append(u.forced, c)
		default:
			left = append(left, c.Name)
		}
	}
	if len(left) > 0 {
		return hint(fmt.Errorf("the image %s is in use by containers: %s", u.image, strings.Join(left, ", ")),
			"remove them too with atomic uninstall --force %s", u.image)
	}
	return nil
}

// apply stops, removes, runs the label and forgets, in this order; each step
// can be repeated.
func (u *uninstall) apply(ctx context.Context) error {
	if u.named != nil {
		if u.named.IsRunning() {
			if err := u.e.stopContainer(ctx, u.eng, *u.named, nil, &u.labelOptions); err != nil {
				return err
			}
		}
		u.forced = append(u.forced, *u.named)
	}
	for _, c := range u.forced {
		if err := u.eng.Remove(ctx, c.ID, true); err != nil && !isNotFound(err) {
			return err
		}
	}
	if u.task != nil {
		if err := asStatus(u.e.carryOut(ctx, u.eng, *u.task)); err != nil {
			return err
		}
	}
	for _, f := range u.found {
		if err := u.records.Remove(ctx, f); err != nil {
			return err
		}
	}
	if u.task == nil && u.last {
		return u.eng.RemoveImage(ctx, u.image, u.force)
	}
	return nil
}
