package main

import (
	"fmt"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/projectatomic/atomic/labels/run"
)

// version is set by the linker.
var version = ""

// versionString is the version of the build, or of the module when it was
// installed by go install.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "unknown"
}

// newApp builds the tree of commands.
func newApp(e *env) *cli.App {
	return &cli.App{
		Name:      "atomic",
		Usage:     "run the containers that administer a container host",
		UsageText: "atomic [OPTIONS] COMMAND [ARG...]",
		Version:   versionString(),
		Writer:    e.stdout,
		ErrWriter: e.stderr,
		Reader:    e.stdin,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "debug", Usage: "tell how decisions are made, on standard error", Destination: &e.debug},
			&cli.StringFlag{Name: "engine", Usage: "use `ENGINE`: docker or podman", Destination: &e.engine},
			&cli.BoolFlag{Name: "ignore", Aliases: []string{"i"}, Usage: "do not ask for an install record", Destination: &e.ignore},
			&cli.BoolFlag{Name: "assumeyes", Aliases: []string{"y"}, Usage: "answer yes to every question", Destination: &e.yes},
			&cli.BoolFlag{Name: "version", Aliases: []string{"v"}, Usage: "print the version"},
		},
		HideVersion: true,
		Commands:    commands(e),
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				fmt.Fprintln(e.stdout, versionString())
				return nil
			}
			if c.NArg() > 0 {
				return usageError{"atomic", "unknown command " + c.Args().First() + suggestion(c, c.App.Commands)}
			}
			return usageError{"atomic", "too few arguments"}
		},
		// A comma in a value is data.
		DisableSliceFlagSeparator: true,
		HideHelpCommand:           true,
		// main decides how the process ends.
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(c *cli.Context, err error, _ bool) error {
			return usageError{c.App.Name, err.Error()}
		},
		CommandNotFound: nil,
	}
}

func commands(e *env) []*cli.Command {
	list := []*cli.Command{
		runCommand(e), installCommand(e), uninstallCommand(e), stopCommand(e), lintCommand(e),
		infoCommand(e), pullCommand(e), imagesCommand(e), containersCommand(e), versionCommand(e), completionCommand(e),
	}
	for _, c := range list {
		finish(c, "atomic")
	}
	return list
}

// finish gives a command and those below it what all of them share.
func finish(c *cli.Command, parent string) {
	path := parent + " " + c.Name
	c.HideHelpCommand = true
	c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError{path, err.Error()} }
	for _, sub := range c.Subcommands {
		finish(sub, path)
	}
	if c.Action == nil {
		c.Action = func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return usageError{path, "unknown command " + ctx.Args().First() + suggestion(ctx, c.Subcommands)}
			}
			return usageError{path, "too few arguments"}
		}
	}
}

// suggestion names the command that was likely meant.
func suggestion(c *cli.Context, list []*cli.Command) string {
	var names []string
	for _, sub := range list {
		names = append(names, sub.Names()...)
	}
	if near := run.Nearest(c.Args().First(), names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}
