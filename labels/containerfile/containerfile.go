// Package containerfile reads the labels that a Containerfile gives its image,
// so that they can be judged before the image is built. Lines are taken apart
// here; quotes and variables are the builder's own lexer's. (The builder's
// parser would bring protobuf with it, a fifth of the whole program.)
package containerfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

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
	found, escape, err := instructions(r)
	if err != nil {
		return nil, err
	}
	f := file{
		lex: shell.NewLex(escape), escape: escape, args: args,
		global: variables{}, stages: map[string]stage{},
		current: stage{labels: map[string]Label{}, env: variables{}},
	}
	for _, in := range found {
		if err := f.carryOut(in); err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", in.line, in.name, err)
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
	escape  rune
	args    map[string]string
	global  variables // ARGs before the first FROM
	stages  map[string]stage
	current stage
	inStage bool
}

func (f *file) carryOut(in instruction) error {
	switch in.name {
	case "FROM":
		return f.from(in)
	case "ARG":
		return f.arg(in)
	case "ENV":
		return f.pairs(in, func(name, value string, _ []string) { f.current.env[name] = value })
	case "LABEL":
		return f.pairs(in, func(name, value string, emptied []string) {
			f.current.labels[name] = Label{Name: name, Value: value, Line: in.line, Emptied: emptied}
		})
	}
	return nil
}

// from begins a stage; one that names an earlier stage inherits its labels.
func (f *file) from(in instruction) error {
	words := slices.DeleteFunc(words(in.rest, f.escape), func(w string) bool { return strings.HasPrefix(w, "--") })
	if len(words) == 0 {
		return errors.New("it names no image")
	}
	base, err := f.lex.ProcessWordWithMatches(words[0], f.global)
	if err != nil {
		return err
	}
	next := stage{labels: map[string]Label{}, env: variables{}}
	if before, ok := f.stages[strings.ToLower(base.Result)]; ok {
		next = stage{labels: maps.Clone(before.labels), env: maps.Clone(before.env)}
	}
	f.inStage, f.current = true, next
	if len(words) == 3 && strings.EqualFold(words[1], "as") {
		f.stages[strings.ToLower(words[2])] = next
	}
	return nil
}

// arg declares variables; a value given to the build wins over the default,
// and a default before the first FROM over none.
func (f *file) arg(in instruction) error {
	scope := f.global
	if f.inStage {
		scope = f.current.env
	}
	for _, w := range words(in.rest, f.escape) {
		name, value, hasValue := strings.Cut(w, "=")
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

// pairs reads NAME=VALUE words, or the older NAME VALUE where the value is the
// rest of the line.
func (f *file) pairs(in instruction, set func(name, value string, emptied []string)) error {
	list := words(in.rest, f.escape)
	if len(list) == 0 {
		return errors.New("it names nothing")
	}
	if !strings.Contains(list[0], "=") {
		value := strings.TrimSpace(strings.TrimPrefix(in.rest, list[0]))
		if value == "" {
			return fmt.Errorf("%s has no value", list[0])
		}
		return f.pair(list[0], value, set)
	}
	for _, w := range list {
		name, value, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=VALUE", w)
		}
		if err := f.pair(name, value, set); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) pair(name, value string, set func(name, value string, emptied []string)) error {
	n, err := f.lex.ProcessWordWithMatches(name, f.current.env)
	if err != nil {
		return err
	}
	v, err := f.lex.ProcessWordWithMatches(value, f.current.env)
	if err != nil {
		return err
	}
	set(n.Result, v.Result, slices.Sorted(maps.Keys(v.Unmatched)))
	return nil
}
