// Package recipe makes the images of tests/images: it reads a Containerfile
// that starts from nothing and adds files, and assembles the image without an
// engine, so that every engine gets the same one.
package recipe

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Containerfile is what one says. There is one archive to start from, and
// files on top of it.
type Containerfile struct {
	Rootfs     string // of ADD: a tar archive that is unpacked at /
	Copies     []Copy
	Labels     map[string]string
	Env        []string // NAME=VALUE
	Cmd        []string
	Entrypoint []string
}

// A Copy puts files of the Containerfile's folder at a place in the image.
type Copy struct {
	Sources []string
	Target  string // a folder when it ends in a slash
}

// Read reads a Containerfile of FROM scratch, ADD, COPY, LABEL, ENV, CMD and
// ENTRYPOINT, without options and without variables. All else is an error.
func Read(r io.Reader) (Containerfile, error) {
	c := Containerfile{Labels: map[string]string{}}
	result, err := parser.Parse(r)
	if err != nil {
		return c, err
	}
	lex := shell.NewLex(result.EscapeToken)
	for i, node := range result.AST.Children {
		name := strings.ToUpper(node.Value)
		if (i == 0) != (name == "FROM") {
			return c, fmt.Errorf("line %d: FROM is the first instruction and only that", node.StartLine)
		}
		if len(node.Flags) > 0 || len(node.Heredocs) > 0 {
			return c, fmt.Errorf("line %d: %s: options and texts of its own are not understood", node.StartLine, name)
		}
		if err := c.instruction(lex, node); err != nil {
			return c, fmt.Errorf("line %d: %s: %w", node.StartLine, name, err)
		}
	}
	if c.Rootfs == "" {
		return c, errors.New("no ADD of a root file system")
	}
	return c, nil
}

func (c *Containerfile) instruction(lex *shell.Lex, node *parser.Node) error {
	words := wordsOf(node)
	switch strings.ToLower(node.Value) {
	case command.From:
		if len(words) != 1 || words[0] != "scratch" {
			return errors.New("only scratch is understood")
		}
	case command.Add:
		if len(words) != 2 || path.Clean(words[1]) != "/" || c.Rootfs != "" {
			return errors.New("only one archive, unpacked at /, is understood")
		}
		c.Rootfs = words[0]
	case command.Copy:
		return c.copy(words)
	case command.Label:
		return pairs(lex, words, func(name, value string) { c.Labels[name] = value })
	case command.Env:
		return pairs(lex, words, func(name, value string) { c.Env = append(c.Env, name+"="+value) })
	case command.Cmd:
		c.Cmd = argv(node, words)
	case command.Entrypoint:
		c.Entrypoint = argv(node, words)
	default:
		return errors.New("not understood")
	}
	return nil
}

func (c *Containerfile) copy(words []string) error {
	if len(words) < 2 {
		return errors.New("what or where to is missing")
	}
	last := len(words) - 1
	if !path.IsAbs(words[last]) {
		return fmt.Errorf("%q does not begin with a slash", words[last])
	}
	if last > 1 && !strings.HasSuffix(words[last], "/") {
		return fmt.Errorf("%q does not end in a slash", words[last])
	}
	c.Copies = append(c.Copies, Copy{Sources: words[:last], Target: words[last]})
	return nil
}

// wordsOf are the arguments, which the parser hangs one below the other.
func wordsOf(node *parser.Node) []string {
	var words []string
	for n := node.Next; n != nil; n = n.Next {
		words = append(words, n.Value)
	}
	return words
}

func argv(node *parser.Node, words []string) []string {
	if node.Attributes["json"] {
		return words
	}
	return append([]string{"/bin/sh", "-c"}, words...)
}

// pairs reads what the parser makes of NAME=VALUE: the name, the value with
// its quotes, and the sign between them.
func pairs(lex *shell.Lex, words []string, set func(name, value string)) error {
	if len(words) == 0 || len(words)%3 != 0 {
		return errors.New("no NAME=VALUE")
	}
	for i := 0; i < len(words); i += 3 {
		name, err := unquote(lex, words[i])
		if err != nil {
			return err
		}
		value, err := unquote(lex, words[i+1])
		if err != nil {
			return err
		}
		set(name, value)
	}
	return nil
}

// none is an environment in which a variable is an error: the builder's own
// lexer would put nothing in its place.
type none struct{}

func (none) Get(string) (string, bool) { return "", false }
func (none) Keys() []string            { return nil }

func unquote(lex *shell.Lex, word string) (string, error) {
	result, err := lex.ProcessWordWithMatches(word, none{})
	if err != nil {
		return "", err
	}
	for name := range result.Unmatched {
		return "", fmt.Errorf("no variable $%s here: write \\$%s where it is meant for another", name, name)
	}
	return result.Result, nil
}
