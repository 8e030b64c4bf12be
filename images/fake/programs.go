package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// programs are those every engine has.
func programs() map[string]Program {
	all := map[string]Program{
		"sh":       shell,
		"bash":     shell,
		"cat":      cat,
		"env":      env,
		"head":     head,
		"hostname": hostname,
		"id":       id,
		"kill":     func(_ context.Context, p *Process) int { return kill(p) },
		"ls":       ls,
		"sleep":    sleep,
		"stty":     stty,
		"wc":       wc,
	}
	for _, name := range []string{"echo", "false", "printf", "pwd", "test", "true"} {
		all[name] = builtin
	}
	return all
}

// builtin is what a shell has within it.
func builtin(ctx context.Context, p *Process) int {
	args := slices.Concat([]string{"--", p.Args[0][strings.LastIndex(p.Args[0], "/")+1:]}, p.Args[1:])
	return interpret(ctx, p, strings.NewReader(`"$@"`), "sh", args)
}

// complain says what went wrong, as busybox does. A pipe that nobody reads any
// more ends a program without a word.
func complain(p *Process, err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return 128 + int(syscall.SIGPIPE)
	}
	fmt.Fprintf(p.Stderr, "%s: %v\n", p.Args[0], err)
	return 1
}

// each calls do with each of the files, or with the standard input.
func each(p *Process, names []string, do func(io.Reader) error) int {
	if len(names) == 0 {
		if err := do(p.Stdin); err != nil {
			return complain(p, err)
		}
	}
	for _, name := range names {
		f, err := p.task.container.files.open(absolute(p.Dir, name), os.O_RDONLY)
		if err != nil {
			return complain(p, err)
		}
		if err := do(f); err != nil {
			return complain(p, err)
		}
	}
	return 0
}

func cat(_ context.Context, p *Process) int {
	return each(p, p.Args[1:], func(r io.Reader) error {
		_, err := io.Copy(p.Stdout, r)
		return err
	})
}

// head has -c BYTES and -n LINES.
func head(_ context.Context, p *Process) int {
	args, bytes, lines := p.Args[1:], -1, 10
	for len(args) > 1 && (args[0] == "-c" || args[0] == "-n") {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return complain(p, err)
		}
		if args[0] == "-c" {
			bytes = n
		} else {
			lines = n
		}
		args = args[2:]
	}
	return each(p, args, func(r io.Reader) error {
		if bytes >= 0 {
			_, err := io.CopyN(p.Stdout, r, int64(bytes))
			if err == io.EOF {
				err = nil
			}
			return err
		}
		text, err := io.ReadAll(r)
		some := strings.SplitAfterN(string(text), "\n", lines+1)
		io.WriteString(p.Stdout, strings.Join(some[:min(lines, len(some))], ""))
		return err
	})
}

// wc has -c and -l, and prints no names of files.
func wc(_ context.Context, p *Process) int {
	args := p.Args[1:]
	var flags string
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		flags += args[0]
		args = args[1:]
	}
	return each(p, args, func(r io.Reader) error {
		text, err := io.ReadAll(r)
		if strings.Contains(flags, "l") {
			fmt.Fprintln(p.Stdout, strings.Count(string(text), "\n"))
		}
		if strings.Contains(flags, "c") {
			fmt.Fprintln(p.Stdout, len(text))
		}
		return err
	})
}

// env prints the environment; NAME=VALUE words and a program may follow.
func env(ctx context.Context, p *Process) int {
	i := slices.IndexFunc(p.Args[1:], func(w string) bool { return !strings.Contains(w, "=") })
	if i < 0 {
		for _, v := range setEnv(p.Env, p.Args[1:]...) {
			fmt.Fprintln(p.Stdout, v)
		}
		return 0
	}
	child := *p
	child.Env = setEnv(p.Env, p.Args[1:1+i]...)
	child.Args = p.Args[1+i:]
	program, err := p.task.find(child.Args[0], child.Env, child.Dir)
	if err != nil {
		complain(p, err)
		return shellStatus(err)
	}
	return program(ctx, &child)
}

func hostname(_ context.Context, p *Process) int {
	fmt.Fprintln(p.Stdout, p.task.container.hostname())
	return 0
}

// id has -u and -g.
func id(_ context.Context, p *Process) int {
	t := p.task
	switch strings.Join(p.Args[1:], " ") {
	case "-u":
		fmt.Fprintln(p.Stdout, t.uid)
	case "-g":
		fmt.Fprintln(p.Stdout, t.gid)
	default:
		fmt.Fprintf(p.Stdout, "uid=%d gid=%d\n", t.uid, t.gid)
	}
	return 0
}

// kill reaches process 1 of its container.
func kill(p *Process) int {
	args := p.Args[1:]
	signal := "TERM"
	switch {
	case len(args) > 1 && args[0] == "-s":
		signal, args = args[1], args[2:]
	case len(args) > 0 && strings.HasPrefix(args[0], "-"):
		signal, args = args[0][1:], args[1:]
	}
	s, err := parseSignal(signal)
	if err != nil {
		return complain(p, err)
	}
	for _, pid := range args {
		w, c := p.task.world, p.task.container
		w.mu.Lock()
		t := c.first
		w.mu.Unlock()
		if pid != "1" || t == nil {
			return complain(p, fmt.Errorf("there is no process %s", pid))
		}
		t.signal(s)
	}
	return 0
}

func ls(_ context.Context, p *Process) int {
	names := p.Args[1:]
	if len(names) == 0 {
		names = []string{"."}
	}
	for _, name := range names {
		entries, err := p.task.container.files.list(absolute(p.Dir, name))
		if err != nil {
			return complain(p, err)
		}
		for _, e := range entries {
			fmt.Fprintln(p.Stdout, e.Name())
		}
	}
	return 0
}

// sleep takes seconds, with a fraction if need be.
func sleep(ctx context.Context, p *Process) int {
	if len(p.Args) != 2 {
		return complain(p, fmt.Errorf("say how many seconds"))
	}
	seconds, err := strconv.ParseFloat(p.Args[1], 64)
	if err != nil {
		return complain(p, err)
	}
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return 0
}

// stty has size.
func stty(_ context.Context, p *Process) int {
	screen := p.task.screen
	if screen == nil {
		return complain(p, fmt.Errorf("standard input is no terminal"))
	}
	size := screen.sized()
	fmt.Fprintf(p.Stdout, "%d %d\n", size.Rows, size.Columns)
	return 0
}
