package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels"
)

// enter goes into a container that exists: it runs a command in it, or starts
// it again.
func (o *runOptions) enter(ctx context.Context, e *env, eng images.Engine, c images.Container, img *images.Image) error {
	if err := o.sameImage(e, c, img); err != nil {
		return err
	}
	background := o.background(e, c, img)
	for _, words := range o.entering(e, c, background) {
		switch {
		case o.display:
			fmt.Fprintln(e.stdout, labels.Quote(words))
		case !o.quiet:
			e.notef("%s", labels.Quote(words))
		}
	}
	if o.display {
		return nil
	}
	switch {
	case c.IsRunning() && len(o.words) > 0:
		return asStatus(e.exec(ctx, eng, c.ID, e.process(o.words)))
	case c.IsRunning() && c.Stdin:
		return asStatus(e.exec(ctx, eng, c.ID, e.process(userShell())))
	case c.IsRunning():
		e.notef("Container is running")
		return nil
	case len(o.words) > 0 && !endsWith(c.Command, o.words):
		return o.startAndExec(ctx, e, eng, c)
	}
	return asStatus(e.startAgain(ctx, eng, c.ID, !background))
}

// background tells whether the container runs in the background: its RUN label
// says so, or without an image nobody can type to it.
func (o *runOptions) background(e *env, c images.Container, img *images.Image) bool {
	if img == nil {
		return !c.Stdin
	}
	t, err := o.task(e, *img, c.Name)
	if a, ok := t.reading.Action.(labels.Run); ok && err == nil {
		return a.Spec.Detach
	}
	return !c.Stdin
}

// endsWith tells whether a container's own command, which may begin with its
// entrypoint, is the one that the user typed.
func endsWith(command, words []string) bool {
	return len(command) >= len(words) && slices.Equal(command[len(command)-len(words):], words)
}

// sameImage compares the image that is asked for with the container's. Without
// the image it is the container that is asked for, or its image by another name.
func (o *runOptions) sameImage(e *env, c images.Container, img *images.Image) error {
	if img == nil || img.ID == c.ImageID {
		return nil
	}
	again := "atomic run --replace " + o.image
	if sameName(c.ImageName, o.image) {
		e.notef("The container %s was made of an older %s (%s); the image is now %s.\nTo make a new one, which loses changes made inside: %s",
			c.Name, o.image, shortID(c.ImageID), shortID(img.ID), again)
		return nil
	}
	return hint(fmt.Errorf("container %s was made of %s (%s), not of %s (%s)", c.Name, c.ImageName, shortID(c.ImageID), o.image, shortID(img.ID)),
		"enter it with atomic run %s, replace it with %s, or choose another name with --name", c.ImageName, again)
}

// sameName tells whether two references name the same repository.
func sameName(a, b string) bool {
	repository := func(ref string) string {
		ref, _, _ = strings.Cut(ref, "@")
		if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
			ref = ref[:i]
		}
		return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "localhost/"), "library/")
	}
	return repository(a) == repository(b)
}

// entering is the command lines that say what enter does.
func (o *runOptions) entering(e *env, c images.Container, background bool) [][]string {
	line := func(verb string, words ...string) []string {
		return append([]string{string(e.kind), verb}, words...)
	}
	flags := []string{"-i"}
	if e.interactive() {
		flags = []string{"-t", "-i"}
	}
	exec := line("exec", slices.Concat(flags, []string{c.Name}, o.words)...)
	switch {
	case c.IsRunning() && len(o.words) > 0:
		return [][]string{exec}
	case c.IsRunning() && c.Stdin:
		return [][]string{append(exec, "sh")}
	case c.IsRunning():
		return nil
	case len(o.words) > 0 && !endsWith(c.Command, o.words):
		return [][]string{line("start", c.Name), exec}
	case background:
		return [][]string{line("start", c.Name)}
	case c.Stdin:
		return [][]string{line("start", "-a", "-i", c.Name)}
	}
	return [][]string{line("start", "-a", c.Name)}
}

// process is a command as the user at this terminal, or none, runs it.
func (e *env) process(words []string) images.Process {
	return images.Process{Args: words, TTY: e.interactive(), Stdin: true}
}

// userShell starts the shell that a user of the image expects: its $SHELL,
// bash, or sh. It runs in the container, which has no better way to tell which
// of them is there.
func userShell() []string {
	return []string{"sh", "-c", `command -v "$SHELL" >/dev/null && exec "$SHELL"; command -v bash >/dev/null && exec bash; exec sh`}
}

// settleTime is how long a started container may take to end by itself, when
// its own command is short, before a command is run in it.
const settleTime = 100 * time.Millisecond

// startAndExec starts a stopped container and runs the user's command in it.
// That fails, with status 1 as scripts know it, when the container's own
// command ends at once.
func (o *runOptions) startAndExec(ctx context.Context, e *env, eng images.Engine, c images.Container) error {
	exits, err := eng.Wait(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := eng.Start(ctx, c.ID); err != nil {
		return err
	}
	select {
	case <-exits:
		return o.ended(c)
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(settleTime):
	}
	status, err := e.exec(ctx, eng, c.ID, e.process(o.words))
	if errors.Is(err, images.ErrConflict) {
		return o.ended(c)
	}
	return asStatus(status, err)
}

func (o *runOptions) ended(c images.Container) error {
	return hint(fmt.Errorf("container %s has ended again, so %s cannot be run in it: its own command is %s",
		c.Name, labels.Quote(o.words[:1]), labels.Quote(c.Command)),
		"for a new container: atomic run --replace %s %s", c.ImageName, labels.Quote(o.words))
}
