package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/projectatomic/atomic/images"
)

// states are Podman's words for where a container is in its life. A stopped
// container is one that Podman has not cleaned up after yet.
var states = map[string]images.State{
	"configured":  images.Created,
	"created":     images.Created,
	"initialized": images.Created,
	"running":     images.Running,
	"stopping":    images.Running,
	"paused":      images.Paused,
	"restarting":  images.Restarting,
	"stopped":     images.Exited,
	"exited":      images.Exited,
	"removing":    images.Removing,
}

func stateOf(word string) images.State {
	if s, ok := states[strings.ToLower(word)]; ok {
		return s
	}
	return images.Dead
}

// A containerAnswer is a container as it is inspected.
type containerAnswer struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	Path    string
	Args    []string
	Image   string
	State   struct {
		Status    string
		ExitCode  int
		PID       int `json:"Pid"`
		StartedAt time.Time
	}
	ImageName string
	Config    struct {
		Tty         bool
		OpenStdin   bool
		Env         []string
		Labels      map[string]string
		Cmd         []string
		Entrypoint  words
		StopTimeout int64
	}
	HostConfig struct {
		AutoRemove bool
		Privileged bool
	}
}

// words are a list that Podman 4 joins to one text.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = nil
		if one != "" {
			*w = words{one}
		}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

func (a containerAnswer) container() images.Container {
	return images.Container{
		ID:         a.ID,
		Name:       a.Name,
		ImageID:    prefixed(a.Image),
		ImageName:  familiar(a.ImageName),
		Command:    a.command(),
		Created:    a.Created,
		State:      stateOf(a.State.Status),
		Labels:     a.Config.Labels,
		ExitCode:   a.State.ExitCode,
		PID:        a.State.PID,
		TTY:        a.Config.Tty,
		Stdin:      a.Config.OpenStdin,
		Env:        a.Config.Env,
		AutoRemove: a.HostConfig.AutoRemove,
		Privileged: a.HostConfig.Privileged,
	}
}

// command is the program and its arguments, without the init of --init. A
// program without arguments is its own argument in Podman's answer.
func (a containerAnswer) command() []string {
	args := a.Args
	if (a.Path == "/dev/init" || a.Path == "/run/podman-init") && len(args) > 1 && args[0] == "--" {
		return args[1:]
	}
	given := len(a.Config.Entrypoint) + len(a.Config.Cmd)
	if given == 1 && len(args) == 1 && args[0] == a.Path {
		return args
	}
	if a.Path == "" {
		return args
	}
	return append([]string{a.Path}, args...)
}

// familiar is a name as a user would have typed it. Podman does not tell what
// was typed, but what it found by it: bb is localhost/bb:latest.
func familiar(name string) string {
	for _, prefix := range []string{"localhost/", "docker.io/library/", "docker.io/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	return strings.TrimSuffix(name, ":latest")
}

// Container inspects a container.
func (e *Engine) Container(ctx context.Context, name string) (images.Container, error) {
	a, err := e.inspect(ctx, name)
	if err != nil {
		return images.Container{}, fmt.Errorf("inspecting container %q: %w", name, err)
	}
	return a.container(), nil
}

func (e *Engine) inspect(ctx context.Context, name string) (containerAnswer, error) {
	var a containerAnswer
	if name == "" {
		return a, images.ErrNotFound
	}
	err := e.call(ctx, get(path("containers", name, "json")), &a)
	return a, err
}

// Containers lists all containers.
func (e *Engine) Containers(ctx context.Context) ([]images.Container, error) {
	all, err := e.containers(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	return all, nil
}

func (e *Engine) containers(ctx context.Context) ([]images.Container, error) {
	var answer []struct {
		ID      string `json:"Id"`
		Names   []string
		Image   string
		ImageID string
		Command []string
		Created time.Time
		State   string
		Labels  map[string]string
	}
	if err := e.call(ctx, get("/containers/json").with("all", "true"), &answer); err != nil {
		return nil, err
	}
	all := make([]images.Container, 0, len(answer))
	for _, a := range answer {
		c := images.Container{
			ID:        a.ID,
			ImageID:   prefixed(a.ImageID),
			ImageName: familiar(a.Image),
			Command:   a.Command,
			Created:   a.Created,
			State:     stateOf(a.State),
			Labels:    a.Labels,
		}
		if len(a.Names) > 0 {
			c.Name = a.Names[0]
		}
		all = append(all, c)
	}
	return all, nil
}
