package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
)

// printTable prints rows under a heading, aligned. There is no heading if it
// is nil, and nothing at all without rows.
func printTable(w io.Writer, heading []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	if heading != nil {
		rows = append([][]string{heading}, rows...)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(t, strings.Join(cells, "\t"))
	}
	return t.Flush()
}

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return []rune(printable(string(r)))[0]
	}, text)
}

// clip shortens a text to so many characters.
func clip(text string, width int) string {
	r := []rune(text)
	return string(r[:min(width, len(r))])
}

// byteUnits are powers of 1000.
var byteUnits = [...]string{"B", "KB", "MB", "GB", "TB", "PB"}

// imageSize is a number of bytes as lists show it: 1.99 MB.
func imageSize(n int64) string {
	return units.CustomSize("%.2f %s", float64(n), 1000, byteUnits[:])
}

// roughSize is a number of bytes as progress shows it: 12.3 MB.
func roughSize(n int64) string {
	return strings.Replace(units.CustomSize("%.1f %s", float64(n), 1000, byteUnits[:]), ".0 ", " ", 1)
}

// listTime is a time as lists show it, in the caller's time zone.
func listTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// printJSON prints a value as the original did: indented by four.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "    ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// formatOptions are those of every command that lists or describes.
type formatOptions struct {
	json   bool
	format string
}

func (o *formatOptions) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print JSON, as --format json", Destination: &o.json},
		&cli.StringFlag{Name: "format", Usage: "print `FORMAT`: text or json", Value: "text", Destination: &o.format},
	}
}

// check settles which format is asked for.
func (o *formatOptions) check(command string) error {
	switch o.format {
	case "", "text":
	case "json":
		o.json = true
	default:
		return usageError{command, fmt.Sprintf("unknown format %q: it is text or json", o.format)}
	}
	return nil
}

// wantArgs tells whether a command has from least to most arguments; most is
// -1 if there is no limit.
func wantArgs(c *cli.Context, command string, least, most int) error {
	switch n := c.NArg(); {
	case n < least:
		return usageError{command, "too few arguments"}
	case most >= 0 && n > most:
		return usageError{command, "unexpected argument " + c.Args().Get(most)}
	}
	return nil
}

// storageFlag is the original's way to name an engine.
func storageFlag(storage *string) cli.Flag {
	return &cli.StringFlag{Name: "storage", Usage: "kept for old scripts: the same as --engine `ENGINE`", Destination: storage}
}
