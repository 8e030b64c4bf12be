package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"
)

func completionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes command lines in a shell",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, "atomic completion", 1, 1); err != nil {
				return err
			}
			script, ok := completionScripts()[c.Args().First()]
			if !ok {
				return usageError{"atomic completion", "no script for " + c.Args().First() + ": there is one for bash, zsh and fish"}
			}
			return printCompletion(e.stdout, script, c.App)
		},
	}
}

// A completion is what may be typed behind the words of a command.
type completion struct {
	Path    string   // as in "atomic images list"
	Words   []string // its commands
	Options []string
	Usage   map[string]string // of words and options
	Valued  []string          // options that take a value
	// Object is what the arguments name, image or container, or empty.
	Object string
	// Most tells how many of them there may be, -1 for any number.
	Most int
	// Trailing commands pass what stands behind their first argument on.
	Trailing bool
}

// completions flattens the tree of commands, the root first.
func completions(app *cli.App) []completion {
	root := &cli.Command{Name: "atomic", Flags: app.Flags, Subcommands: app.Commands}
	return completionsBelow(root, root.Name)
}

func completionsBelow(c *cli.Command, path string) []completion {
	one := completion{Path: path, Usage: map[string]string{}}
	for _, sub := range c.Subcommands {
		one.Words = append(one.Words, sub.Name)
		one.Usage[sub.Name] = sub.Usage
	}
	for _, f := range visibleFlags(c.Flags) {
		for _, name := range f.Names() {
			option := dashed(name)
			one.Options = append(one.Options, option)
			one.Usage[option] = strings.ReplaceAll(f.GetUsage(), "`", "")
			if f.TakesValue() {
				one.Valued = append(one.Valued, option)
			}
		}
	}
	one.Object, one.Most = completionObject(c.ArgsUsage)
	one.Trailing = len(one.Words) == 0 && slices.Contains(trailing, c.Name)
	all := []completion{one}
	for _, sub := range c.Subcommands {
		all = append(all, completionsBelow(sub, path+" "+sub.Name)...)
	}
	return all
}

// completionObject reads what a command says of its arguments.
func completionObject(arguments string) (object string, most int) {
	first, _, _ := strings.Cut(arguments, " ")
	most = 1
	if strings.HasSuffix(first, "...") {
		most = -1
	}
	switch strings.Trim(first, "[].") {
	case "IMAGE":
		return "image", most
	case "CONTAINER":
		return "container", most
	}
	return "", 0
}

// A describedFlag is an option that can tell what it is.
type describedFlag interface {
	cli.Flag
	cli.DocGenerationFlag
}

// visibleFlags are the options that users are told of; --help is one.
func visibleFlags(flags []cli.Flag) []describedFlag {
	var visible []describedFlag
	help := false
	for _, f := range flags {
		if hidden, ok := f.(cli.VisibleFlag); ok && !hidden.IsVisible() {
			continue
		}
		if described, ok := f.(describedFlag); ok {
			visible = append(visible, described)
			help = help || f.Names()[0] == "help"
		}
	}
	if !help { // the command-line package adds it to a command that runs
		visible = append(visible, &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help"})
	}
	return visible
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// completionValues are the values of options, where they are known; the shells
// offer files for the others.
func completionValues() map[string][]string {
	engines, formats := []string{"docker", "podman"}, []string{"text", "json"}
	var risks []string
	for _, name := range slices.Sorted(maps.Keys(riskWords)) {
		if slices.Contains(needAccepting, name) {
			risks = append(risks, string(name))
		}
	}
	return map[string][]string{"--engine": engines, "--storage": engines, "--format": formats, "--accept-risk": risks}
}

// printCompletion fills a script with the tree of commands.
func printCompletion(w io.Writer, script string, app *cli.App) error {
	tree := completions(app)
	var valued, commands []string
	for _, c := range tree {
		for _, option := range c.Valued {
			valued = append(valued, c.Path+" "+option)
		}
		for _, word := range c.Words {
			commands = append(commands, c.Path+" "+word)
		}
	}
	// The pattern of a command also matches those below it, so they go first.
	slices.Reverse(tree)
	t, err := template.New("completion").Funcs(template.FuncMap{
		"quote": singleQuoted, "fish": fishQuoted,
		"quoteAll":     func(words []string) string { return quotedWith(" ", words) },
		"alternatives": func(words []string) string { return quotedWith(" | ", words) },
	}).Parse(script)
	if err != nil {
		return fmt.Errorf("reading the script for the shell: %w", err)
	}
	return t.Execute(w, map[string]any{"Tree": tree, "Valued": valued, "Commands": commands, "Values": completionValues()})
}

func quotedWith(separator string, words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = singleQuoted(word)
	}
	return strings.Join(quoted, separator)
}

// singleQuoted is a word for bash and zsh.
func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// fishQuoted is a word for fish.
func fishQuoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
