package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const demoImage = "rhel-tools"

// demoRuns are what the demonstration types: a process of the host and a file of
// the host, seen from a container.
func demoRuns() [][]string {
	run := []string{"run", "--ephemeral", repository + demoImage}
	return [][]string{
		append(run[:3:3], "ps", "-p", "1", "-o", "pid,comm"),
		append(run[:3:3], "cat", "/host/etc/hostname"),
	}
}

// runDemo runs the tools image with the program, which is atomic, on an engine
// of the system, or on a private one when none answers.
func runDemo(args []string) (int, error) {
	if len(args) != 1 {
		return 0, fmt.Errorf("%w: demo needs the path of atomic", errUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	private := os.Getenv("ATOMIC_TEST_DOCKER")
	if private != "" {
		return 0, demo(ctx, args[0], newEngine("docker", strings.TrimPrefix(private, "unix://")), true)
	}
	e := systemEngine(ctx)
	if e == nil && os.Geteuid() != 0 {
		return 0, errors.New("no engine of the system answers you, and only root can start one; type\n\n" +
			`    sudo env "PATH=$PATH" make demo`)
	}
	if err := install(ctx, os.Stderr, demoNeeds(e == nil)); err != nil {
		return 0, err
	}
	if e != nil {
		return 0, demo(ctx, args[0], e, false)
	}
	fmt.Fprintln(os.Stderr, "bed: no engine of the system answers, so here is a private Docker")
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	stop() // runExec has its own way with signals
	return runExec([]string{"--docker", "--", self, "demo", args[0]})
}

// systemEngine is the engine that the user would get, or nil.
func systemEngine(ctx context.Context) *engine {
	runtimeDir := os.Getenv("XDG_RUNTIME_DIR")
	candidates := []struct{ name, url string }{
		{"docker", os.Getenv("DOCKER_HOST")},
		{"podman", os.Getenv("CONTAINER_HOST")},
		{"docker", "unix:///run/docker.sock"},
		{"podman", "unix:///run/podman/podman.sock"},
		{"docker", "unix://" + filepath.Join(runtimeDir, "docker.sock")},
		{"podman", "unix://" + filepath.Join(runtimeDir, "podman/podman.sock")},
	}
	for _, c := range candidates {
		socket, ok := strings.CutPrefix(c.url, "unix://")
		if !ok {
			continue
		}
		e := newEngine(c.name, socket)
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		body, err := e.call(ctx, "GET", "/_ping", nil)
		cancel()
		if err == nil {
			_ = body.Close()
			return e
		}
	}
	return nil
}

func demo(ctx context.Context, atomic string, e *engine, private bool) error {
	fmt.Fprintf(os.Stderr, "bed: using %s at %s\n", e.name, e.url())
	if err := makeImages(ctx, (*exec.Cmd).Run, []*engine{e}, []string{demoImage}); err != nil {
		return err
	}
	host := "DOCKER_HOST=" + e.url()
	if e.name == "podman" {
		host = "CONTAINER_HOST=" + e.url()
	}
	for _, args := range demoRuns() {
		fmt.Printf("\n$ %s %s\n", atomic, strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, atomic, args...)
		cmd.Env = append(os.Environ(), host)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return errors.Join(fmt.Errorf("%s %s: %w", atomic, strings.Join(args, " "), err), ctx.Err())
		}
	}
	shell := atomic + " run " + repository + demoImage
	if private {
		fmt.Printf("\nA shell in the container, which goes when its engine does: "+
			"go run ./tests/bed exec --docker --with-images -- sh -c 'DOCKER_HOST=$ATOMIC_TEST_DOCKER %s'\n", shell)
		return nil
	}
	fmt.Printf("\nA shell in the container, which is kept: %s\n", shell)
	return nil
}
