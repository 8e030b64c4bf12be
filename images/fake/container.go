package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// A container is what the engine holds of one. The world's mu guards it, but
// for what guards itself.
type container struct {
	id      string
	name    string
	spec    run.Spec
	image   *image
	command []string
	env     []string
	created time.Time
	state   images.State
	exit    int
	runs    int               // that have ended
	first   *task             // the process it runs, or nil
	execs   map[*task]bool    // the others
	waits   map[*wait]bool    // who waits for its end
	streams *hub              // what it prints
	input   *input            // what is typed, for this run or the next
	screen  *terminal         // with a terminal
	files   *files            //
	dir     string            // where programs begin
	stop    syscall.Signal    //
	grace   time.Duration     //
	labels  map[string]string //
}

// container finds a container by name, ID or the beginning of one.
func (w *world) container(name string) (*container, error) {
	var found []*container
	for id, c := range w.containers {
		if c.name == name || id == name {
			return c, nil
		}
		if name != "" && strings.HasPrefix(id, name) {
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, images.ErrNotFound
}

// describe is the container as the contract has it.
func (c *container) describe() images.Container {
	d := images.Container{
		ID:         c.id,
		Name:       c.name,
		ImageID:    c.image.id,
		ImageName:  c.spec.Image,
		Command:    slices.Clone(c.command),
		Created:    c.created,
		State:      c.state,
		Labels:     maps.Clone(c.labels),
		ExitCode:   c.exit,
		TTY:        c.spec.TTY,
		Stdin:      c.spec.Stdin,
		Env:        slices.Clone(c.env),
		AutoRemove: c.spec.Remove,
		Privileged: c.spec.Privileged,
	}
	if c.first != nil {
		d.PID = c.first.pid
	}
	return d
}

// Container is images.Engine's.
func (e *Engine) Container(ctx context.Context, name string) (images.Container, error) {
	var found images.Container
	err := e.call(ctx, "Container", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err == nil {
			found = c.describe()
		}
		return err
	})
	return found, about(err, "inspecting container %q", name)
}

// Containers is images.Engine's. The containers are in the order of their
// names.
func (e *Engine) Containers(ctx context.Context) ([]images.Container, error) {
	var all []images.Container
	err := e.call(ctx, "Containers", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		for _, c := range e.world.sorted() {
			d := c.describe()
			d.ExitCode, d.PID, d.Env = 0, 0, nil
			d.TTY, d.Stdin, d.AutoRemove, d.Privileged = false, false, false, false
			all = append(all, d)
		}
		return nil
	})
	return all, about(err, "listing containers")
}

// sorted are the containers by name.
func (w *world) sorted() []*container {
	return slices.SortedFunc(maps.Values(w.containers), func(a, b *container) int {
		return strings.Compare(a.name, b.name)
	})
}

// Spec is what a container was made of, and whether there is such a container.
func (e *Engine) Spec(name string) (run.Spec, bool) {
	e.world.mu.Lock()
	defer e.world.mu.Unlock()
	c, err := e.world.container(name)
	if err != nil {
		return run.Spec{}, false
	}
	return c.spec, true
}

// Create is images.Engine's.
func (e *Engine) Create(ctx context.Context, spec run.Spec) (string, []string, error) {
	var id string
	err := e.call(ctx, "Create", func(context.Context) error {
		for _, f := range e.Check(spec) {
			if f.Level == run.Error {
				return fmt.Errorf("%s: %s", f.Field, f.Message)
			}
		}
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.create(spec)
		if err == nil {
			id = c.id
		}
		return err
	})
	return id, nil, about(err, "creating container %q of image %q", spec.Name, spec.Image)
}

func (w *world) create(spec run.Spec) (*container, error) {
	img, err := w.image(spec.Image)
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	if err := w.free(spec.Name); err != nil {
		return nil, err
	}
	stop, err := stopSignal(spec.StopSignal, img.config.Config.StopSignal)
	if err != nil {
		return nil, err
	}
	files, err := w.mount(spec, img)
	if err != nil {
		return nil, err
	}
	w.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "container %d", w.made))
	c := &container{
		id:      hex.EncodeToString(sum[:]),
		name:    spec.Name,
		spec:    spec,
		image:   img,
		command: command(spec, img),
		created: time.Now(),
		state:   images.Created,
		execs:   make(map[*task]bool),
		waits:   make(map[*wait]bool),
		streams: newHub(true),
		files:   files,
		dir:     path.Clean("/" + first(spec.WorkDir, img.config.Config.WorkingDir)),
		stop:    stop,
		grace:   10 * time.Second,
	}
	if len(c.command) == 0 {
		return nil, errors.New("neither the image nor the caller says what to run")
	}
	if c.name == "" {
		c.name = fmt.Sprintf("nameless_%d", w.made)
	}
	if s := spec.StopTimeout; s != nil {
		c.grace = time.Duration(*s) * time.Second
	}
	c.env = w.environment(c)
	c.labels = merged(img.config.Config.Labels, spec.Labels)
	c.renew()
	w.containers[c.id] = c
	w.tellOf(c, "create")
	return c, nil
}

// free refuses a name that a container has.
func (w *world) free(name string) error {
	for _, c := range w.containers {
		if c.name == name {
			return fmt.Errorf("the name %q is that of container %s: %w", name, c.id, images.ErrConflict)
		}
	}
	return nil
}

// Rename is images.Engine's.
func (e *Engine) Rename(ctx context.Context, name, newName string) error {
	err := e.call(ctx, "Rename", func(context.Context) error {
		e.world.mu.Lock()
		defer e.world.mu.Unlock()
		c, err := e.world.container(name)
		if err != nil {
			return err
		}
		if newName == "" {
			return errors.New("the new name is empty")
		}
		if err := e.world.free(newName); err != nil {
			return err
		}
		c.name = newName
		e.world.tellOf(c, "rename")
		return nil
	})
	return about(err, "renaming container %q to %q", name, newName)
}

// renew prepares the input, and the terminal if there is one, of the next run.
func (c *container) renew() {
	c.input = newInput()
	if c.spec.TTY {
		c.screen = newTerminal(c.input, c.streams)
	}
}

// first is the first of the words that is not empty.
func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// command is what the container runs: as docker(1) has it, an entrypoint of
// the caller takes away the image's arguments too.
func command(spec run.Spec, img *image) []string {
	c := img.config.Config
	args := spec.Args
	if len(args) == 0 && len(spec.Entrypoint) == 0 {
		args = c.Cmd
	}
	entrypoint := c.Entrypoint
	if len(spec.Entrypoint) > 0 {
		entrypoint = slices.DeleteFunc(slices.Clone(spec.Entrypoint[:1]), func(s string) bool { return s == "" })
		entrypoint = append(entrypoint, spec.Entrypoint[1:]...)
	}
	return slices.Concat(entrypoint, args)
}

// environment is what every process of a container has, the caller's last.
func (w *world) environment(c *container) []string {
	env := setEnv(nil, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME="+c.hostname())
	if c.spec.TTY {
		env = setEnv(env, "TERM=xterm")
	}
	env = setEnv(env, c.image.config.Config.Env...)
	for _, v := range c.spec.Env {
		env = setEnv(env, v.Name+"="+v.Value)
	}
	return env
}

// hostname is the name of the container's machine.
func (c *container) hostname() string {
	return first(c.spec.Hostname, c.id[:12])
}

// setEnv sets variables, in the place of those of the same name.
func setEnv(env []string, vars ...string) []string {
	env = slices.Clone(env)
	for _, v := range vars {
		name, _, _ := strings.Cut(v, "=")
		i := slices.IndexFunc(env, func(have string) bool { return strings.HasPrefix(have, name+"=") })
		if i < 0 {
			env = append(env, v)
		} else {
			env[i] = v
		}
	}
	return env
}

// merged are the labels of the image with those of the caller over them.
func merged(labels map[string]string, more []run.Pair) map[string]string {
	all := make(map[string]string)
	maps.Copy(all, labels)
	for _, p := range more {
		all[p.Name] = p.Value
	}
	return all
}

// stopSignal is the first signal that is named, by name or number; SIGTERM
// when none is.
func stopSignal(names ...string) (syscall.Signal, error) {
	name := first(names...)
	if name == "" {
		return syscall.SIGTERM, nil
	}
	return parseSignal(name)
}
