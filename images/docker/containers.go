package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
)

// checkName refuses what cannot name a container. It is done here because the
// name becomes part of a path, where "../x" would be another question.
func checkName(doing, name string) error {
	for i, r := range strings.TrimPrefix(name, "/") {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("_.-", r)) {
			return &callError{doing: doing, kind: images.ErrNotFound, err: fmt.Errorf("%q cannot be the name of a container", name)}
		}
	}
	if strings.TrimPrefix(name, "/") == "" {
		return &callError{doing: doing, kind: images.ErrNotFound, err: errors.New("no container is named")}
	}
	return nil
}

// order makes a small call about one container.
func (e *Engine) order(ctx context.Context, verb, name string, call func(context.Context) error) error {
	return e.orderFor(ctx, e.limits.answer, verb, name, call)
}

func (e *Engine) orderFor(ctx context.Context, limit time.Duration, verb, name string, call func(context.Context) error) error {
	doing := fmt.Sprintf("%s container %q", verb, name)
	if err := checkName(doing, name); err != nil {
		return err
	}
	return e.askFor(ctx, limit, doing, call)
}

// Container inspects one container.
func (e *Engine) Container(ctx context.Context, name string) (images.Container, error) {
	var c images.Container
	err := e.order(ctx, "inspecting", name, func(ctx context.Context) error {
		r, err := e.inspect(ctx, name)
		c = inspected(r)
		return err
	})
	if err != nil {
		return images.Container{}, err
	}
	return c, nil
}

// inspect gives an answer in which everything is there.
func (e *Engine) inspect(ctx context.Context, name string) (container.InspectResponse, error) {
	r, err := e.cli.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	c := r.Container
	if err == nil && (c.ID == "" || c.State == nil || c.Config == nil || c.HostConfig == nil) {
		err = errNonsense
	}
	return c, err
}

func inspected(r container.InspectResponse) images.Container {
	if r.State == nil {
		return images.Container{}
	}
	c := images.Container{
		ID:         r.ID,
		Name:       strings.TrimPrefix(r.Name, "/"),
		ImageID:    r.Image,
		ImageName:  r.Config.Image,
		Command:    append([]string{r.Path}, r.Args...),
		State:      images.State(r.State.Status),
		Labels:     r.Config.Labels,
		ExitCode:   r.State.ExitCode,
		PID:        r.State.Pid,
		TTY:        r.Config.Tty,
		Stdin:      r.Config.OpenStdin,
		Env:        r.Config.Env,
		AutoRemove: r.HostConfig.AutoRemove,
		Privileged: r.HostConfig.Privileged,
	}
	// Containers of a time before there was a date have none.
	c.Created, _ = time.Parse(time.RFC3339Nano, r.Created)
	return c
}

// Containers lists all containers.
func (e *Engine) Containers(ctx context.Context) ([]images.Container, error) {
	var out []images.Container
	err := e.ask(ctx, "listing containers", func(ctx context.Context) error {
		r, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true})
		if err != nil {
			return err
		}
		for _, s := range r.Items {
			out = append(out, images.Container{
				ID:        s.ID,
				Name:      ownName(s.Names),
				ImageID:   s.ImageID,
				ImageName: s.Image,
				Command:   splitCommand(s.Command),
				Created:   time.Unix(s.Created, 0),
				State:     images.State(s.State),
				Labels:    s.Labels,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ownName leaves out the names that a container has in others, by links:
// /other/alias.
func ownName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// splitCommand undoes what lists do with a command: they join the words, and
// put those with a blank in single quotes. Words with such quotes of their own
// may come out differently.
func splitCommand(text string) []string {
	var words []string
	for text = strings.TrimLeft(text, " "); text != ""; text = strings.TrimLeft(text, " ") {
		word, rest, _ := strings.Cut(text, " ")
		if strings.HasPrefix(text, "'") {
			if end := strings.Index(text[1:]+" ", "' "); end >= 0 {
				word, rest = text[1:1+end], text[min(len(text), end+3):]
			}
		}
		words = append(words, word)
		text = rest
	}
	return words
}

// Start starts a container.
func (e *Engine) Start(ctx context.Context, name string) error {
	failed := e.roster.starting(name)
	err := e.order(ctx, "starting", name, func(ctx context.Context) error {
		_, err := e.cli.ContainerStart(ctx, name, client.ContainerStartOptions{})
		return startKind(err)
	})
	if err != nil {
		failed()
	}
	return err
}

// startKind marks the errors of starting. A status says little: it is 404 for
// a network that is not there, too.
func startKind(err error) error {
	if err == nil || connectionKind(err) != nil {
		return err
	}
	text := err.Error()
	if kind := programKind(text); kind != nil {
		return &callError{kind: kind, err: err}
	}
	if cerrdefs.IsNotFound(err) && !strings.Contains(strings.ToLower(text), "no such container") {
		return &callError{err: err}
	}
	return err
}

// defaultGrace is what the engine gives a container that has no grace period
// of its own.
const defaultGrace = 10 * time.Second

// Stop sends the stop signal, then SIGKILL after grace.
func (e *Engine) Stop(ctx context.Context, name string, grace *time.Duration) error {
	var seconds *int
	wait := defaultGrace
	if grace != nil {
		n := int((max(*grace, -time.Second) + time.Second - 1) / time.Second)
		if *grace < 0 {
			n = -1
		}
		seconds, wait = &n, time.Duration(n)*time.Second
	} else {
		// The deadline depends on the container's own grace period.
		err := e.order(ctx, "stopping", name, func(ctx context.Context) error {
			c, err := e.inspect(ctx, name)
			if err == nil && c.Config.StopTimeout != nil {
				wait = time.Duration(*c.Config.StopTimeout) * time.Second
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	limit := wait + e.limits.answer
	if wait < 0 {
		limit = 0 // the engine waits for ever
	}
	return e.orderFor(ctx, limit, "stopping", name, func(ctx context.Context) error {
		_, err := e.cli.ContainerStop(ctx, name, client.ContainerStopOptions{Timeout: seconds})
		if err == nil {
			e.catchUp(ctx, name)
		}
		return err
	})
}

// catchUp returns when the engine's list has a container that has just ended
// as ended. From 23.0 on the engine answers Wait and Stop before that; an
// inspect waits for the lock under which it makes up for it.
func (e *Engine) catchUp(ctx context.Context, name string) {
	if e.before("1.42") {
		return
	}
	// The list is right already of a container that is gone.
	_, _ = e.cli.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
}

// Kill sends a signal to the container's first process.
func (e *Engine) Kill(ctx context.Context, name string, signal syscall.Signal) error {
	return e.order(ctx, "killing", name, func(ctx context.Context) error {
		_, err := e.cli.ContainerKill(ctx, name, client.ContainerKillOptions{Signal: fmt.Sprint(int(signal))})
		return err
	})
}

// Remove removes a container and its anonymous volumes. Where the engine is
// removing it already it waits until that is done.
func (e *Engine) Remove(ctx context.Context, name string, force bool) error {
	err := e.order(ctx, "removing", name, func(ctx context.Context) error {
		_, err := e.cli.ContainerRemove(ctx, name, client.ContainerRemoveOptions{RemoveVolumes: true, Force: force})
		if cerrdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress") {
			return e.removed(ctx, name)
		}
		return err
	})
	if err == nil {
		e.roster.forget(name)
	}
	return err
}

// removed waits until a container is gone.
func (e *Engine) removed(ctx context.Context, name string) error {
	r := e.cli.ContainerWait(ctx, name, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case res := <-r.Result:
		if res.Error != nil && res.Error.Message != "" {
			return errors.New(res.Error.Message)
		}
		return nil
	case err := <-r.Error:
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		return err
	}
}

// Rename gives a container another name.
func (e *Engine) Rename(ctx context.Context, name, newName string) error {
	err := e.order(ctx, "renaming", name, func(ctx context.Context) error {
		_, err := e.cli.ContainerRename(ctx, name, client.ContainerRenameOptions{NewName: newName})
		return err
	})
	if err == nil {
		e.roster.renamed(name, newName)
	}
	return err
}
