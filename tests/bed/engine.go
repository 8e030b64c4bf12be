package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// An engine is a running one. It is spoken to in plain HTTP, in the words that
// both engines know, and not through the packages that are tested with it.
type engine struct {
	name   string
	socket string
	env    []string // of the command
	client *http.Client
	daemon *daemon
}

func newEngine(name, socket string) *engine {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &engine{
		name:   name,
		socket: socket,
		client: &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}},
	}
}

func (e *engine) url() string { return "unix://" + e.socket }

// await returns when the engine answers.
func (e *engine) await(ctx context.Context) error {
	for {
		body, err := e.call(ctx, http.MethodGet, "/_ping", nil)
		if err == nil {
			return body.Close()
		}
		select {
		case <-e.daemon.ended:
			return fmt.Errorf("%s ended at once; its last words:\n%s", e.name, e.daemon.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; its last words:\n%s", e.name, err, e.daemon.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end removes the containers, whose processes and networks would outlive a
// mere end of the engine, and then ends the engine.
func (e *engine) end(ctx context.Context) error {
	var errs []error
	if err := e.removeContainers(ctx); err != nil && !e.daemon.hasEnded() {
		errs = append(errs, fmt.Errorf("%s: removing its containers: %w", e.name, err))
	}
	e.daemon.end(ctx)
	return errors.Join(errs...)
}

func (e *engine) removeContainers(ctx context.Context) error {
	body, err := e.call(ctx, http.MethodGet, "/containers/json?all=1", nil)
	if err != nil {
		return err
	}
	var containers []struct{ ID string }
	err = json.NewDecoder(body).Decode(&containers)
	if err := errors.Join(err, body.Close()); err != nil {
		return err
	}
	for _, c := range containers {
		path := "/containers/" + url.PathEscape(c.ID)
		// Podman would ask it to end, and wait ten seconds. It may not run.
		if body, err := e.call(ctx, http.MethodPost, path+"/kill", nil); err == nil {
			_ = body.Close()
		}
		body, err := e.call(ctx, http.MethodDelete, path+"?force=1&v=1", nil)
		if err != nil {
			return err
		}
		if err := body.Close(); err != nil {
			return err
		}
	}
	return nil
}

// call gives the body of a good answer.
func (e *engine) call(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.name+path, body)
	if err != nil {
		return nil, err
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return nil, errors.Join(fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(text))), resp.Body.Close())
	}
	return resp.Body, nil
}

// A daemon is a process in the background with a log.
type daemon struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{}
}

// background starts a daemon in a session of its own, out of reach of what is
// typed at the terminal.
func (b *bed) background(cmd *exec.Cmd, name string) (*daemon, error) {
	log, err := b.state.path(name + ".log")
	if err != nil {
		return nil, err
	}
	f, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer f.Close() // the daemon has its own
	cmd.Env = append(cmd.Environ(), "TMPDIR="+filepath.Join(b.state.dir, "tmp"))
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	if err := b.procs.start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	d := &daemon{cmd: cmd, log: log, ended: make(chan struct{})}
	go func() {
		_ = b.procs.wait(cmd) // how a daemon ends is in its log
		close(d.ended)
	}()
	return d, nil
}

func (d *daemon) hasEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

// end asks the daemon to end, and kills it at the end of ctx.
func (d *daemon) end(ctx context.Context) {
	_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-d.ended:
	case <-ctx.Done():
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
}

// lastWords are the last lines of the log.
func (d *daemon) lastWords() string {
	const many = 30
	text, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-many):], "")
}
