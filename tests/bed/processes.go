package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processes are the children of this process, those that it started and those
// that fell to it: engines leave monitors and containers behind, and as this
// process is their reaper none of them can get away.
type processes struct {
	mu      sync.Mutex
	started map[int]bool // waited for by whoever started them
}

func superviseDescendants() (*processes, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming the reaper of descendants: %w", err)
	}
	p := &processes{started: map[int]bool{}}
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	go func() {
		for range died {
			p.reap()
		}
	}()
	return p, nil
}

func (p *processes) start(cmd *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	p.started[cmd.Process.Pid] = true
	return nil
}

func (p *processes) wait(cmd *exec.Cmd) error {
	err := cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.started, cmd.Process.Pid)
	return err
}

func (p *processes) run(cmd *exec.Cmd) error {
	if err := p.start(cmd); err != nil {
		return err
	}
	return p.wait(cmd)
}

// output is what a command printed to both of its streams.
func (p *processes) output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := p.run(cmd)
	return out.String(), err
}

// reap takes the dead that nobody waits for. Podman takes a monitor that is a
// zombie for one that lives.
func (p *processes) reap() {
	for _, c := range p.children() {
		p.mu.Lock()
		if c.zombie && !p.started[c.pid] {
			_, _ = syscall.Wait4(c.pid, nil, syscall.WNOHANG, nil)
		}
		p.mu.Unlock()
	}
}

// killAll kills every descendant: the death of one makes its children ours.
func (p *processes) killAll() error {
	deadline := time.Now().Add(stopLimit)
	for {
		p.reap()
		children := p.children()
		if len(children) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d processes could not be killed", len(children))
		}
		for _, c := range children {
			if err := syscall.Kill(c.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("killing process %d: %w", c.pid, err)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}
