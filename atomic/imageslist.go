package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/images"
)

func imagesListCommand(e *env) *cli.Command {
	o := &listOptions{}
	return &cli.Command{
		Name:  "list",
		Usage: "list the images",
		Flags: o.flags("accepted for old scripts; the layers of images are not listed", "repo, tag, id, created, size, type or is_dangling"),
		Action: func(c *cli.Context) error {
			if err := o.check(c, "atomic images list"); err != nil {
				return err
			}
			return runImagesList(c.Context, e, *o)
		},
	}
}

// listOptions are those of images list and containers list.
type listOptions struct {
	formatOptions
	all       bool
	filters   cli.StringSlice
	noHeading bool
	noTrunc   bool
	quiet     bool
}

func (o *listOptions) flags(all, keys string) []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: all, Destination: &o.all},
		&cli.StringSliceFlag{Name: "filter", Aliases: []string{"f"}, Usage: "list only what has the text in the column: `COLUMN=TEXT`, with " + keys + " (repeatable)", Destination: &o.filters},
		&cli.BoolFlag{Name: "noheading", Aliases: []string{"n"}, Usage: "leave the heading out", Destination: &o.noHeading},
		&cli.BoolFlag{Name: "no-trunc", Usage: "do not shorten anything", Destination: &o.noTrunc},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only IDs", Destination: &o.quiet},
	}, o.formatOptions.flags()...)
}

func (o *listOptions) check(c *cli.Context, command string) error {
	if err := wantArgs(c, command, 0, 0); err != nil {
		return err
	}
	return o.formatOptions.check(command)
}

// heading is what a table is to have above it.
func (o *listOptions) heading(columns ...string) []string {
	if o.noHeading {
		return nil
	}
	return columns
}

// id is an ID as the list shows it.
func (o *listOptions) id(id string) string {
	if o.noTrunc {
		return strings.TrimPrefix(id, "sha256:")
	}
	return shortID(id)
}

// A filter asks for a text in a column.
type filter struct{ column, text string }

// parseFilters reads COLUMN=TEXT; columns has the columns that there are under
// every name that they go by.
func parseFilters(given []string, columns map[string]string) ([]filter, error) {
	var filters []filter
	for _, text := range given {
		key, value, ok := strings.Cut(text, "=")
		column := columns[strings.ToLower(key)]
		if !ok || column == "" {
			return nil, fmt.Errorf("the filter %q is not valid: it is COLUMN=TEXT with one of %s", text, strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
		}
		filters = append(filters, filter{column, strings.ToLower(value)})
	}
	return filters, nil
}

// matches tells whether all filters find their text, in either case.
func matches(filters []filter, cells map[string]string) bool {
	return !slices.ContainsFunc(filters, func(f filter) bool {
		return !strings.Contains(strings.ToLower(cells[f.column]), f.text)
	})
}

// A listedImage is an image under one of its names.
type listedImage struct {
	Repo        string      `json:"repo"`
	Tag         string      `json:"tag"`
	Dangling    bool        `json:"is_dangling"`
	Used        bool        `json:"used"`
	Vulnerable  bool        `json:"vulnerable"` // always false: nothing scans
	ID          string      `json:"id"`
	Type        string      `json:"type"` // always image
	Created     time.Time   `json:"created"`
	VirtualSize string      `json:"virtual_size"`
	Size        int64       `json:"size"` // bytes
	Backend     images.Kind `json:"backend"`
	VulnInfo    string      `json:"vuln_info"`
}

// imageColumns are the names that filters know the columns by.
func imageColumns() map[string]string {
	return map[string]string{
		"repo": "repo", "repository": "repo", "tag": "tag", "id": "id", "image": "id",
		"created": "created", "size": "size", "type": "type", "is_dangling": "is_dangling",
	}
}

func (l listedImage) cells() map[string]string {
	return map[string]string{
		"repo": l.Repo, "tag": l.Tag, "id": l.ID, "created": listTime(l.Created),
		"size": l.VirtualSize, "type": string(l.Backend), "is_dangling": strconv.FormatBool(l.Dangling),
	}
}

// runImagesList lists each image once for each of its names.
func runImagesList(ctx context.Context, e *env, o listOptions) error {
	filters, err := parseFilters(o.filters.Value(), imageColumns())
	if err != nil {
		return err
	}
	return e.withEngine(ctx, func(eng images.Engine) error {
		list, err := e.listImages(ctx, eng)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(l listedImage) bool { return !matches(filters, l.cells()) })
		return o.printImages(e, list)
	})
}

// listImages are the images, the newest first.
func (e *env) listImages(ctx context.Context, eng images.Engine) ([]listedImage, error) {
	all, err := eng.Images(ctx)
	if err != nil {
		return nil, err
	}
	used, err := usedImages(ctx, eng)
	if err != nil {
		return nil, err
	}
	list := []listedImage{}
	for _, img := range all {
		l := listedImage{
			Dangling: dangling(e.kind, img), Used: used[img.ID] != "", ID: img.ID, Type: "image",
			Created: img.Created, VirtualSize: imageSize(img.Size), Size: img.Size, Backend: e.kind,
		}
		for _, name := range namesToList(img) {
			l.Repo, l.Tag = splitName(name)
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b listedImage) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// namesToList gives an image without a name the one that lists show.
func namesToList(img images.Image) []string {
	const none = "<none>"
	if len(img.Names) > 0 {
		return img.Names
	}
	repository := none
	if len(img.Digests) > 0 {
		repository, _, _ = strings.Cut(img.Digests[0], "@")
	}
	return []string{repository + ":" + none}
}

func (o *listOptions) printImages(e *env, list []listedImage) error {
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
		rows = append(rows, []string{
			l.marker() + l.Repo, l.Tag, o.id(l.ID), listTime(l.Created), l.VirtualSize, string(l.Backend),
		})
	}
	return printTable(e.stdout, o.heading("  REPOSITORY", "TAG", "IMAGE ID", "CREATED", "VIRTUAL SIZE", "TYPE"), rows)
}

func (l listedImage) marker() string {
	switch {
	case l.Dangling:
		return "* "
	case l.Used:
		return "> "
	}
	return "  "
}
