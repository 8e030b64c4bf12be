package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/installed"
	"github.com/projectatomic/atomic/labels"
	"github.com/projectatomic/atomic/labels/run"
)

func runCommand(e *env) *cli.Command {
	o := &runOptions{}
	return &cli.Command{
		Name:      "run",
		Usage:     "run an image by its RUN label, or enter the container that it has",
		ArgsUsage: "IMAGE [COMMAND [ARG...]]",
		Flags: slices.Concat([]cli.Flag{
			o.nameFlag(),
			&cli.BoolFlag{Name: "replace", Aliases: []string{"r"}, Usage: "make a new container and remove the one of that name", Destination: &o.replace},
			&cli.BoolFlag{Name: "ephemeral", Usage: "remove the container when it ends", Destination: &o.ephemeral},
			&cli.BoolFlag{Name: "spc", Usage: "without a RUN label, make the container super-privileged", Destination: &o.spc},
			&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "without a RUN label, run in the background", Destination: &o.detach},
			&cli.StringFlag{Name: "storage", Usage: "kept for old scripts: the same as --engine `ENGINE`", Destination: &o.storage},
		}, o.labelOptions.flags(), o.pull.flags()),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usageError{"atomic run", "too few arguments"}
			}
			if o.quiet && o.display {
				return usageError{"atomic run", "--quiet and --display exclude each other"}
			}
			o.image, o.words = c.Args().First(), c.Args().Tail()
			if late := lateOption(c); late != "" && !o.quiet {
				e.notef("atomic: %s stands behind the image, so it goes to the container; for atomic, put it before the image", late)
			}
			if err := e.storage(o.storage); err != nil {
				return err
			}
			return runRun(c.Context, e, o)
		},
	}
}

type runOptions struct {
	labelOptions
	pull      pullOptions
	image     string
	words     []string
	storage   string
	replace   bool
	ephemeral bool
	spc       bool
	detach    bool
}

// storage takes the original's --storage, which named an engine.
func (e *env) storage(name string) error {
	switch name {
	case "":
	case "docker", "podman":
		e.globals.engine = name
	default:
		return fmt.Errorf("there is no storage %q: docker and podman are left of those that were", name)
	}
	return nil
}

// runRun is create, start or exec, in the order of need.
func runRun(ctx context.Context, e *env, o *runOptions) error {
	return e.withEngine(ctx, func(eng images.Engine) error {
		name := o.name
		if name == "" {
			name = labels.ContainerName(o.image)
			if o.spc {
				name += "-spc"
			}
		}
		there, err := e.look(ctx, eng, o.image, name, o.display)
		if err != nil {
			return err
		}
		if err := e.putBack(ctx, eng, &there, name); err != nil {
			return err
		}
		if there.container != nil && !o.replace {
			return o.enter(ctx, e, eng, *there.container, there.image)
		}
		return o.start(ctx, e, eng, name, there)
	})
}

// What is there before a run; nil is not there.
type present struct {
	image     *images.Image
	container *images.Container // of the name
	old       *images.Container // moved aside by a replacement
}

// look asks the engine for all of it at once. With display nothing will be put
// back, so that there is no need to know what could be.
func (e *env) look(ctx context.Context, eng images.Engine, image, name string, display bool) (p present, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		img, err := eng.Image(ctx, image)
		if err == nil {
			p.image = &img
		}
		return unlessNotFound(err)
	})
	g.Go(func() (err error) {
		p.container, err = e.container(ctx, eng, name)
		return err
	})
	if !display {
		g.Go(func() (err error) {
			p.old, err = e.container(ctx, eng, name+oldSuffix)
			return err
		})
	}
	return p, g.Wait()
}

func unlessNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}

// container gives the container called name, or nil. An ID that begins like
// the name is not it.
func (e *env) container(ctx context.Context, eng images.Engine, name string) (*images.Container, error) {
	c, err := eng.Container(ctx, name)
	if isNotFound(err) || err == nil && c.Name != name {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// start makes a new container of the image by its label.
func (o *runOptions) start(ctx context.Context, e *env, eng images.Engine, name string, there present) error {
	img := there.image
	if img == nil {
		pulled, found, err := e.pullMissing(ctx, eng, o.image, o.display, o.pull)
		if err != nil || !found {
			return err
		}
		img = &pulled
	}
	if err := o.installedFirst(e, *img); err != nil {
		return err
	}
	t, err := o.task(e, *img, name)
	if err != nil {
		return err
	}
	if err := e.ready(t); err != nil {
		return err
	}
	if o.display {
		e.display(t)
		return nil
	}
	a, isRun := t.reading.Action.(labels.Run)
	if !isRun || a.Spec.Name == "" {
		return asStatus(e.carryOut(ctx, eng, t))
	}
	existing := there.container
	if a.Spec.Name != name {
		// The label has a name of its own.
		if existing, err = e.container(ctx, eng, a.Spec.Name); err != nil {
			return err
		}
	}
	switch {
	case existing == nil:
		return asStatus(e.carryOut(ctx, eng, t))
	case o.replace:
		return asStatus(e.replaceContainer(ctx, eng, *existing, t, a.Spec))
	}
	return o.enter(ctx, e, eng, *existing, img)
}

// asStatus makes an error of a container's exit status.
func asStatus(status int, err error) error {
	if err == nil && status != 0 {
		return statusError(status)
	}
	return err
}

// installedFirst refuses to run an image that wants to be installed and is not.
func (o *runOptions) installedFirst(e *env, img images.Image) error {
	if _, ok := labels.Find(img.Labels, "INSTALL"); !ok || e.ignore {
		return nil
	}
	found, err := installed.Open(installed.Path(e.getenv)).Match(img, o.image)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return hint(fmt.Errorf("the image %s has an INSTALL label and does not appear to be installed", o.image),
			"run atomic install %s first, or atomic --ignore run %s", o.image, o.image)
	}
	return nil
}

// task reads the RUN label, or makes the default run for an image without one.
func (o *runOptions) task(e *env, img images.Image, name string) (task, error) {
	vars, err := e.vars(o.image, name, &o.labelOptions)
	if err != nil {
		return task{}, err
	}
	if o.ephemeral {
		vars.Options = append(vars.Options, "--rm")
	}
	text, ok := labels.Find(img.Labels, "RUN")
	if !ok {
		return o.defaultTask(e, img, vars), nil
	}
	reading, err := e.read(text, img.Labels, vars, o.words)
	if err != nil {
		return task{}, err
	}
	if a, isRun := reading.Action.(labels.Run); isRun && o.name != "" && a.Spec.Name != o.name {
		if a.Spec.Name != "" {
			e.notef("atomic: the RUN label calls its container %s; --name %s does not change that", a.Spec.Name, o.name)
		} else {
			vars.Options = append(vars.Options, "--name", o.name)
			reading, err = e.read(text, img.Labels, vars, o.words)
		}
	}
	return task{text: text, reading: reading, vars: vars, opts: &o.labelOptions}, err
}

// defaultTask is the run of an image without a RUN label.
func (o *runOptions) defaultTask(e *env, img images.Image, vars labels.Vars) task {
	spec := run.Spec{
		Name: vars.Name, Image: o.image, Args: o.words,
		TTY: isTerminal(e.stdin), Stdin: true, Detach: o.detach, Remove: o.ephemeral,
	}
	if o.spc {
		superPrivileged(&spec)
	}
	if len(spec.Args) == 0 {
		spec.Args = img.Config.Cmd
	}
	words := append([]string{string(e.kind), "run"}, spec.Argv()...)
	spec.Mounts = withoutMissing(spec.Mounts)
	return task{
		text: labels.Text{Label: "RUN"}, vars: vars, opts: &o.labelOptions,
		reading: labels.Reading{Label: "RUN", Action: labels.Run{Spec: spec}, Argv: words, Risks: run.Risks(spec), Findings: run.Validate(spec)},
	}
}

// withoutMissing leaves out what the kernel of this host does not have and no
// engine can make: SELinux's files.
func withoutMissing(mounts []run.Mount) []run.Mount {
	return slices.DeleteFunc(mounts, func(m run.Mount) bool {
		_, err := os.Stat(m.Source)
		return strings.HasPrefix(m.Source, "/sys/") && os.IsNotExist(err)
	})
}

// superPrivileged turns the isolation off on purpose.
func superPrivileged(s *run.Spec) {
	s.Privileged = true
	s.Networks, s.IPC, s.PID = []run.Network{{Name: "host"}}, run.Host, run.Host
	s.Mounts = []run.Mount{
		{Type: run.Bind, Source: "/", Target: "/host"},
		{Type: run.Bind, Source: "/run", Target: "/run"},
		{Type: run.Bind, Source: "/etc/localtime", Target: "/etc/localtime"},
		{Type: run.Bind, Source: "/sys/fs/selinux", Target: "/sys/fs/selinux", Options: []string{"ro"}},
	}
	s.Env = []run.EnvVar{
		{Name: "HOST", Value: "/host"},
		{Name: "NAME", Value: s.Name},
		{Name: "IMAGE", Value: s.Image},
		{Name: "SYSTEMD_IGNORE_CHROOT", Value: "1"},
	}
}

// shortID is an ID as people read it.
func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}
