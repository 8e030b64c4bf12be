package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
)

func containersCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "containers",
		Usage:       "list and remove containers",
		Subcommands: []*cli.Command{containersListCommand(e), containersDeleteCommand(e)},
	}
}

func containersListCommand(e *env) *cli.Command {
	o := &listOptions{}
	return &cli.Command{
		Name:  "list",
		Usage: "list the containers that run",
		Flags: o.flags("list all containers, running or not", "container, image, name, command, created, state, runtime or backend"),
		Action: func(c *cli.Context) error {
			if err := o.check(c, "atomic containers list"); err != nil {
				return err
			}
			return runContainersList(c.Context, e, *o)
		},
	}
}

// A listedContainer is a container as lists show it.
type listedContainer struct {
	ID         string       `json:"id"`
	ImageID    string       `json:"image_id"`
	ImageName  string       `json:"image_name"`
	Name       string       `json:"name"`
	Command    string       `json:"command"`
	Created    time.Time    `json:"created"`
	State      images.State `json:"state"`
	Backend    images.Kind  `json:"backend"`
	Runtime    images.Kind  `json:"runtime"`
	Vulnerable bool         `json:"vulnerable"` // always false: nothing scans
	Running    bool         `json:"running"`
}

// containerColumns are the names that filters know the columns by.
func containerColumns() map[string]string {
	return map[string]string{
		"container": "id", "image": "image", "name": "name", "command": "command",
		"created": "created", "state": "state", "runtime": "runtime", "backend": "backend",
	}
}

func (l listedContainer) cells() map[string]string {
	return map[string]string{
		"id": l.ID, "image": l.ImageName, "name": l.Name, "command": l.Command, "created": listTime(l.Created),
		"state": string(l.State), "runtime": string(l.Runtime), "backend": string(l.Backend),
	}
}

// runContainersList lists the containers that run, or all.
func runContainersList(ctx context.Context, e *env, o listOptions) error {
	filters, err := parseFilters(o.filters.Value(), containerColumns())
	if err != nil {
		return err
	}
	return e.withEngine(ctx, func(eng images.Engine) error {
		all, err := eng.Containers(ctx)
		if err != nil {
			return err
		}
		list := []listedContainer{}
		for _, c := range all {
			l := listedContainer{
				ID: c.ID, ImageID: c.ImageID, ImageName: c.ImageName, Name: c.Name, Command: labels.Quote(c.Command),
				Created: c.Created, State: c.State, Backend: e.kind, Runtime: e.kind, Running: c.IsRunning(),
			}
			if (o.all || l.Running) && matches(filters, l.cells()) {
				list = append(list, l)
			}
		}
		slices.SortStableFunc(list, func(a, b listedContainer) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Name, b.Name))
		})
		return o.printContainers(e, list)
	})
}

func (o *listOptions) printContainers(e *env, list []listedContainer) error {
	if o.quiet {
		for _, l := range list {
			fmt.Fprintln(e.stdout, o.id(l.ID))
		}
		return nil
	}
	if o.json {
		return printJSON(e.stdout, list)
	}
	var rows [][]string
	for _, l := range list {
		image, command := l.ImageName, l.Command
		if !o.noTrunc {
			image, command = clip(image, 20), clip(command, 10) // the name is what one types next
		}
		rows = append(rows, []string{
			"  " + o.id(l.ID), image, l.Name, command, listTime(l.Created), string(l.State), string(l.Backend), string(l.Runtime),
		})
	}
	return printTable(e.stdout, o.heading("  CONTAINER ID", "IMAGE", "NAME", "COMMAND", "CREATED", "STATE", "BACKEND", "RUNTIME"), rows)
}
