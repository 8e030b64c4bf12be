// Package containerfile reads the labels that a Containerfile gives its image,
// so that they can be judged before the image is built.
package containerfile

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// A Label is one label of the image as the builder would store it.
type Label struct {
	Name  string
	Value string
	Line  int // of the instruction, counted from 1
	// Emptied are variables in the value that the builder replaces by
	// nothing: a label that means atomic's variable must write \$NAME.
	Emptied []string
}

// Read gives the labels of the last stage, and of the stages it builds on, in
// the order of their lines. args are the values of --build-arg.
func Read(r io.Reader, args map[string]string) ([]Label, error) {
	result, err := parser.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	f := file{
		lex: shell.NewLex(result.EscapeToken), args: args,
		global: variables{}, stages: map[string]stage{},
		current: stage{labels: map[string]Label{}, env: variables{}},
	}
	for _, node := range result.AST.Children {
		if err := f.instruction(node); err != nil {
			return nil, fmt.Errorf("line %d: %w", node.StartLine, err)
		}
	}
	return slices.SortedFunc(maps.Values(f.current.labels), func(a, b Label) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Name, b.Name)
	}), nil
}

type variables map[string]string

// Get and Keys make variables what the builder's lexer wants.
func (v variables) Get(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func (v variables) Keys() []string { return slices.Sorted(maps.Keys(v)) }

// A stage is an image under construction.
type stage struct {
	labels map[string]Label
	env    variables
}

type file struct {
	lex     *shell.Lex
	args    map[string]string
	global  variables // ARGs before the first FROM
	stages  map[string]stage
	current stage
	inStage bool
}

func (f *file) instruction(node *parser.Node) error {
	switch strings.ToLower(node.Value) {
	case "from":
		return f.from(node)
	case "arg":
		return f.arg(node)
	case "env":
		return f.pairs(node, func(name, value string, _ []string) { f.current.env[name] = value })
	case "label":
		return f.pairs(node, func(name, value string, emptied []string) {
			f.current.labels[name] = Label{Name: name, Value: value, Line: node.StartLine, Emptied: emptied}
		})
	}
	return nil
}

// from begins a stage; one that names an earlier stage inherits its labels.
func (f *file) from(node *parser.Node) error {
	if node.Next == nil {
		return fmt.Errorf("FROM names no image")
	}
	base, err := f.lex.ProcessWordWithMatches(node.Next.Value, f.global)
	if err != nil {
		return err
	}
	next := stage{labels: map[string]Label{}, env: variables{}}
	if before, ok := f.stages[strings.ToLower(base.Result)]; ok {
		next = stage{labels: maps.Clone(before.labels), env: maps.Clone(before.env)}
	}
	f.inStage, f.current = true, next
	if as := node.Next.Next; as != nil && strings.EqualFold(as.Value, "as") && as.Next != nil {
		f.stages[strings.ToLower(as.Next.Value)] = next
	}
	return nil
}

// arg declares variables; a value given to the build wins over the default,
// and a default before the first FROM over none.
func (f *file) arg(node *parser.Node) error {
	scope := f.global
	if f.inStage {
		scope = f.current.env
	}
	for n := node.Next; n != nil; n = n.Next {
		name, value, hasValue := strings.Cut(n.Value, "=")
		if hasValue {
			word, err := f.lex.ProcessWordWithMatches(value, scope)
			if err != nil {
				return err
			}
			value = word.Result
		} else if f.inStage {
			value, hasValue = f.global[name]
		}
		if given, ok := f.args[name]; ok {
			value, hasValue = given, true
		}
		if hasValue {
			scope[name] = value
		}
	}
	return nil
}

// pairs reads NAME=VALUE triples: name, value and the sign between them.
func (f *file) pairs(node *parser.Node, set func(name, value string, emptied []string)) error {
	for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
		name, err := f.lex.ProcessWordWithMatches(n.Value, f.current.env)
		if err != nil {
			return err
		}
		value, err := f.lex.ProcessWordWithMatches(n.Next.Value, f.current.env)
		if err != nil {
			return err
		}
		set(name.Result, value.Result, slices.Sorted(maps.Keys(value.Unmatched)))
	}
	return nil
}
