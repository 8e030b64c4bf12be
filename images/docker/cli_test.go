package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/real"
)

// TestAgainstDocker makes the same containers through the Engine and through
// the docker command, and compares what the engine then says of them. What one
// cannot make the other must not make either.
func TestAgainstDocker(t *testing.T) {
	host := real.Docker(t)
	command := dockerCommand(t)
	e := open(t, host)
	image := loadImage(t, e, enginetest.ImageOptions{Cmd: []string{"sh"}})
	t.Cleanup(func() { // the volume that some flags name
		if _, err := e.cli.VolumeRemove(context.Background(), "dockertest-data", client.VolumeRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	older := olderCommand(t, command)
	var made, all atomic.Int32
	t.Run("flags", func(t *testing.T) {
		for _, c := range flagCases(t) {
			if c.flags == "" || c.foreign || older && slices.ContainsFunc(lostByOlder, func(f string) bool { return strings.Contains(c.flags, f) }) {
				continue
			}
			all.Add(1)
			t.Run(c.flags, func(t *testing.T) {
				t.Parallel()
				if sameMade(t, e, command, host, c.spec(t, image)) {
					made.Add(1)
				}
			})
		}
	})
	t.Logf("%d of %d containers were made", made.Load(), all.Load())
	if made.Load() < 90 {
		t.Errorf("too few of the containers were made: %d", made.Load())
	}
}

// lostByOlder are options that docker's command before 28 does not know or
// loses on its way to the engine.
var lostByOlder = []string{"--ip", "bind-recursive", "--device-read-", "--device-write-"}

// olderCommand tells whether the docker command is older than 28.
func olderCommand(t *testing.T, command string) bool {
	t.Helper()
	out, err := exec.Command(command, "--version").Output()
	var major int
	if _, scanErr := fmt.Sscanf(string(out), "Docker version %d.", &major); err != nil || scanErr != nil {
		t.Fatalf("docker --version: %q, %v, %v", out, err, scanErr)
	}
	return major < 28
}

// sameMade makes one container twice, and tells whether it could.
func sameMade(t *testing.T, e *Engine, command, host string, spec run.Spec) bool {
	if spec.Detach {
		return true // "docker create" has no such flag
	}
	if spec.MAC != "" && e.before("1.44") {
		return true // the command still has a field for it that the library lost
	}
	ours, ourErr := inspectMade(t, e, func() (string, error) {
		id, _, err := e.Create(t.Context(), spec)
		return id, err
	})
	theirs, theirErr := inspectMade(t, e, func() (string, error) {
		return dockerCreate(command, host, spec)
	})
	switch {
	case ourErr != nil && strings.Contains(ourErr.Error(), " needs API "):
		// The command leaves it to the engine, which ignores it.
	case (ourErr == nil) != (theirErr == nil):
		t.Errorf("Engine: %v\ndocker: %v", ourErr, theirErr)
	case ourErr != nil:
		t.Logf("neither makes it: %v", ourErr)
	default:
		if d := cmp.Diff(theirs, ours); d != "" {
			t.Errorf("-docker +Engine:\n%s", d)
		}
		return true
	}
	return false
}

func dockerCommand(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("docker")
	if err != nil {
		t.Fatalf("where there is a dockerd, there is docker: %v", err)
	}
	return path
}

// dockerCreate makes the container with the docker command.
func dockerCreate(command, host string, spec run.Spec) (string, error) {
	var stderr bytes.Buffer
	c := exec.Command(command, append([]string{"-H", host, "create"}, spec.Argv()...)...)
	c.Env = append(os.Environ(), "DOCKER_CONFIG=/nonexistent")
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// inspectMade inspects what make makes, and removes it.
func inspectMade(t *testing.T, e *Engine, make func() (string, error)) (map[string]any, error) {
	t.Helper()
	id, err := make()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := e.Remove(context.WithoutCancel(t.Context()), id, true); err != nil {
			t.Error(err)
		}
	}()
	r, err := e.cli.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return settled(t, r.Raw, id, r.Container.Name), nil
}

var volatile = regexp.MustCompile(`\b[0-9a-f]{64}\b|\d{4}-\d\d-\d\dT[0-9:.]+Z`)

// settled replaces what no two containers have in common.
func settled(t *testing.T, raw []byte, id, name string) map[string]any {
	t.Helper()
	text := strings.NewReplacer(id, "ID", id[:12], "SHORT", name, "/NAME").Replace(string(raw))
	text = volatile.ReplaceAllString(text, "…")
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	// The directories of layers have names of their own.
	delete(out, "GraphDriver")
	// The engine shuffles variables and mounts, the command binds.
	for _, list := range []any{out["Config"].(map[string]any)["Env"], out["HostConfig"].(map[string]any)["Binds"], out["Mounts"]} {
		if list, ok := list.([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	host := out["HostConfig"].(map[string]any)
	for _, list := range []string{"CapAdd", "CapDrop"} {
		capabilities(host[list])
	}
	return full(out)
}

// capabilities gives all the spelling that newer commands send.
func capabilities(v any) {
	list, _ := v.([]any)
	for i, c := range list {
		if name := fmt.Sprint(c); name != "ALL" && !strings.HasPrefix(name, "CAP_") {
			list[i] = "CAP_" + name
		}
	}
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}

// full leaves out what is null or empty; the engine takes both for the same.
func full(m map[string]any) map[string]any {
	for k, v := range m {
		switch v := v.(type) {
		case nil:
			delete(m, k)
		case []any:
			for _, e := range v {
				if e, ok := e.(map[string]any); ok {
					full(e)
				}
			}
			if len(v) == 0 {
				delete(m, k)
			}
		case map[string]any:
			if len(full(v)) == 0 {
				delete(m, k)
			}
		}
	}
	return m
}

// loadImage loads a test image that goes away with the test.
func loadImage(t *testing.T, e *Engine, o enginetest.ImageOptions) string {
	t.Helper()
	name := fmt.Sprintf("dockertest%d", os.Getpid())
	o.Labels = map[string]string{"test": t.Name()}
	archive, err := enginetest.Archive(name, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Load(t.Context(), bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.RemoveImage(context.Background(), name, true); err != nil {
			t.Error(err)
		}
	})
	return name
}
