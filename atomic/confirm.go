package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// confirm asks a question that is answered with y or yes, or with no, which is
// every other answer. With --assumeyes nobody is asked. An answer may come from
// a pipe too; where none comes, that is an error and not a yes.
func (e *env) confirm(question string) (bool, error) {
	if e.yes {
		return true, nil
	}
	fmt.Fprintf(e.stderr, "%s (y/N) ", question)
	line, err := e.interruptible(func() (string, error) { return readLine(e.stdin) })
	if err != nil || !isTerminal(e.stdin) {
		fmt.Fprintln(e.stderr)
	}
	if errors.Is(err, io.EOF) {
		return false, usageError{"atomic", "there is nobody to confirm: standard input has ended; answer yes beforehand with atomic --assumeyes"}
	}
	if err != nil {
		return false, fmt.Errorf("asking %q: %w", question, err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// longestLine is more than anybody types, in bytes.
const longestLine = 4 << 10

// readLine reads one line and nothing behind it.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < longestLine; {
		n, err := r.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, one[0])
		case err == io.EOF && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
	return "", errors.New("the line is too long")
}

// askPassword reads a password at the terminal, without showing it.
func (e *env) askPassword(prompt string) (string, error) {
	f, ok := e.stdin.(*os.File)
	if !ok || !isTerminal(f) {
		return "", errors.New("there is no terminal to ask for the password at")
	}
	fd := int(f.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("asking for the password: %w", err)
	}
	fmt.Fprint(e.stderr, prompt)
	password, err := e.interruptible(func() (string, error) {
		text, err := term.ReadPassword(fd)
		return string(text), err
	})
	fmt.Fprintln(e.stderr)
	if err != nil {
		return "", errors.Join(fmt.Errorf("asking for the password: %w", err), term.Restore(fd, state))
	}
	return password, nil
}

// interruptible waits for read, or for a signal that ends atomic: a read of a
// terminal knows no context. After a signal the read goes on until the process
// ends.
func (e *env) interruptible(read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	caught := make(chan syscall.Signal, 1)
	defer e.signals.to(func(s syscall.Signal) {
		if !ends(s) {
			return
		}
		select {
		case caught <- s:
		default:
		}
	})()
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case s := <-caught:
		return "", interruptedError{s}
	}
}
