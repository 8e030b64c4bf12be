package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// trailing are the commands whose words after the first argument belong to a
// container, options or not.
var trailing = []string{"run", "install", "uninstall", "stop"}

// normalise rewrites a command line into the one form that the command-line
// package reads, options first. Users of the original atomic also write options
// behind arguments (info IMAGE --json), glue values (-nNAME), group letters
// (-aq) and cut long names short (--disp).
func normalise(app *cli.App, args []string) []string {
	n := normaliser{flags: app.Flags, commands: app.Commands}
	if len(args) == 0 {
		return args
	}
	n.out = append(n.out, args[0])
	for rest := args[1:]; len(rest) > 0; {
		word := rest[0]
		switch {
		case word == "--":
			return n.finish(rest[1:], true)
		case len(word) > 1 && word[0] == '-':
			rest = n.flag(word, rest[1:])
		case n.descend(word):
			rest = rest[1:]
		case n.trailing:
			return append(n.out, rest...)
		default:
			n.arguments = append(n.arguments, word)
			rest = rest[1:]
		}
	}
	return n.finish(nil, false)
}

type normaliser struct {
	flags     []cli.Flag
	commands  []*cli.Command
	trailing  bool
	out       []string
	arguments []string
}

func (n *normaliser) finish(rest []string, dashes bool) []string {
	if dashes {
		n.out = append(n.out, "--")
	}
	return append(append(n.out, n.arguments...), rest...)
}

// descend goes into the command called word.
func (n *normaliser) descend(word string) bool {
	i := slices.IndexFunc(n.commands, func(c *cli.Command) bool { return c.HasName(word) })
	if i < 0 || len(n.arguments) > 0 {
		return false
	}
	c := n.commands[i]
	n.trailing = len(n.out) > 0 && slices.Contains(trailing, c.Name) && len(c.Subcommands) == 0
	n.flags, n.commands = c.Flags, c.Subcommands
	n.out = append(n.out, word)
	return true
}

// flag takes one option and, where it has one, its value.
func (n *normaliser) flag(word string, rest []string) []string {
	name, value, joined := strings.Cut(word, "=")
	takes, known := n.lookup(name)
	if !known && strings.HasPrefix(name, "--") {
		if full := n.complete(name); full != "" {
			takes, known = n.lookup(full)
			word = full
			if joined {
				word += "=" + value
			}
		}
	}
	switch {
	case !known && word[1] != '-' && len(word) > 2:
		return n.letters(word, rest)
	case known && takes && !joined && len(rest) > 0:
		n.out = append(n.out, word, rest[0])
		return rest[1:]
	}
	n.out = append(n.out, word)
	return rest
}

// letters takes -nNAME and -aq apart, if its letters are options.
func (n *normaliser) letters(word string, rest []string) []string {
	var apart []string
	for i := 1; i < len(word); i++ {
		letter := "-" + word[i:i+1]
		takes, known := n.lookup(letter)
		switch {
		case !known:
			n.out = append(n.out, word)
			return rest
		case takes && i+1 < len(word):
			n.out = append(append(n.out, apart...), letter, word[i+1:])
			return rest
		case takes && len(rest) > 0:
			n.out = append(append(n.out, apart...), letter, rest[0])
			return rest[1:]
		}
		apart = append(apart, letter)
	}
	n.out = append(n.out, apart...)
	return rest
}

func (n *normaliser) lookup(name string) (takes, known bool) {
	bare := strings.TrimLeft(name, "-")
	for _, f := range n.flags {
		if slices.Contains(f.Names(), bare) {
			doc, ok := f.(cli.DocGenerationFlag)
			return ok && doc.TakesValue(), true
		}
	}
	return false, name == "--help" || name == "-h"
}

// complete gives the one long option that begins with name.
func (n *normaliser) complete(name string) string {
	var found []string
	for _, f := range n.flags {
		for _, full := range f.Names() {
			if len(full) > 1 && strings.HasPrefix("--"+full, name) {
				found = append(found, "--"+full)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// lateOption gives the first option of the command itself that the user typed
// behind the image, where it goes to the container.
func lateOption(c *cli.Context) string {
	n := normaliser{flags: c.Command.Flags}
	for _, word := range c.Args().Tail() {
		if len(word) < 2 || word[0] != '-' {
			return ""
		}
		name, _, _ := strings.Cut(word, "=")
		if _, known := n.lookup(name); known {
			return name
		}
	}
	return ""
}
