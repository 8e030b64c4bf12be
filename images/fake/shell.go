package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// shell is sh: a script after -c, of a file, or from the standard input.
func shell(ctx context.Context, p *Process) int {
	var options []string
	words := p.Args[1:]
	script := io.Reader(nil)
	name := p.Args[0]
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && len(words[0]) > 1 {
		flags := words[0]
		words = words[1:]
		if rest := strings.Replace(flags, "c", "", 1); rest != flags {
			if len(words) == 0 {
				fmt.Fprintln(p.Stderr, "sh: -c requires an argument")
				return 2
			}
			script, words = strings.NewReader(words[0]), words[1:]
			if len(words) > 0 {
				name, words = words[0], words[1:]
			}
			flags = rest
		}
		if flags != "-" && flags != "-l" && flags != "-i" {
			options = append(options, flags)
		}
		if script != nil {
			break
		}
	}
	switch {
	case script != nil:
	case len(words) > 0:
		content, err := p.ReadFile(words[0])
		if err != nil {
			fmt.Fprintf(p.Stderr, "sh: %v\n", err)
			return 127
		}
		name, words, script = words[0], words[1:], strings.NewReader(string(content))
	default:
		script = p.Stdin
	}
	return interpret(ctx, p, script, name, append(append(options, "--"), words...))
}

// interpret carries out a script.
func interpret(ctx context.Context, p *Process, script io.Reader, name string, params []string) int {
	r, err := interp.New(
		func(r *interp.Runner) error { r.Dir = p.Dir; return nil }, // interp.Dir looks for it on the host
		interp.Env(expand.ListEnviron(p.Env...)),
		interp.StdIO(p.Stdin, p.Stdout, p.Stderr),
		interp.Params(params...),
		interp.CallHandler(p.beforeCall),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return p.execute }),
		interp.OpenHandler(func(ctx context.Context, name string, flag int, _ fs.FileMode) (io.ReadWriteCloser, error) {
			return p.task.container.files.open(absolute(interp.HandlerCtx(ctx).Dir, name), flag)
		}),
		interp.StatHandler(func(_ context.Context, name string, _ bool) (fs.FileInfo, error) {
			return p.task.container.files.stat(name)
		}),
		interp.AccessHandler(func(_ context.Context, name string, _ interp.AccessMode) error {
			_, err := p.task.container.files.stat(name)
			return err
		}),
		interp.ReadDirHandler2(func(_ context.Context, name string) ([]fs.DirEntry, error) {
			return p.task.container.files.list(name)
		}),
	)
	if err != nil {
		fmt.Fprintf(p.Stderr, "sh: %v\n", err)
		return 2
	}
	parser := syntax.NewParser(syntax.Variant(syntax.LangPOSIX))
	if script == p.Stdin {
		return interpretLines(ctx, p, r, parser)
	}
	file, err := parser.Parse(script, name)
	if err != nil {
		fmt.Fprintf(p.Stderr, "%v\n", err)
		return 2
	}
	return status(r.Run(ctx, file))
}

// interpretLines carries out what is typed, each statement as soon as it was
// read.
func interpretLines(ctx context.Context, p *Process, r *interp.Runner, parser *syntax.Parser) int {
	code := 0
	for stmt, err := range parser.StmtsSeq(p.Stdin) {
		if err != nil {
			fmt.Fprintf(p.Stderr, "sh: %v\n", err)
			return 2
		}
		code = status(r.Run(ctx, stmt))
		if r.Exited() || ctx.Err() != nil {
			return code
		}
	}
	// At the end a trap for EXIT is carried out.
	if err := r.Run(ctx, &syntax.File{}); err != nil {
		code = status(err)
	}
	return code
}

// status is the exit status that an error of the interpreter stands for.
func status(err error) int {
	var exit interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	return 128
}

// beforeCall sees each command of a shell before it is carried out: the
// actions of traps that are due come first, and traps for signals and kill are
// the engine's.
func (p *Process) beforeCall(ctx context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "trap":
		return p.setTraps(ctx, args), nil
	case "kill":
		return answer(kill(p.in(ctx, args))), nil
	case "command":
		// The interpreter would look for the program on the host.
		if len(args) == 3 && args[1] == "-v" {
			return answer(p.which(ctx, args[2])), nil
		}
	}
	due := p.task.dueActions()
	if len(due) == 0 {
		return args, nil
	}
	script := strings.Join(due, "\n") + "\n"
	for _, word := range args {
		quoted, err := syntax.Quote(word, syntax.LangPOSIX)
		if err != nil {
			return nil, fmt.Errorf("quoting %q: %w", word, err)
		}
		script += quoted + " "
	}
	return []string{"eval", script}, nil
}

// which prints the path of a program of the container.
func (p *Process) which(ctx context.Context, name string) int {
	child := p.in(ctx, []string{name})
	full, err := p.task.which(name, child.Env, child.Dir)
	if err != nil {
		return 1
	}
	fmt.Fprintln(child.Stdout, full)
	return 0
}

// answer is the command that has an exit status.
func answer(code int) []string {
	if code == 0 {
		return []string{"true"}
	}
	return []string{"false"}
}

// setTraps keeps traps for signals, and leaves the others to the shell.
func (p *Process) setTraps(ctx context.Context, args []string) []string {
	words := args[1:]
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) < 2 {
		return args
	}
	action := words[0]
	rest := []string{"trap", action}
	for _, name := range words[1:] {
		if name == "EXIT" || name == "ERR" || name == "0" {
			rest = append(rest, strings.Replace(name, "0", "EXIT", 1))
			continue
		}
		signal, err := parseSignal(name)
		if err != nil {
			fmt.Fprintf(interp.HandlerCtx(ctx).Stderr, "trap: %v\n", err)
			return answer(1)
		}
		p.task.trap(signal, action, action == "-")
	}
	if len(rest) == 2 {
		return answer(0)
	}
	return rest
}

// in is a process that a shell starts.
func (p *Process) in(ctx context.Context, args []string) *Process {
	hc := interp.HandlerCtx(ctx)
	var env []string
	for name, v := range hc.Env.Each {
		if v.Exported && v.Kind == expand.String {
			env = append(env, name+"="+v.Str)
		}
	}
	return &Process{
		Args: args, Env: env, Dir: hc.Dir, task: p.task,
		Stdin: hc.Stdin, Stdout: hc.Stdout, Stderr: hc.Stderr,
	}
}

// execute runs a command of a shell that is no part of it.
func (p *Process) execute(ctx context.Context, args []string) error {
	child := p.in(ctx, args)
	program, err := p.task.find(args[0], child.Env, child.Dir)
	if err != nil {
		fmt.Fprintf(child.Stderr, "sh: %v\n", err)
		return interp.ExitStatus(shellStatus(err))
	}
	code := program(ctx, child)
	if ctx.Err() != nil {
		return interp.ExitStatus(128 + int(syscall.SIGKILL))
	}
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(code)
}
